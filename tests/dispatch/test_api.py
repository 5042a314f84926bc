"""What holds for all of the API: doing things once, errors in one form, limits, the same number of queries."""

from datetime import timedelta
from io import BytesIO
from threading import Barrier, Thread

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatch import actions
from dispatch.actions.idempotency import GIVEN_UP_AFTER, KEPT
from dispatch.api import tokens
from dispatch.api.door import MOST_BYTES, REPEATABLE, door
from dispatch.api.v1 import api
from dispatch.models import Customer, IdempotencyKey, Status
from tests.api import Program, problem, token_of
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, SkillFactory, TechnicianFactory, make_job
from tests.test_access import breached, proposed_route

KEY = {"Idempotency_Key": "order-7"}


@pytest.fixture
def program(omar):
    return Program(omar)


# Once ---------------------------------------------------------------------------------------------


def test_request_sent_twice_is_done_once(program):
    first = program.post("/customers", {"name": "Acme"}, **KEY)
    again = program.post("/customers", {"name": "Acme"}, **KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.headers["ETag"], again.headers["Location"]) == (first.headers["ETag"], first.headers["Location"])
    assert Customer.objects.count() == 1


def test_key_of_another_request_is_refused(program):
    program.post("/customers", {"name": "Acme"}, **KEY)
    assert problem(program.post("/customers", {"name": "Zenith"}, **KEY))[:2] == (422, "idempotency-key-reused")
    assert Customer.objects.get().name == "Acme"


def test_keys_of_two_programs_have_nothing_to_do_with_each_other(program, dana):
    program.post("/customers", {"name": "Acme"}, **KEY)
    assert Program(dana).post("/customers", {"name": "Zenith"}, **KEY).status_code == 201


def test_request_that_is_still_worked_on_is_not_begun_again(program, omar):
    def sent_meanwhile(**fields):
        seen.append(program.post("/customers", {"name": "Acme"}, **KEY))
        return create(**fields)

    seen, create = [], actions.create_customer
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(actions, "create_customer", sent_meanwhile)
        assert program.post("/customers", {"name": "Acme"}, **KEY).status_code == 201
    assert problem(seen[0])[:2] == (409, "still-working")
    assert seen[0].headers["Retry-After"]
    assert Customer.objects.count() == 1


def test_refused_request_may_be_tried_again_with_its_key(program, omar, north):
    job = make_job(by=omar, zone=north)
    assert program.post(f"/jobs/{job.pk}/release", **KEY).status_code == 409
    actions.hold_job(job, "No key", by=omar)
    assert program.post(f"/jobs/{job.pk}/release", **KEY).status_code == 200


def test_what_a_dead_process_left_is_taken_over(program):
    program.post("/customers", {"name": "Acme"}, **KEY)
    Customer.objects.all().delete()
    left = {"status": None, "created_at": timezone.now() - GIVEN_UP_AFTER}
    IdempotencyKey.objects.update(**left)
    assert program.post("/customers", {"name": "Acme"}, **KEY).status_code == 201
    assert Customer.objects.count() == 1


def test_whoever_was_given_up_leaves_nothing_behind(program):
    """Two work on the same request: only the one who holds the key may commit."""

    def taken_over_meanwhile(**fields):
        customer = create(**fields)
        IdempotencyKey.objects.update(created_at=timezone.now() + timedelta(seconds=1))
        return customer

    create = actions.create_customer
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(actions, "create_customer", taken_over_meanwhile)
        assert problem(program.post("/customers", {"name": "Acme"}, **KEY))[:2] == (409, "still-working")
    assert not Customer.objects.exists()


def test_key_is_good_for_another_request_after_a_day(program):
    program.post("/customers", {"name": "Acme"}, **KEY)
    IdempotencyKey.objects.update(created_at=timezone.now() - KEPT)
    assert program.post("/customers", {"name": "Zenith"}, **KEY).status_code == 201
    IdempotencyKey.objects.update(created_at=timezone.now() - 2 * KEPT)
    assert actions.forget_old_records()["idempotency_keys"] == 1


@pytest.mark.parametrize("key", ["", "a b", "a" * 256])
def test_key_that_is_none_is_refused(program, key):
    assert problem(program.post("/customers", {"name": "Acme"}, Idempotency_Key=key))[:2] == (400, "malformed")


