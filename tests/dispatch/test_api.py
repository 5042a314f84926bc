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
from tests.factories import JobTypeFactory, SkillFactory, TechnicianFactory, make_job
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
