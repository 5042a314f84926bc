"""Nonsense in an address or a form gets an answer that says so, never a server error."""

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch.actions import clock_in
from dispatch.models import AutoAssignRun, Job, Status
from tests.factories import JobTypeFactory, make_job

HUGE, ENDLESS = "9" * 30, "9" * 5000  # more than the database and more than Python turn into a number
LONG = "x" * 60_000  # more than SQLite searches for


@pytest.mark.parametrize(
    ("page", "parameter"),
    [
        *(
            ("board_list", name)
            for name in ("q", "day", "from", "to", "zone", "technician", "job_type", "page", "sort")
        ),
        *(("board_rows", name) for name in ("ids", "present", "q", "zone")),
        *((page, name) for page in ("calendar_week", "calendar_month") for name in ("day", "from", "zone", "page")),
        *(("calendar_rows", name) for name in ("ids", "present", "day")),
        *(("export_jobs", name) for name in ("q", "day", "zone", "sort")),
        *(("palette", name) for name in ("q", "recent")),
        *(("save_view", name) for name in ("page", "query")),
        ("day_sheets", "day"),
        *(("board", name) for name in ("day", "from")),
        *(("board_lanes", name) for name in ("jobs", "lanes", "axis", "day")),
        *((page, "day") for page in ("map", "map_data", "morning_review", "close_out")),
        *(("bulk_jobs", name) for name in ("jobs", "do")),
        ("job_type_defaults", "job_type"),
        ("customer_search", "customer-name"),
        ("phone_owners", "customer-phone"),
        ("zone_at", "site-latitude"),
        ("technicians", "q"),
        ("technicians", "zone"),
        ("technicians", "page"),
        ("financial_report", "first"),
        ("auto_assign", "jobs"),
        ("bell", "after"),
        ("notifications", "page"),
        *(("sla", name) for name in ("zone", "kind")),
        *(
            ("violations", name)
            for name in ("q", "state", "kind", "zone", "technician", "policy", "from", "page", "sort")
        ),
        ("acknowledge_violations", "violations"),
        *(("sla_report", name) for name in ("period", "from", "to", "compare_to", "step", "zone", "customer", "csv")),
        *(("sla_report", name) for name in ("customer_name", "priority")),
        ("sla_report_week", "week"),
        *(("score_example", name) for name in ("skill_weight", "sla_weight")),
        *((page, name) for page in ("plan_day", "plan_scope") for name in ("day", "zone", "technician", "kind")),
        *(("plan_day", name) for name in ("preset", "stability", "seconds")),
        *(("planning_presets", name) for name in ("late_minute", "stability")),
    ],
)
def test_odd_addresses_are_answered(client, omar, page, parameter):
    client.force_login(omar)
    for text in (HUGE, ENDLESS, LONG, "\0", "a\0b", "-1", "nan", "²", "0001-01-01", "9999-12-31"):
        assert client.get(reverse(page), {parameter: text}).status_code < 500, text[:40]


@pytest.mark.parametrize("name", ["to", "kind", "zone", "customer", "priority", "hour", "band", "page", "csv"])
def test_odd_addresses_of_a_report_s_jobs_are_answered(client, omar, name):
    client.force_login(omar)
    whole = {"from": "2026-01-01", "to": "2026-12-31", "weekday": "0", "hour": "0", "measure": "wall", "band": "0"}
    for text in (HUGE, "9" * 18, ENDLESS, LONG, "\0", "-1", "nan", "²", "none", "9999-12-31"):
        response = client.get(reverse("sla_report_jobs"), whole | {name: text})
        assert response.status_code < 500, text[:40]
        b"".join(response.streaming_content if response.streaming else [])


@pytest.mark.parametrize(
    ("page", "field"),
    [
        *(("placement_preview", name) for name in ("technician", "day", "at", "version")),
        *(("place_job", name) for name in ("technician", "day", "at", "version", "seen")),
        *(("reorder_job", name) for name in ("to", "seen")),
        *(("follow_up_job", name) for name in ("day", "description")),
        *((page, "day") for page in ("duplicate_job", "mark_sick")),
        *(("cancel_job", name) for name in ("reason", "usual", "seen")),
        ("set_priority", "priority"),
        *(("clock_out_for", name) for name in ("at", "reason")),
        *(("mark_sick", name) for name in ("first", "last", "note")),
        *((page, name) for page in ("move_jobs", "bulk_jobs") for name in ("jobs", "day", "shown")),
        ("send_day", "day"),
        *(("call_to_job", name) for name in ("call", "seen")),
        *(("insert_job", name) for name in ("place", "seen")),
        *(("answer_hint", name) for name in ("hinted", "seen")),
        *(("add_device", name) for name in ("client", "unique_id")),
        ("track", "day"),
        ("auto_assign", "jobs"),
        *(("add_push_device", name) for name in ("endpoint", "p256dh", "auth", "device")),
        ("remove_this_device", "endpoint"),
        *(
            ("plan_day", name)
            for name in ("day", "technician", "kind", "preset", "stability", "stability_of", "seconds")
        ),
    ],
)
def test_odd_words_about_a_job_or_a_technician_are_answered(client, omar, tess, north, page, field):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north)
    clock_in(tess)
    client.force_login(omar)
    day = job.scheduled_on.isoformat()
    usual = {"do": "reschedule", "jobs": job.pk, "first": day, "last": day, "reason": "So", "to": "top", "day": day}
    usual |= {
        "client": "traccar",
        "unique_id": "van",
        "hinted": "in_progress",
        "is_taken": "on",
        "call": f"now.{tess.pk}",
    }
    of_technician = {"mark_sick", "clock_out_for", "add_device", "track"}
    of_nothing = {
        "move_jobs",
        "bulk_jobs",
        "send_day",
        "auto_assign",
        "add_push_device",
        "remove_this_device",
        "plan_day",
    }
    url = reverse(page, args=[] if page in of_nothing else [tess.pk if page in of_technician else job.pk])
    for text in (HUGE, "\0", "-1", "0001-01-01", "9999-12-31", "9999-12-31T23:59"):
        for send in (client.get, client.post):
            assert send(url, usual | {field: text}).status_code < 500, text