@pytest.mark.expects_error_logs
def test_failure_in_the_middle_leaves_nothing_behind(program, monkeypatch):
    def broken(customer, **fields):
        Customer.objects.create(name="Half")
        raise RuntimeError("out of luck")

    monkeypatch.setattr(actions, "create_customer", lambda **fields: broken(None, **fields))
    said = problem(program.post("/customers", {"name": "Acme"}, **KEY))
    assert said[:2] == (500, "internal")
    assert "luck" not in said[2]
    assert not Customer.objects.exists()
    monkeypatch.undo()
    assert program.post("/customers", {"name": "Acme"}, **KEY).status_code == 201


def at_once(send, *, times: int) -> list:
    """The answers to the same request from so many threads."""
    answers, barrier = [], Barrier(times)

    def wait_and_send():
        barrier.wait()
        answers.append(send())
        connection.close()

    threads = [Thread(target=wait_and_send) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_same_request_from_many_at_once_is_done_once(omar):
    secret = token_of(omar)
    answers = at_once(lambda: Program(None, secret=secret).post("/customers", {"name": "Acme"}, **KEY), times=4)
    assert Customer.objects.count() == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    again = Program(None, secret=secret).post("/customers", {"name": "Acme"}, **KEY)
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_who_change_what_they_have_read_at_once_one_wins(omar, north):
    program, job = Program(omar), make_job(by=omar, zone=north)
    tag, texts = program.get(f"/jobs/{job.pk}").headers["ETag"], iter("abcd")

    def change():
        data = {"description": next(texts)}
        return Program(None, secret=program.secret).patch(f"/jobs/{job.pk}", data, If_Match=tag)

    answers = at_once(change, times=4)
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    assert program.get(f"/jobs/{job.pk}").json()["description"] == won["description"]


# Errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("get", "/jobs/4711", (404, "not-found")),
        ("get", "/jobs/tomorrow", (422, "invalid")),
        ("get", "/jobs/0", (422, "invalid")),
        ("get", f"/jobs/{2**70}", (422, "invalid")),
        ("get", "/nothing", (404, "not-found")),
        ("get", "/jobs/", (404, "not-found")),
        ("get", "/", (404, "not-found")),
        ("delete", "/jobs", (405, "method-not-allowed")),
        ("head", "/jobs", (405, "method-not-allowed")),
        ("options", "/jobs", (405, "method-not-allowed")),
        ("post", "/positions", (422, "invalid")),
    ],
)
def test_every_error_is_a_problem(program, method, path, kind):
    answer = program.send(method, path)
    if method == "head":
        assert answer.status_code == 405
        return
    assert problem(answer)[:2] == kind
    if kind[0] == 405:
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "POST"}


def test_filter_that_takes_one_value_is_not_said_twice(program):
    assert problem(program.get("/jobs", {"zone_id": [1, 2]}))[:2] == (422, "invalid")
    described = api.get_openapi_schema()["paths"].values()
    parameters = [one for methods in described for details in methods.values() for one in details["parameters"]]
    assert {one["name"] for one in parameters if one["schema"].get("type") == "array"} == REPEATABLE


def test_filter_that_is_misspelt_is_not_taken_for_none(program, north):
    answer = program.get("/jobs", {"zone": north.pk, "limit": 5})
    assert problem(answer) == (422, "invalid", "query.zone: There is no such parameter here.")
    assert problem(program.post("/customers?name=Acme", {"name": "Acme"}))[0] == 422


def test_wrong_value_of_a_filter_is_named_as_it_was_sent(program):
    assert program.get("/jobs", {"status": "lost"}).json()["errors"][0]["field"] == "query.status.0"
    assert program.get("/jobs", {"limit": 0}).json()["errors"][0]["field"] == "query.limit"


def test_body_that_is_no_json_is_refused(program):
    headers = {"Authorization": f"Bearer {program.secret}"}
    form = program.client.post("/api/v1/customers", {"name": "Acme"}, headers=headers)
    assert problem(form)[:2] == (415, "unsupported-media-type")
    assert problem(program.post("/customers", {"name": "A" * 2_000_000}))[:2] == (413, "too-large")


def test_body_in_chunks_is_no_larger_and_no_other_than_one_that_says_its_length():
    def answer_to(body: bytes, kind: bytes):
        scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", kind)]}
        return door(lambda request: HttpResponse(request.body))(ASGIRequest(scope, BytesIO(body)))

    assert answer_to(b'{"name": "Acme"}', b"application/json").content == b'{"name": "Acme"}'
    assert answer_to(b"x" * (MOST_BYTES + 1), b"application/json").status_code == 413
    assert answer_to(b"name=Acme", b"application/x-www-form-urlencoded").status_code == 415


