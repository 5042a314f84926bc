"""What other systems do with jobs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dispatch import actions
from dispatch.models import Job, Status
from tests.api import Program, problem
from tests.factories import JobTypeFactory, SiteFactory, SkillFactory, make_job

NOON = "2026-11-24T17:00:00Z"  # in Philadelphia


@pytest.fixture
def program(omar):
    return Program(omar)


def new_job(**more):
    site = SiteFactory()
    return {"site_id": site.pk, "job_type_id": JobTypeFactory().pk, **more}


def test_program_creates_a_job_and_reads_it_again(program):
    skill = SkillFactory(name="Boilers")
    data = new_job(
        description="Boiler leaks",
        priority="high",
        window_starts_at=NOON,
        window_ends_at="2026-11-24T14:00:00-05:00",
        external_id="ERP-7",
        required_skills=[{"skill_id": skill.pk, "level": "advanced"}],
    )
    made = program.post("/jobs", data)
    assert made.status_code == 201, made.content
    job = Job.objects.get()
    assert made.headers["Location"] == f"/api/v1/jobs/{job.pk}"
    assert (job.source, job.external_id, str(job.scheduled_on)) == ("api", "ERP-7", "2026-11-24")
    read = program.get(f"/jobs/{job.pk}")
    assert read.json() == made.json()
    assert read.json()["window_ends_at"] == "2026-11-24T19:00:00Z"
    assert read.json()["required_skills"] == [{"skill": {"id": skill.pk, "name": "Boilers"}, "level": "advanced"}]


def test_job_with_the_same_external_id_is_refused(program):
    data = new_job(external_id="ERP-7")
    assert program.post("/jobs", data).status_code == 201
    assert problem(program.post("/jobs", data))[:2] == (409, "already-exists")
    assert Job.objects.count() == 1


def test_technician_can_be_named_at_once(program, tess):
    made = program.post("/jobs", new_job(technician_id=tess.pk, planned_starts_at=NOON))
    assert made.json()["status"] == "assigned"
    assert made.json()["technician"] == {"id": tess.pk, "name": "Tess"}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("body.window_ends_at", {"window_starts_at": NOON}),
        ("body.window_ends_at", {"window_starts_at": NOON, "window_ends_at": NOON}),
        (
            "body.scheduled_on",
            {"window_starts_at": NOON, "window_ends_at": "2026-11-24T18:00:00Z", "scheduled_on": "2026-11-25"},
        ),
        ("body.scheduled_on", {"planned_starts_at": NOON, "scheduled_on": "2026-11-26"}),
        ("body.is_fixed", {"is_fixed": True}),
        ("body.priority", {"priority": "soon"}),
        ("body.priority", {"priority": 3}),
        ("body.duration_minutes", {"duration_minutes": "60"}),
        ("body.duration_minutes", {"duration_minutes": 4}),
        ("body.planned_starts_at", {"planned_starts_at": "2026-11-24T12:00:00"}),
        ("body.planned_starts_at", {"planned_starts_at": 1764000000}),
        ("body.planned_starts_at", {"planned_starts_at": "2026-02-30T12:00:00Z"}),
        ("body.scheduled_on", {"scheduled_on": "0001-01-01"}),
        ("body.description", {"description": "a\0b"}),
        ("body.description", {"description": "a\ud800b"}),
        ("body.colour", {"colour": "red"}),
        ("body.site_id", {"site_id": 2**70}),
        ("body.site_id", {"site_id": 4711}),
        ("body.job_type_id", {"job_type_id": 4711}),
        ("body.technician_id", {"technician_id": 4711}),
        ("body.required_skills", {"required_skills": [{"skill_id": 4711}]}),
    ],
)
def test_what_cannot_be_is_said_field_by_field(program, field, values):
    answer = program.post("/jobs", new_job() | values)
    assert problem(answer)[:2] == (422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Job.objects.exists()


def test_field_that_does_not_exist_is_said_in_our_words(program):
    said = problem(program.post("/jobs", new_job() | {"status": "completed"}))[2]
    assert said == "body.status: There is no such field here."


@pytest.mark.parametrize("body", ["{", "[" * 100_000, '{"site_id": ' + "9" * 5000 + "}", b"\xff\xfe"])
def test_broken_json_is_a_problem_and_no_failure(program, body):
    assert problem(program.post("/jobs", body))[0] in (400, 422)


def test_lists_go_on_where_the_page_before_ended(program, omar, north):
    jobs = [make_job(by=omar, zone=north) for _ in range(5)]
    first = program.get("/jobs", {"limit": 2, "status": "created"}).json()
    make_job(by=omar, zone=north)  # shifts nothing
    second = program.get("/jobs", {"limit": 2, "cursor": first["next_cursor"]}).json()
    third = program.get("/jobs", {"limit": 2, "cursor": second["next_cursor"]}).json()
    listed = [job["id"] for page in (first, second, third) for job in page["items"]]
    assert listed == [job.pk for job in reversed(jobs)]
    assert third["next_cursor"] is None


def test_page_names_the_address_of_the_next(program, omar, north):
    for _ in range(2):
        make_job(by=omar, zone=north)
    link = program.get("/jobs", {"limit": 1, "status": "created"}).headers["Link"]
    address = link.partition("<http://testserver/api/v1")[2].partition(">")[0]
    assert "status=created" in address
    assert len(program.get(address).json()["items"]) == 1


@pytest.mark.parametrize("cursor", ["x", "", "YmVmb3JlOng=", "ÿ", "YmVmb3JlOi0x", "a" * 65])
def test_cursor_that_is_none_of_ours_is_refused(program, cursor):
    assert problem(program.get("/jobs", {"cursor": cursor}))[:2] == (422, "invalid")


def test_jobs_are_found_by_filters(program, omar, tess, north):
    mine = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, priority=4, description="Lift stuck")
    make_job(by=omar, zone=north, scheduled_on=timezone.localdate() + timedelta(days=3))
    today = str(timezone.localdate())
    for query in (
        {"status": ["assigned", "en_route"]},
        {"priority": "urgent"},
        {"technician_id": tess.pk},
        {"customer_id": mine.customer_id},
        {"site_id": mine.site_id},
        {"day_from": today, "day_to": today},
        {"search": "lift"},
        {"search": mine.number},
    ):
        assert [job["id"] for job in program.get("/jobs", query).json()["items"]] == [mine.pk], query


def test_dispatchers_token_sees_her_zones_only(dana, omar, north, south):
    mine, foreign = make_job(by=omar, zone=north), make_job(by=omar, zone=south)
    program = Program(dana)
    assert [job["id"] for job in program.get("/jobs").json()["items"]] == [mine.pk]
    assert problem(program.get(f"/jobs/{foreign.pk}"))[0] == 404
    assert problem(program.post(f"/jobs/{foreign.pk}/notes", {"text": "x"}))[0] == 404
    assert problem(program.post(f"/jobs/{foreign.pk}/transitions", {"to": "cancelled", "note": "x"}))[0] == 404
    assert problem(program.post("/jobs", new_job(site_id=foreign.site_id)))[0] == 422
    assert not foreign.notes.exists()


# Changing -----------------------------------------------------------------------------------------


def test_change_needs_the_version_that_was_read(program, omar, north):
    job = make_job(by=omar, zone=north)
    assert problem(program.patch(f"/jobs/{job.pk}", {"priority": "high"}))[:2] == (428, "version-required")
    tag = program.get(f"/jobs/{job.pk}").headers["ETag"]
    actions.add_note(job, "Somebody was faster", by=omar)
    late = program.patch(f"/jobs/{job.pk}", {"priority": "high"}, If_Match=tag)
    assert problem(late)[:2] == (412, "version-mismatch")
    done = program.patch(f"/jobs/{job.pk}", {"priority": "high"}, If_Match=late.headers["ETag"])
    assert (done.status_code, done.json()["priority"]) == (200, "high")
    again = program.patch(f"/jobs/{job.pk}", {"priority": "low"}, If_Match=f"W/{done.headers['ETag']}")
    assert again.status_code == 200  # as proxies that compress make of it
    assert program.patch(f"/jobs/{job.pk}", {"priority": "urgent"}, If_Match="*").status_code == 200


def test_change_leaves_alone_what_is_not_named(program, omar, north):
    job = make_job(by=omar, zone=north, description="Old")
    skill = SkillFactory(name="Boilers")
    data = {"planned_starts_at": None, "duration_minutes": 90, "required_skills": [{"skill_id": skill.pk}]}
    done = program.patch(f"/jobs/{job.pk}", data, If_Match="*")
    assert done.status_code == 200, done.content
    job.refresh_from_db()
    assert (job.description, job.duration_minutes, job.scheduled_on) == ("Old", 90, timezone.localdate())
    assert [need.skill for need in job.required_skills.all()] == [skill]
    assert job.field_changes.get().actor == omar


def test_job_that_has_not_changed_is_not_sent_again(program, omar, north):
    job = make_job(by=omar, zone=north)
    first = program.get(f"/jobs/{job.pk}")
    again = program.get(f"/jobs/{job.pk}", If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    actions.add_note(job, "Now it has", by=omar)
    assert program.get(f"/jobs/{job.pk}", If_None_Match=first.headers["ETag"]).status_code == 200


# What happens to it -------------------------------------------------------------------------------


def test_dispatchers_token_takes_a_job_through_its_day(program, omar, tess, north):
    job = make_job(by=omar, zone=north)
    for step in ({"to": "assigned", "technician_id": tess.pk}, {"to": "en_route"}, {"to": "in_progress"}):
        done = program.post(f"/jobs/{job.pk}/transitions", step)
        assert (done.status_code, done.json()["status"]) == (200, step["to"])
    log = program.get(f"/jobs/{job.pk}/transitions").json()["items"]
    assert [row["to_status"] for row in log] == ["in_progress", "en_route", "assigned", "created"]
    assert {row["actor"]["id"] for row in log} == {omar.pk}


def test_step_that_the_workflow_does_not_know_is_refused(program, omar, north):
    job = make_job(by=omar, zone=north)
    said = problem(program.post(f"/jobs/{job.pk}/transitions", {"to": "completed"}))
    assert said == (409, "refused", f"{job.number} is Created; it cannot become Completed.")
    said = problem(program.post(f"/jobs/{job.pk}/transitions", {"to": "cancelled"}))
    assert said == (409, "refused", "Give a reason.")


def test_step_can_ask_for_the_version_that_was_read(program, omar, tess, north):
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess)
    tag = program.get(f"/jobs/{job.pk}").headers["ETag"]
    assert program.post(f"/jobs/{job.pk}/transitions", {"to": "en_route"}, If_Match=tag).status_code == 200
    said = problem(program.post(f"/jobs/{job.pk}/transitions", {"to": "in_progress"}, If_Match=tag))
    assert said[:2] == (412, "version-mismatch")


def test_technicians_token_moves_their_own_job_only(omar, tess, tom, north):
    own = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess)
    other = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tom)
    program = Program(tess.user)
    assert [job["id"] for job in program.get("/jobs").json()["items"]] == [own.pk]
    assert program.post(f"/jobs/{own.pk}/transitions", {"to": "en_route"}).status_code == 200
    assert own.status_changes.latest("pk").actor_kind == "technician"
    assert problem(program.post(f"/jobs/{other.pk}/transitions", {"to": "en_route"}))[0] == 404
    assert problem(program.post("/jobs", new_job()))[:2] == (403, "forbidden")
    assert problem(program.post(f"/jobs/{own.pk}/hold", {"reason": "x"}))[:2] == (403, "forbidden")


def test_place_says_what_speaks_against_it(program, omar, tess, north):
    needs = [actions.SkillNeed(SkillFactory(name="Boilers").pk, 3)]
    job = make_job(by=omar, zone=north, skills=needs)
    where = {"technician_id": tess.pk, "day": str(timezone.localdate()), "planned_starts_at": None}
    asked = program.post(f"/jobs/{job.pk}/place", where)
    assert problem(asked)[:2] == (409, "placement-conflict")
    assert all(objection["text"] for objection in asked.json()["objections"])
    done = program.post(f"/jobs/{job.pk}/place", where | {"on_conflict": "anyway"})
    assert (done.status_code, done.json()["technician"]["id"]) == (200, tess.pk)
    back = program.post(f"/jobs/{job.pk}/place", where | {"technician_id": None})
    assert (back.json()["status"], back.json()["technician"]) == ("created", None)


def test_job_is_put_on_hold_and_released(program, omar, north):
    job = make_job(by=omar, zone=north)
    assert program.post(f"/jobs/{job.pk}/hold", {"reason": "No key"}).json()["hold"]["reason"] == "No key"
    assert problem(program.post(f"/jobs/{job.pk}/hold", {"reason": "Again"}))[:2] == (409, "refused")
    assert program.post(f"/jobs/{job.pk}/release").json()["hold"] is None


def test_notes_are_written_and_read(program, omar, north):
    job = make_job(by=omar, zone=north)
    assert program.post(f"/jobs/{job.pk}/notes", {"text": " Gate code 12 "}).status_code == 201
    assert [note["text"] for note in program.get(f"/jobs/{job.pk}/notes").json()["items"]] == ["Gate code 12"]
    assert problem(program.post(f"/jobs/{job.pk}/notes", {"text": " \t"}))[0] == 422