@pytest.mark.parametrize("name", [LONG, "x" * 256, "\0", "\u202e"])
def test_odd_user_names_are_answered(client, db, name):
    assert client.post(reverse("login"), {"username": name, "password": "x"}).status_code == 200


@pytest.fixture
def entered(client, omar):
    """The answer to a job entered at a known customer's, with these changes."""
    client.force_login(omar)
    known = make_job(by=omar)
    usual = {
        "customer": known.customer_id,
        "site": known.site_id,
        "job_type": JobTypeFactory().pk,
        "priority": 2,
        "duration_minutes": 60,
    }
    return lambda **changes: client.post(reverse("new_job"), usual | changes)


@pytest.mark.parametrize("field", ["customer", "site", "job_type", "technician", "duration_minutes", "description"])
@pytest.mark.parametrize("text", [HUGE, ENDLESS, "\0", "-1", "²"])
def test_odd_entries_are_answered(entered, field, text):
    assert entered(**{field: text}).status_code < 500


@pytest.mark.parametrize("version", [HUGE, ENDLESS, "\0", "-1", "²", ""])
def test_odd_version_of_an_edit_is_answered(client, omar, version):
    job = make_job(by=omar)
    client.force_login(omar)
    assert client.post(reverse("edit_job", args=[job.pk]), {"version": version}).status_code == 422


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2201-01-01"])
def test_year_that_nobody_means_is_asked_about(entered, day):
    answer = entered(scheduled_on=day, planned_time="23:30")
    assert answer.status_code == 422
    assert "Check the year" in answer.content.decode()


@pytest.mark.parametrize(
    "times", [{"block_from": "02:30", "block_to": "03:15"}, {"planned_time": "02:00"}, {"planned_time": "02:59"}]
)
def test_time_that_the_clocks_skip_is_refused(entered, times):
    answer = entered(scheduled_on="2027-03-14", **times)
    assert answer.status_code == 422
    assert "the clocks are put forward" in answer.content.decode()
    assert Job.objects.count() == 1


@pytest.mark.parametrize("planned", ["01:59", "03:00"])
def test_times_around_the_skipped_hour_are_kept(entered, planned):
    assert entered(scheduled_on="2027-03-14", planned_time=planned).status_code == 302


def test_block_in_the_hour_that_comes_twice_is_the_first_one(entered):
    assert entered(scheduled_on="2026-11-01", block_from="01:30", block_to="02:15").status_code == 302
    job = Job.objects.latest("pk")
    assert (job.window_ends_at - job.window_starts_at).total_seconds() == 105 * 60


@pytest.mark.parametrize("text", [HUGE, ENDLESS, LONG, "\0", "-1", "²"])
def test_odd_choice_of_what_to_auto_assign_is_answered(client, omar, text):
    run = AutoAssignRun.objects.create(created_by=omar, created_at=timezone.now(), job_ids=[], state="proposed")
    client.force_login(omar)
    assert client.post(reverse("apply_auto_assign", args=[run.pk]), {"job": [text, "1"]}).status_code == 302


@pytest.mark.parametrize("field", ["rule-urgent", "rule-low", "skill_weight", "suggestion_minutes", "accuracy_limit_m"])
@pytest.mark.parametrize("text", [HUGE, ENDLESS, "\0", "-1", "²", "nan"])
def test_odd_rules_of_smart_dispatch_are_answered(client, ada, field, text):
    client.force_login(ada)
    assert client.post(reverse("assignment_settings"), {field: text}).status_code == 422


@pytest.mark.parametrize("field", ["late_minute", "stability", "hour_0", "fuel_cost_per_km", "average_speed_kmh"])
@pytest.mark.parametrize("text", [HUGE, ENDLESS, "\0", "-1", "²", "nan"])
def test_odd_settings_of_route_planning_are_answered(client, ada, field, text):
    client.force_login(ada)
    assert client.post(reverse("planning_settings"), {field: text}).status_code == 422


@pytest.mark.parametrize("pk", [int(HUGE), 2**63, 0])
@pytest.mark.parametrize(
    "page",
    [
        *("plan", "plan_changes", "apply_plan", "cancel_plan", "discard_plan", "recompute_plan", "plan_absence"),
        *("open_notice", "read_notice", "remove_push_device", "auto_assign_run", "apply_auto_assign"),
        *("discard_auto_assign", "best_matches", "call_to_job", "insert_job", "answer_hint", "confirm_suggestion"),
        *("dismiss_suggestion", "devices", "add_device", "track", "device", "revoke_device", "refuse_hint"),
    ],
)
def test_odd_numbers_of_things_are_answered(client, omar, page, pk):
    client.force_login(omar)
    for send in (client.get, client.post):
        assert send(reverse(page, args=[pk])).status_code in (302, 403, 404, 405)


@pytest.mark.parametrize("secret", ["\0", LONG, "²", "..%2f"])
def test_odd_secrets_are_answered_as_unknown_ones(client, db, secret):
    assert client.get(reverse("gps", args=[secret]), {"id": "1"}).status_code == 400
