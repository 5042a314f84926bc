"""The SLA page: what has still to be kept, by urgency; and the clocks as the job's page draws them."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dispatch import actions
from dispatch.models import Priority, Status
from dispatch.service_levels.live_clocks import URGENCIES, load_live_clocks
from dispatch.service_levels.timelines import load_timelines
from sla.models import BusinessCalendar, Clock, ResponseClock
from tests.factories import make_job
from tests.pages import html_of, links_of, text_of

HTMX = {"HX-Request": "true"}
NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)  # a Wednesday, 10:00 in New York
HOUR = timedelta(hours=1)
State = Clock.State


@pytest.fixture(autouse=True)
def wednesday():
    with time_machine.travel(NOW, tick=False):
        yield


def job_of(*, by, hours_ago, priority=Priority.HIGH, **fields):
    """High: response in 4 hours, resolution in 24."""
    at = NOW - timedelta(hours=hours_ago)
    return make_job(by=by, priority=priority, created_at=at, now=at, **fields)


def shown_to(user, **params) -> dict[str, list[tuple[int, str]]]:
    live = load_live_clocks(user, params, now=NOW)
    return {
        urgency: [(row.job.pk, str(row.clock.kind)) for row in section.rows]
        for urgency, section in live.sections.items()
    }


def test_clocks_stand_under_their_urgency_the_most_urgent_first(omar, north):
    breached = job_of(by=omar, hours_ago=5, zone=north)
    at_risk = job_of(by=omar, hours_ago=3.5, zone=north)
    calm = job_of(by=omar, hours_ago=1, zone=north)
    assert shown_to(omar) == {
        "breached": [(breached.pk, "response")],
        "at_risk": [(at_risk.pk, "response")],
        "next": [
            (calm.pk, "response"),
            (breached.pk, "resolution"),
            (at_risk.pk, "resolution"),
            (calm.pk, "resolution"),
        ],
        "paused": [],
    }


def test_every_open_clock_has_exactly_one_urgency(omar, north, tess):
    jobs = [job_of(by=omar, hours_ago=hours, zone=north) for hours in (0, 3, 4, 5, 18, 24, 25)]
    actions.hold_job(jobs[0], "Parts", by=omar, now=NOW)
    found = [pair for pairs in shown_to(omar).values() for pair in pairs]
    assert len(found) == len(set(found)) == 2 * len(jobs)


def test_a_passed_deadline_counts_before_the_check_has_seen_it(omar, north):
    job = job_of(by=omar, hours_ago=3, zone=north)
    later = NOW + 2 * HOUR
    live = load_live_clocks(omar, {}, now=later)
    assert [row.job for row in live.sections["breached"].rows] == [job]
    assert ResponseClock.objects.get(pk=job.pk).state == State.RUNNING


def test_what_is_done_or_cancelled_is_not_shown(omar, north, tess):
    gone = job_of(by=omar, hours_ago=5, zone=north)
    actions.change_status(gone, Status.CANCELLED, by=omar, note="Called off", now=NOW)
    under_way = job_of(by=omar, hours_ago=5, zone=north)
    actions.change_status(under_way, Status.ASSIGNED, technician=tess, by=omar, now=NOW)
    actions.change_status(under_way, Status.EN_ROUTE, by=omar, now=NOW)
    assert shown_to(omar)["breached"] == []
    assert shown_to(omar)["next"] == [(under_way.pk, "resolution")]


def test_a_hold_stands_under_paused_with_its_reason(client, dana, omar, north):
    job = job_of(by=omar, hours_ago=1, zone=north)
    actions.hold_job(job, "Waiting for parts", by=omar, now=NOW)
    assert shown_to(omar)["paused"] == [(job.pk, "resolution")]
    client.force_login(dana)
    assert "‖ Waiting for parts" in text_of(client.get(reverse("sla")))


def test_dispatcher_sees_her_zones_and_those_in_none(dana, omar, north, south):
    mine, anywhere = (job_of(by=omar, hours_ago=5, zone=zone) for zone in (north, None))
    job_of(by=omar, hours_ago=5, zone=south)
    assert {pk for pk, _ in shown_to(dana)["breached"]} == {mine.pk, anywhere.pk}
    zones = {zone.name: zone.counts["breached"] for zone in load_live_clocks(dana, {}, now=NOW).zones}
    assert zones == {"North": 1, "No zone": 1}


def test_zone_and_target_narrow_the_lists_and_their_counts(omar, north, south):
    job = job_of(by=omar, hours_ago=5, zone=north)
    job_of(by=omar, hours_ago=5, zone=south)
    live = load_live_clocks(omar, {"zone": north.pk, "kind": "response"}, now=NOW)
    assert [live.sections[urgency].total for urgency in URGENCIES] == [1, 0, 0, 0]
    assert [row.job for row in live.sections["breached"].rows] == [job]
    assert len(live.zones) == 2


def test_share_used_is_rounded_down(omar, north):
    job_of(by=omar, hours_ago=3.999, zone=north)
    row = load_live_clocks(omar, {"kind": "response"}, now=NOW).sections["at_risk"].rows[0]
    assert row.percent == 99


def test_the_page_leads_to_the_list_and_to_the_jobs(client, dana, omar, north):
    job = job_of(by=omar, hours_ago=5, zone=north)
    client.force_login(dana)
    page = client.get(reverse("sla"))
    assert reverse("job", args=[job.pk]) in links_of(page)
    assert "Response 1 h 00 over" in text_of(page)
    assert "1 Breached and open" in text_of(page)


def test_without_clocks_it_says_what_will_appear(client, dana):
    client.force_login(dana)
    assert "No clock is running." in text_of(client.get(reverse("sla")))


def test_when_nothing_is_urgent_it_says_so(client, dana, omar, north):
    job_of(by=omar, hours_ago=1, zone=north)
    client.force_login(dana)
    assert "Everything is in time." in text_of(client.get(reverse("sla")))


@pytest.mark.parametrize("parameter", ["zone", "kind"])
def test_odd_addresses_are_answered(client, dana, parameter):
    client.force_login(dana)
    for text in ("9" * 30, "x", "\0", "-1"):
        assert client.get(reverse("sla"), {parameter: text}).status_code == 200


def queries_for(client, url) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_it_takes_as_many_queries_for_fifty_jobs_as_for_five(client, dana, omar, north):
    client.force_login(dana)
    counts = []
    for more in (5, 45):
        for number in range(more):
            job = job_of(by=omar, hours_ago=number % 6, zone=north, priority=Priority.NORMAL)
            if number % 5 == 0:
                actions.hold_job(job, "Parts", by=omar, now=NOW)
        counts.append(queries_for(client, reverse("sla")))
    assert counts[0] == counts[1]
    assert counts[0] <= 30


def test_the_fragment_is_part_of_the_page(client, dana, omar, north):
    job_of(by=omar, hours_ago=5, zone=north)
    client.force_login(dana)
    whole = html_of(client.get(reverse("sla")))
    fragment = html_of(client.get(reverse("sla"), headers=HTMX | {"HX-Target": "live-content"}))
    assert all(line in whole for line in fragment.splitlines())


def test_navigation_leads_here(client, dana, tess):
    client.force_login(dana)
    assert reverse("sla") in links_of(client.get(reverse("dashboard")))
    client.force_login(tess.user)
    assert reverse("sla") not in links_of(client.get(reverse("notifications")))


# The job's own clocks -----------------------------------------------------------------------------


def test_a_job_s_page_explains_its_clocks_to_the_second(client, dana, omar, north):
    job = job_of(by=omar, hours_ago=3, zone=north)
    actions.hold_job(job, "Waiting for parts", by=omar, now=NOW - 2 * HOUR)
    actions.release_job(job, by=omar, now=NOW - HOUR)
    client.force_login(dana)
    told = text_of(client.get(reverse("job", args=[job.pk])))
    assert "18 Nov 08:00 – 18 Nov 09:00 On hold: Waiting for parts 1 h" in told
    assert "Counted: 8 % of 24 hours 2 h Paused 1 h In all, from 18 Nov 07:00 to 18 Nov 10:00 3 h" in told
    assert "◆ At risk 1 h left" in told


def test_the_drawer_has_the_bars_without_the_table(client, dana, omar, north):
    job = job_of(by=omar, hours_ago=3, zone=north)
    client.force_login(dana)
    html = html_of(client.get(reverse("job_drawer", args=[job.pk])))
    assert html.count("data-timeline=") == 2
    assert "sla-pieces" not in html


def test_a_job_without_targets_has_no_clocks_to_draw(client, dana, omar, north):
    job = job_of(by=omar, hours_ago=3, zone=north)
    job.response_clock.delete()
    job.resolution_clock.delete()
    client.force_login(dana)
    assert "No SLA target for this job." in text_of(client.get(reverse("job", args=[job.pk])))
    assert "sla-timeline" not in html_of(client.get(reverse("job_drawer", args=[job.pk])))


def test_what_is_drawn_is_what_the_clock_has_counted(omar, north, tess):
    """Normal: resolution in three business days."""
    job = job_of(by=omar, hours_ago=20, zone=north, priority=Priority.NORMAL)
    actions.hold_job(job, "Parts", by=omar, now=NOW - 19 * HOUR)
    actions.release_job(job, by=omar, now=NOW - 3 * HOUR)
    actions.change_status(job, Status.ASSIGNED, technician=tess, by=omar, now=NOW)
    actions.change_status(job, Status.IN_PROGRESS, by=omar, now=NOW)
    job = actions.change_status(job, Status.COMPLETED, by=omar, now=NOW)
    response, resolution = load_timelines(job, now=NOW + 9 * HOUR)
    assert (resolution.counted_seconds, resolution.until) == (resolution.clock.counted_seconds, NOW)
    assert response.counted_seconds == response.clock.counted_seconds
    assert resolution.total_seconds == resolution.clock.wall_seconds


def test_a_breached_clock_of_a_cancelled_job_ends_with_it(omar, north):
    job = job_of(by=omar, hours_ago=6, zone=north)
    job = actions.change_status(job, Status.CANCELLED, by=omar, note="Called off", now=NOW - HOUR)
    response, resolution = load_timelines(job, now=NOW)
    assert (response.until, resolution.until) == (NOW - HOUR, NOW - HOUR)


def test_a_calendar_that_lost_its_hours_breaks_no_page(client, dana, omar, north):
    job = job_of(by=omar, hours_ago=3, zone=north, priority=Priority.NORMAL)
    BusinessCalendar.objects.get(policies__is_default=True).opening_intervals.all().delete()
    client.force_login(dana)
    for url in (reverse("job", args=[job.pk]), reverse("sla")):
        assert client.get(url).status_code == 200