def test_problem_says_where_it_is_described(program, client):
    kind = program.get("/jobs/4711").json()["type"]
    address, _, name = kind.partition("#")
    assert f'id="{name}"' in client.get(address).content.decode()


# Limits -------------------------------------------------------------------------------------------


def test_token_that_asks_too_often_waits(program, dana, monkeypatch, settings):
    settings.API_REQUESTS_PER_SECOND = 0.1
    monkeypatch.setattr(tokens, "DOORKEEPER", tokens.new_doorkeeper())
    codes = [program.get("/skills").status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    answer = program.get("/skills")
    assert problem(answer)[:2] == (429, "too-many-requests")
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert Program(dana).get("/skills").status_code == 200


def test_whoever_guesses_tokens_waits_and_those_who_have_one_do_not(program, monkeypatch):
    monkeypatch.setattr(tokens, "DOORKEEPER", tokens.new_doorkeeper())
    assert program.get("/skills").status_code == 200
    guesses = [Program(None, secret=f"guess-{number}").get("/skills").status_code for number in range(70)]
    assert (guesses[0], guesses[-1]) == (401, 429)
    assert program.get("/skills").status_code == 200


# Queries ------------------------------------------------------------------------------------------


def scenery(omar, north, count: int) -> None:
    for number in range(count):
        technician = TechnicianFactory(zones=[north])
        technician.skills.create(skill=SkillFactory(name=f"Skill {number}"))
        job = make_job(
            Status.ASSIGNED, by=omar, zone=north, technician=technician, job_type=JobTypeFactory(name=f"Type {number}")
        )
        job.required_skills.create(skill=SkillFactory(name=f"Skill {number}"))
        violation = breached(job)
        violation.notes.create(written_at=timezone.now(), author=omar, text="Traffic")
        actions.clock_in(technician)
        proposed_route(technician, by=omar)


PATHS = ("/jobs", "/customers", "/sites", "/technicians", "/positions", "/plans", "/violations", "/job-types", "/zones")


def queries(program, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert program.get(path).status_code == 200
    return len(captured)


def test_long_lists_take_no_more_queries_than_short_ones(program, omar, north):
    program.get("/jobs")
    scenery(omar, north, 2)
    few = {path: queries(program, path) for path in PATHS}
    scenery(omar, north, 8)
    assert {path: queries(program, path) for path in PATHS} == few
    assert max(few.values()) <= 12, few


# Customers, sites and the rest --------------------------------------------------------------------


def test_customer_is_made_found_and_changed(program):
    made = program.post("/customers", {"name": "Acme", "phone": "+1 215 555-0101", "external_id": "C-9"})
    pk = made.json()["id"]
    assert [one["id"] for one in program.get("/customers", {"phone": "215-555-0101"}).json()["items"]] == [pk]
    assert [one["id"] for one in program.get("/customers", {"external_id": "C-9"}).json()["items"]] == [pk]
    tag = made.headers["ETag"]
    changed = program.patch(f"/customers/{pk}", {"email": "office@acme.example"}, If_Match=tag)
    assert (changed.status_code, changed.json()["name"]) == (200, "Acme")
    assert problem(program.patch(f"/customers/{pk}", {"notes": "x"}, If_Match=tag))[:2] == (412, "version-mismatch")
    assert problem(program.patch(f"/customers/{pk}", {"notes": "x"}))[:2] == (428, "version-required")
    assert problem(program.post("/customers", {"name": "Other", "external_id": "C-9"}))[:2] == (409, "already-exists")
    assert problem(program.patch(f"/customers/{pk}", {"email": "office"}, If_Match="*"))[:2] == (422, "invalid")


@pytest.mark.parametrize("phone", ["----", "00--", "call"])
def test_phone_without_digits_finds_no_customers_without_phone(program, phone):
    program.post("/customers", {"name": "Acme"})
    assert problem(program.get("/customers", {"phone": phone}))[:2] == (422, "invalid")


def test_second_customer_with_an_external_id_is_refused_as_a_second_job_is(program):
    program.post("/customers", {"name": "Acme", "external_id": "C-1"})
    other = program.post("/customers", {"name": "Bmce"})
    taken = {"external_id": "C-1"}
    assert problem(program.post("/customers", {"name": "Cmce", **taken}))[:2] == (409, "already-exists")
    change = program.patch(f"/customers/{other.json()['id']}", taken, If_Match=other.headers["ETag"])
    assert problem(change)[:2] == (409, "already-exists")


@pytest.mark.parametrize("name", ["\\ud800", "A\\u0000b"])
def test_text_that_no_database_keeps_is_refused(program, name):
    raw = f'{{"name": "{name}"}}'
    assert problem(program.post("/customers", raw))[:2] == (422, "invalid")


def test_site_is_found_in_its_zone_and_moves_its_open_jobs(program, omar, north, south):
    customer = CustomerFactory()
    data = {"customer_id": customer.pk, "address": "1 Elm St", "latitude": 40.1, "longitude": -75.1}
    made = program.post("/sites", data)
    assert made.json()["zone"]["name"] == "North"
    site = customer.sites.get()
    job = make_job(by=omar, site=site)
    changed = program.patch(f"/sites/{site.pk}", {"latitude": 39.9}, If_Match=made.headers["ETag"])
    assert (changed.status_code, changed.json()["zone"]["name"]) == (200, "South")
    job.refresh_from_db()
    assert job.zone == south
    assert problem(program.patch(f"/sites/{site.pk}", {"latitude": None}, If_Match="*"))[:2] == (422, "invalid")


def test_dispatcher_cannot_make_a_site_in_another_zone(dana, south):
    data = {"customer_id": CustomerFactory().pk, "address": "1 Elm St", "latitude": 39.9, "longitude": -75.1}
    assert problem(Program(dana).post("/sites", data))[:2] == (409, "refused")
    assert not SiteFactory._meta.model.objects.exists()


def test_positions_are_kept_only_on_duty_and_shown_only_then(program, omar, tess, tom):
    now = timezone.now()
    actions.clock_in(tess, now=now - timedelta(hours=1))
    fixes = [
        {"technician_id": one.pk, "recorded_at": now.isoformat(), "latitude": 40.1, "longitude": -75.1}
        for one in (tess, tom)
    ]
    taken = program.post("/positions", {"positions": fixes})
    assert taken.json() == {"received": 2, "moved": [tess.pk]}
    assert [one["technician"]["id"] for one in program.get("/positions").json()] == [tess.pk]
    track = program.get(f"/technicians/{tess.pk}/positions").json()
    assert [(fix["latitude"], fix["source"]) for fix in track] == [(40.1, "api")]
    assert tess.track_views.get().viewer == omar
    actions.clock_out(tess)
    assert program.get("/positions").json() == []


def test_technicians_are_listed_with_what_they_can(program, tess, tom, south):
    tess.skills.create(skill=SkillFactory(name="Boilers"), level=3)
    actions.clock_in(tess)
    shown = program.get("/technicians", {"on_duty": True}).json()["items"]
    assert [one["name"] for one in shown] == ["Tess"]
    assert shown[0]["skills"][0]["level"] == "advanced"
    assert "commission_rate" not in shown[0]
    assert [one["id"] for one in program.get("/technicians", {"zone_id": south.pk}).json()["items"]] == [tom.pk]


def test_plan_is_asked_for_read_and_discarded(program, omar, tess):
    made = program.post("/plans", {"technician_ids": [tess.pk], "kind": "route"})
    assert (made.status_code, made.json()["state"]) == (201, "queued")
    path = f"/plans/{made.json()['id']}"
    assert program.get(path).json()["proposal"] is None
    assert problem(program.post(f"{path}/apply", {}))[:2] == (409, "refused")
    assert program.post(f"{path}/discard").json()["state"] == "discarded"


def test_plan_that_was_worked_out_is_read_and_applied(program, omar, tess, north):
    tomorrow = timezone.localdate() + timedelta(days=1)
    for weekday in range(7):
        tess.working_hours.create(weekday=weekday, starts_at="08:00", ends_at="16:00")
    job = make_job(by=omar, zone=north, scheduled_on=tomorrow)
    asked = program.post("/plans", {"technician_ids": [tess.pk], "day": str(tomorrow)}).json()
    actions.work_out_plan(asked["id"], iterations=50)
    path = f"/plans/{asked['id']}"
    plan = program.get(path).json()
    assert plan["state"] == "proposed"
    stop = plan["proposal"]["routes"][0]["stops"][0]
    assert (stop["job_id"], stop["change"]) == (job.pk, "assigned")
    assert program.post(f"{path}/apply", {}, **KEY).json() == {"changed_jobs": [job.pk]}
    assert program.post(f"{path}/apply", {}, **KEY).headers["Idempotency-Replayed"] == "true"
    assert program.get(f"/jobs/{job.pk}").json()["technician"]["id"] == tess.pk


def test_maintenance_plan_is_made_changed_and_skipped(program, omar, north):
    site, job_type = make_job(by=omar, zone=north).site, JobTypeFactory()
    first = timezone.localdate() + timedelta(days=1)
    data = {"name": "Filters", "site_id": site.pk, "job_type_id": job_type.pk, "starts_on": str(first)}
    data |= {"rule": "FREQ=DAILY;INTERVAL=7", "days_ahead": 10, "window_starts": "09:00", "window_ends": "11:00"}
    made = program.post("/maintenance-plans", data)
    assert made.status_code == 201, made.content
    assert [visit["due_on"] for visit in made.json()["visits"]] == [str(first), str(first + timedelta(days=7))]
    path, tag = f"/maintenance-plans/{made.json()['id']}", made.headers["ETag"]
    assert problem(program.patch(path, {"is_active": False}))[:2] == (428, "version-required")
    assert problem(program.patch(path, {"is_active": False}, If_Match=tag))[:2] == (409, "refused")
    paused = program.patch(path, {"is_active": False, "made_visits": "follow"}, If_Match=tag)
    assert (paused.json()["is_active"], paused.json()["visits"]) == (False, [])
    assert problem(program.patch(path, {"days_ahead": 9}, If_Match=tag))[:2] == (412, "version-mismatch")
    assert program.patch(path, {"is_active": True}, If_Match="*").json()["visits"]
    skipped = program.post(f"{path}/skip", {"due_on": str(first), "reason": "Closed"})
    assert skipped.json()["visits"][0]["skip_reason"] == "Closed"
    assert program.post(f"{path}/unskip", {"due_on": str(first)}).json()["visits"][0]["skip_reason"] == ""


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("rule", {"rule": "FREQ=SECONDLY"}),
        ("rule", {"rule": "now and then"}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("window_ends", {"window_starts": "09:00"}),
        ("window_starts", {"window_starts": "9 o'clock"}),
        ("ends_on", {"ends_on": "2020-01-01"}),
        ("starts_on", {"starts_on": "1950-01-01"}),
        ("site_id", {"site_id": 4711}),
    ],
)
def test_maintenance_plan_that_makes_no_sense_is_refused(program, field, values):
    data = {"name": "Filters", "site_id": SiteFactory().pk, "job_type_id": JobTypeFactory().pk}
    data |= {"starts_on": "2026-12-01", "rule": "FREQ=DAILY;INTERVAL=7"}
    answer = program.post("/maintenance-plans", data | values)
    assert problem(answer)[:2] == (422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [f"body.{field}"]


def test_every_way_to_write_a_rule_that_is_described_is_understood(program, omar, north):
    site, job_type = make_job(by=omar, zone=north).site, JobTypeFactory()
    data = {"name": "Filters", "site_id": site.pk, "job_type_id": job_type.pk, "starts_on": "2099-01-01"}
    for rule in (
        *(
            "rrule:freq=daily",
            "FREQ=WEEKLY;BYDAY=MO,TU",
            "FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO",
            "FREQ=MONTHLY;BYDAY=-1MO",
        ),
        *("FREQ=MONTHLY;BYMONTHDAY=28", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=1"),
        *("FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", "FREQ=YEARLY;BYMONTH=5;BYDAY=4SU"),
    ):
        made = program.post("/maintenance-plans", data | {"rule": rule})
        assert made.status_code == 201, made.content
        assert made.json()["rule"].startswith("FREQ=") and "INTERVAL=" in made.json()["rule"]


def test_violation_is_acknowledged_once(program, dana, omar, north):
    violation = breached(make_job(by=omar, zone=north))
    assert [one["id"] for one in program.get("/violations", {"acknowledged": False}).json()["items"]] == [violation.pk]
    done = program.post(f"/violations/{violation.pk}/acknowledge", {"note": "Traffic"})
    assert done.json()["acknowledged_by"]["id"] == omar.pk
    assert [note["text"] for note in done.json()["notes"]] == ["Traffic"]
    said = problem(Program(dana).post(f"/violations/{violation.pk}/acknowledge", {}))
    assert said == (409, "refused", "Omar has acknowledged it already.")
    day = str(timezone.localdate(violation.breached_at))
    assert program.get("/violations", {"breached_from": day, "breached_to": day}).json()["items"]
