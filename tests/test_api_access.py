"""Every operation of the API x every role and every scope. One that the table does not know fails."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch.api.scopes import SCOPES
from dispatch.api.v1 import api
from dispatch.models import MaintenancePlan, Status, User
from tests.api import Program, problem
from tests.factories import make_job
from tests.test_access import breached, proposed_route, undone

pytestmark = pytest.mark.once  # who may do what is not the database's to say

ACCOUNTS = {"nick", "tess", "dana", "omar", "ada"}
BOARD = {"dana", "omar", "ada"}
MONTHLY = "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=1"
WORK = BOARD | {"tess"}  # technicians their own


@dataclass(frozen=True)
class Access:
    scope: str
    allowed: set[str]
    data: dict = field(default_factory=dict)
    is_guarded: bool = False  # asks for If-Match


TABLE = {
    "GET /jobs": Access("jobs:read", WORK),
    "POST /jobs": Access("jobs:write", BOARD, {"site_id": "site", "job_type_id": "job_type"}),
    "GET /jobs/{job}": Access("jobs:read", WORK),
    "PATCH /jobs/{job}": Access("jobs:write", BOARD, {"priority": "high"}, is_guarded=True),
    "GET /jobs/{job}/transitions": Access("jobs:read", WORK),
    "POST /jobs/{job}/transitions": Access("jobs:write", WORK, {"to": "en_route"}),
    "POST /jobs/{job}/place": Access("jobs:write", BOARD, {"technician_id": None, "day": None}),
    "POST /jobs/{job}/hold": Access("jobs:write", BOARD, {"reason": "No key"}),
    "POST /jobs/{job}/release": Access("jobs:write", BOARD),
    "GET /jobs/{job}/notes": Access("jobs:read", WORK),
    "POST /jobs/{job}/notes": Access("jobs:write", WORK, {"text": "Gate code 12"}),
    "GET /customers": Access("customers:read", BOARD),
    "POST /customers": Access("customers:write", BOARD, {"name": "Acme"}),
    "GET /customers/{customer}": Access("customers:read", BOARD),
    "PATCH /customers/{customer}": Access("customers:write", BOARD, {"name": "Acme"}, is_guarded=True),
    "GET /sites": Access("sites:read", BOARD),
    "POST /sites": Access("sites:write", BOARD, {"customer_id": "customer", "address": "1 Elm St"}),
    "GET /sites/{site}": Access("sites:read", BOARD),
    "PATCH /sites/{site}": Access("sites:write", BOARD, {"address": "1 Elm St"}, is_guarded=True),
    "GET /technicians": Access("technicians:read", WORK),
    "GET /technicians/{technician}": Access("technicians:read", WORK),
    "GET /positions": Access("positions:read", WORK),
    "GET /technicians/{technician}/positions": Access("positions:read", WORK),
    "POST /positions": Access("positions:write", WORK, {"positions": "positions"}),
    "GET /plans": Access("plans:read", BOARD),
    "POST /plans": Access("plans:write", BOARD, {"technician_ids": "technicians"}),
    "GET /plans/{plan}": Access("plans:read", BOARD),
    "POST /plans/{plan}/apply": Access("plans:write", BOARD),
    "POST /plans/{plan}/discard": Access("plans:write", BOARD),
    "POST /plans/{plan}/stop": Access("plans:write", BOARD),
    "GET /maintenance-plans": Access("plans:read", BOARD),
    "GET /maintenance-plans/{maintenance_plan}": Access("plans:read", BOARD),
    "POST /maintenance-plans": Access(
        "plans:write",
        BOARD,
        {"name": "Filters", "site_id": "site", "job_type_id": "job_type", "rule": MONTHLY, "starts_on": "2026-12-01"},
    ),
    "PATCH /maintenance-plans/{maintenance_plan}": Access("plans:write", BOARD, {"days_ahead": 40}, is_guarded=True),
    "POST /maintenance-plans/{maintenance_plan}/skip": Access(
        "plans:write", BOARD, {"due_on": "2026-12-01", "reason": "Closed"}
    ),
    "POST /maintenance-plans/{maintenance_plan}/unskip": Access("plans:write", BOARD, {"due_on": "2026-12-01"}),
    "GET /violations": Access("violations:read", BOARD),
    "GET /violations/{violation}": Access("violations:read", BOARD),
    "POST /violations/{violation}/acknowledge": Access("violations:write", BOARD),
    "POST /violations/{violation}/notes": Access("violations:write", BOARD, {"text": "Traffic"}),
    "GET /job-types": Access("catalogue:read", WORK),
    "GET /skills": Access("catalogue:read", WORK),
    "GET /zones": Access("catalogue:read", BOARD),
}


def operations() -> dict[str, list[str]]:
    """Scopes by “POST /jobs/{}/notes”, as the description has them."""
    return {
        f"{method.upper()} {anonymous(path.removeprefix('/api/v1'))}": details["security"][0]["BearerToken"]
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method, details in methods.items()
    }


def anonymous(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def test_table_knows_every_operation_and_the_description_every_scope():
    assert {anonymous(name): [access.scope] for name, access in TABLE.items()} == operations()
    assert {access.scope for access in TABLE.values()} == SCOPES.keys()


@pytest.fixture
def scene(dana, omar, ada, tess, tom, nick, north, south):
    """What is Dana's to dispatch and Tess's to do, and as much of South that neither may know of."""
    users = {"dana": dana, "omar": omar, "ada": ada, "tess": tess.user, "nick": nick}
    return users, things(tess, north, by=dana, manager=omar), things(tom, south, by=omar, manager=omar)


def things(technician, zone, *, by, manager) -> dict:
    job, now = make_job(Status.ASSIGNED, by=manager, zone=zone, technician=technician), timezone.now()
    ids = {"job": job.pk, "customer": job.customer_id, "site": job.site_id, "job_type": job.job_type_id}
    maintenance = MaintenancePlan.objects.create(
        name="Filters",
        customer=job.customer,
        site=job.site,
        job_type=job.job_type,
        rule=MONTHLY,
        starts_on=now.date(),
        makes_from=now.date(),
        time_zone="America/New_York",
        created_at=now,
    )
    fix = {"technician_id": technician.pk, "recorded_at": now.isoformat(), "latitude": 40.1, "longitude": -75.1}
    return ids | {
        "technician": technician.pk,
        "technicians": [technician.pk],
        "violation": breached(job).pk,
        "plan": proposed_route(technician, by=by).pk,
        "maintenance_plan": maintenance.pk,
        "positions": [fix],
    }


def send(program: Program, operation: str, access: Access, ids: dict):
    method, path = operation.format(**ids).split(" ")
    data = {name: ids.get(value, value) if isinstance(value, str) else value for name, value in access.data.items()}
    headers = {"If_Match": "*"} if access.is_guarded else {}
    return program.send(method.lower(), path, None if method == "GET" else data, **headers)


@pytest.mark.parametrize("role", sorted(ACCOUNTS))
def test_only_the_allowed_may(scene, role):
    users, ids, _ = scene
    program = Program(users[role])
    for operation, access in TABLE.items():
        with undone():
            answer = send(program, operation, access, ids)
        if role in access.allowed:
            assert answer.status_code in (200, 201, 409), (operation, answer.content[:300])
        else:
            assert problem(answer)[0] in (403, 404), (operation, answer.content[:300])


def test_token_of_one_scope_cannot_do_what_takes_another(scene):
    """And one of all the others cannot do what takes this one."""
    users, ids, _ = scene
    for scope in SCOPES:
        only, others = Program(users["ada"], scope), Program(users["ada"], *(SCOPES.keys() - {scope}))
        for operation, access in TABLE.items():
            answer = send(others if access.scope == scope else only, operation, access, ids)
            assert problem(answer)[:2] == (403, "insufficient-scope"), (scope, operation)
            assert f'scope="{access.scope}"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("secret", ["wrong", "truckroll_", "\u00fc", ""])
def test_without_a_good_token_nobody_may(scene, secret):
    _, ids, _ = scene
    for operation, access in TABLE.items():
        answer = send(Program(None, secret=secret or " "), operation, access, ids)
        assert problem(answer)[:2] == (401, "unauthorized"), operation
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def lose_role(user) -> None:
    user.groups.clear()


def leave(user) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def lose_token(user) -> None:
    user.api_tokens.update(revoked_at=timezone.now())


def outlive_token(user) -> None:
    user.api_tokens.update(expires_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("change", [lose_role, leave, lose_token, outlive_token])
def test_token_made_before_is_good_for_nothing_after(scene, change):
    users, ids, _ = scene
    program = Program(users["ada"])
    assert program.get(f"/jobs/{ids['job']}").status_code == 200
    change(users["ada"])
    for operation, access in TABLE.items():
        with undone():
            answer = send(program, operation, access, ids)
        assert problem(answer)[0] in ((403, 404) if change is lose_role else (401,)), (operation, answer.content[:300])


@pytest.mark.parametrize("role", ["dana", "tess"])
def test_what_is_of_other_zones_does_not_exist(scene, role):
    """Customers are known to all dispatchers, as in their search."""
    users, _, foreign = scene
    program = Program(users[role])
    for operation, access in TABLE.items():
        if "{" in operation and "{customer}" not in operation:
            assert problem(send(program, operation, access, foreign))[0] in (403, 404), operation


@pytest.mark.parametrize("name", ["site_id", "customer_id", "technician_id", "technician_ids", "positions"])
def test_what_is_of_other_zones_cannot_be_named_either(scene, name):
    users, ids, foreign = scene
    dana = Program(users["dana"])
    answers = {
        "site_id": lambda: dana.post("/jobs", {"site_id": foreign["site"], "job_type_id": ids["job_type"]}),
        "customer_id": lambda: dana.post(
            "/jobs", {"customer_id": foreign["customer"], "site_id": ids["site"], "job_type_id": ids["job_type"]}
        ),
        "technician_id": lambda: dana.post(
            f"/jobs/{ids['job']}/transitions", {"to": "assigned", "technician_id": foreign["technician"]}
        ),
        "technician_ids": lambda: dana.post("/plans", {"technician_ids": [foreign["technician"]]}),
        "positions": lambda: dana.post("/positions", {"positions": foreign["positions"]}),
    }
    assert problem(answers[name]())[:2] == (422, "invalid")


@pytest.mark.parametrize("role", ["dana", "tess"])
def test_filters_find_nothing_of_other_zones(scene, south, role):
    users, _, foreign = scene
    program, foreign, asked = Program(users[role]), foreign | {"zone": south.pk}, set()
    for path, methods in api.get_openapi_schema()["paths"].items():
        for one in methods.get("get", {"parameters": []})["parameters"]:
            thing = one["name"].removesuffix("_id")
            if one["in"] == "query" and thing in foreign.keys() - {"job_type"}:
                answer = program.get(path.removeprefix("/api/v1"), {one["name"]: foreign[thing]})
                assert answer.status_code == 403 or answer.json()["items"] == [], (path, one["name"])
                asked.add((path, one["name"]))
    assert len(asked) >= 10, asked


def test_session_alone_counts_for_nothing(client, ada):
    client.force_login(ada)
    assert problem(client.get("/api/v1/jobs"))[0] == 401


def test_anybody_may_read_the_description(client):
    assert client.get(reverse("api:openapi-json")).json()["openapi"] == "3.1.0"
    assert client.get(reverse("api_docs")).status_code == 200


def test_token_is_good_as_long_as_it_stands_and_its_user_works_here(omar):
    program = Program(omar)
    token = omar.api_tokens.get()
    now = timezone.now()
    assert program.get("/jobs").status_code == 200
    for change in ({"revoked_at": now}, {"expires_at": now - timedelta(seconds=1)}):
        omar.api_tokens.update(**change)
        assert problem(program.get("/jobs"))[:2] == (401, "unauthorized")
        omar.api_tokens.update(**dict.fromkeys(change))
    assert program.get("/jobs").status_code == 200
    omar.is_active = False
    omar.save()
    assert problem(program.get("/jobs"))[:2] == (401, "unauthorized")
    token.refresh_from_db()
    assert token.last_used_at >= now - timedelta(seconds=5)
