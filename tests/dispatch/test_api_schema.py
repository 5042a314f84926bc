"""Schemathesis makes up requests from the API's description: nothing breaks, and every answer is as described.

Not asked: that whatever fits the description is accepted. Ids may be of nothing, times may contradict each other.
"""

from collections import Counter
from itertools import count, pairwise

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import data, lists, sampled_from
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from dispatch.api import tokens
from dispatch.api.v1 import api
from tests.api import token_of
from tests.test_access import undone
from tests.test_api_access import scene  # noqa: F401  (a fixture)

pytestmark = pytest.mark.filterwarnings("ignore")  # of schemathesis, about its own ways

AS_DESCRIBED = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EXAMPLES = 5  # of each operation, with what fits and with what does not
TRIES = 8  # so many mistakes a request has at most
PLACE, TIMES = {"latitude", "longitude"}, {"window_starts_at", "window_ends_at", "planned_starts_at"}
BLOCK = {"window_starts", "window_ends"}
TOGETHER = {  # what does not go with something else is left out with that
    **dict.fromkeys(PLACE, PLACE),
    **dict.fromkeys([*TIMES, "scheduled_on", "is_fixed"], TIMES | {"scheduled_on", "is_fixed"}),
    "day": TIMES | {"day"},
    **dict.fromkeys(BLOCK, BLOCK),
    "ends_on": {"starts_on", "ends_on"},
}
MUST_BE_SAID = {"day": None, "technician_id": None, **dict.fromkeys(("name", "address", "reason", "text"), "Something")}
RULES = ("FREQ=DAILY;INTERVAL=9", "FREQ=WEEKLY;BYDAY=MO", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYDAY=1MO")
STEPS_OF_PLANS = ("skip_visit", "change_maintenance_plan", "unskip_visit")
STEPS = ("change_status", "change_status", "place_job", "change_job", "hold_job", "release_job", "add_note")
MADE_UP = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
WALKS = settings(MADE_UP, max_examples=12)


@pytest.fixture
def program(scene, monkeypatch):  # noqa: F811
    """Calls with a token that may do everything, on a scene that has one of everything."""
    users, ids, _ = scene
    for signal in (request_started, request_finished):  # the connection is the test's
        signal.disconnect(close_old_connections)
    monkeypatch.setattr("django.conf.settings.API_REQUESTS_PER_SECOND", 10**6)
    monkeypatch.setattr(tokens, "DOORKEEPER", tokens.new_doorkeeper())
    yield {"Authorization": f"Bearer {token_of(users['ada'])}", "Accept-Encoding": "identity"}, ids
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def described_operations():
    schema = schemathesis.openapi.from_dict(dict(api.get_openapi_schema()))
    schema.app = WSGIHandler()
    return [found.ok() for found in schema.get_all_operations()]


def ask_made_up(operation, *, mode: GenerationMode, headers: dict, answers: list, aim=lambda case: None) -> set[int]:
    codes = set()

    @MADE_UP
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        aim(case)
        with undone():
            response = case.call(headers=headers)
        codes.add(response.status_code)
        case.validate_response(response, checks=answers, headers=headers)

    ask()
    return codes


def test_requests_against_the_description_are_refused(program):
    headers, _ = program
    answers = [*AS_DESCRIBED, checks.negative_data_rejection]
    for operation in described_operations():
        ask_made_up(operation, mode=GenerationMode.NEGATIVE, headers=headers, answers=answers)


def test_made_up_requests_are_answered_as_described(program):
    """Most with ids that exist, to get to where things are done."""
    headers, ids = program
    asked = count()

    def aim(case):
        if next(asked) % EXAMPLES == 0:
            return
        there = ids | {"plan": ids["maintenance_plan"]} if "/maintenance-plans" in case.path else ids
        for values in (case.path_parameters, case.query, case.body):
            aim_at(values, there)
        if isinstance(case.body, dict) and isinstance(case.body.get("positions"), list):
            for position in case.body["positions"]:
                aim_at(position, ids)
        if case.headers and "If-Match" in case.headers:
            case.headers["If-Match"] = "*"

    codes = set()
    for operation in described_operations():
        asked_for = {"mode": GenerationMode.POSITIVE, "headers": headers, "answers": AS_DESCRIBED, "aim": aim}
        codes |= ask_made_up(operation, **asked_for)
    assert {200, 201, 404, 409, 422} <= codes


# One thing after the other ------------------------------------------------------------------------


class Walk:
    """A program that makes a customer, a place, a job and a maintenance plan, and goes on with what it got.

    What it sends is made up; what an answer says is wrong with it, it leaves out or puts right, as people would.
    """

    def __init__(self, data, operations: dict, headers: dict, ids: dict):
        self.data, self.operations, self.headers = data, operations, headers
        self.known = {name: ids[name] for name in ("customer", "site", "job_type", "technician")}
        self.codes = Counter()

    def ask(self, name: str, said: dict | None = None, **path):
        """`said` is not left to chance."""
        operation = self.operations[name]
        case = self.data.draw(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        case.path_parameters, case.headers, case.query = path, {}, {}
        if operation.method == "patch":
            case.headers["If-Match"] = "*"
        aim_at(case.body, self.known)
        if said:
            case.body |= said
        for _ in range(TRIES):
            response = case.call(headers=self.headers)
            case.validate_response(response, checks=AS_DESCRIBED, headers=self.headers)
            self.codes[name, response.status_code] += 1
            if response.status_code != 422:
                break
            self.put_right(case.body, response.json()["errors"])
        return response

    @staticmethod
    def put_right(body: dict, errors: list[dict]) -> None:
        fields = {error["field"].split(".")[1] for error in errors}
        wrong = set().union(*(TOGETHER.get(field, {field}) for field in fields)) & body.keys()
        assert wrong, f"{errors} are not to be mended in {body}"
        for field in wrong:
            del body[field]
        body |= {field: value for field, value in MUST_BE_SAID.items() if field in wrong}

    def make(self, kind: str, said: dict | None = None) -> dict:
        response = self.ask(f"create_{kind}", said)
        assert response.status_code == 201, response.json()
        made = response.json()
        self.known[kind] = made["id"]
        return made

    def follow(self) -> None:
        self.make("customer")
        self.ask("change_site", site_id=self.make("site")["id"])
        self.follow_job(self.make("job")["id"])
        self.follow_plan()

    def follow_plan(self) -> None:
        """From today on, so that there are visits."""
        rule, today = self.data.draw(sampled_from(RULES)), str(timezone.localdate())
        said = {"rule": rule, "starts_on": today, "ends_on": None, "days_ahead": 40}
        plan = self.make("maintenance_plan", said)
        self.ask("skip_visit", {"due_on": plan["visits"][0]["due_on"]}, plan_id=plan["id"])
        self.ask("change_maintenance_plan", {"made_visits": "follow"}, plan_id=plan["id"])
        self.ask("unskip_visit", {"due_on": plan["visits"][0]["due_on"]}, plan_id=plan["id"])

    def follow_job(self, job_id: int) -> None:
        way = [{"to": to} for to in ("assigned", "en_route", "in_progress", "completed")]
        way[0]["technician_id"] = self.known["technician"]
        for name in self.data.draw(lists(sampled_from(STEPS), min_size=4, max_size=8)):
            self.ask(name, way.pop(0) if way and name == "change_status" else None, job_id=job_id)
        shown, log = self.ask("get_job", job_id=job_id).json(), self.ask("list_transitions", job_id=job_id).json()
        assert shown["status"] == log["items"][0]["to_status"]
        assert all(later["from_status"] == earlier["to_status"] for later, earlier in pairwise(log["items"]))


def test_whoever_heeds_the_answers_gets_from_a_new_customer_through_a_job(program):
    headers, ids = program
    operations = {one.definition.raw["operationId"]: one for one in described_operations()}
    codes = Counter()

    @WALKS
    @given(data=data())
    def follow(data):
        walk = Walk(data, operations, headers, ids)
        with undone():
            walk.follow()
        codes.update(walk.codes)

    follow()
    assert {code for name, code in codes if name == "change_status"} >= {200, 409}, codes
    assert all(codes[name, 200] + codes[name, 201] for name in (*STEPS, *STEPS_OF_PLANS)), codes


def aim_at(values, ids: dict) -> None:
    if not hasattr(values, "items"):
        return
    for name, value in values.items():
        thing = name.removesuffix("_id").removesuffix("_ids")
        if name.endswith("_id") and isinstance(value, int) and thing in ids:
            values[name] = ids[thing]
        elif name == "technician_ids" and value:
            values[name] = ids["technicians"]
