"""Customers, sites, technicians, plans and violations by the API."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from dispatch import actions
from tests.api import Program, problem
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, SkillFactory, make_job
from tests.test_access import breached

KEY = {"Idempotency_Key": "order-7"}


@pytest.fixture
def program(omar):
    return Program(omar)


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
    assert [one["technician"]["id"] for one in program.get("/positions").json()["items"]] == [tess.pk]
    track = program.get(f"/technicians/{tess.pk}/positions").json()["items"]
    assert [(fix["latitude"], fix["source"]) for fix in track] == [(40.1, "api")]
    assert tess.track_views.get().viewer == omar
    actions.clock_out(tess)
    assert program.get("/positions").json()["items"] == []


def test_a_day_of_positions_comes_in_pages_and_is_one_look(program, tess, time_machine):
    time_machine.move_to(now := datetime(2026, 6, 15, 12, tzinfo=UTC), tick=False)
    actions.clock_in(tess, now=now - timedelta(minutes=5))
    fixes = [
        {
            "technician_id": tess.pk,
            "recorded_at": (now - timedelta(minutes=minutes)).isoformat(),
            "latitude": 40.1,
            "longitude": -75.1,
        }
        for minutes in (2, 1, 0)
    ]
    program.post("/positions", {"positions": fixes})
    path = f"/technicians/{tess.pk}/positions?limit=2&day={timezone.localdate(now)}"
    first = program.get(path).json()
    second = program.get(f"{path}&cursor={first['next_cursor']}").json()
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (2, 1, None)
    assert len({fix["recorded_at"] for fix in first["items"] + second["items"]}) == 3
    assert tess.track_views.count() == 1


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
