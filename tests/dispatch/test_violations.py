"""The list of violations, one of them, and acknowledging."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import Job, Priority, Status
from sla.models import SLAPolicy, Violation, ViolationNote
from tests.factories import JobTypeFactory, TechnicianFactory, make_job
from tests.pages import html_of, links_of, text_of
from tests.threads import at_the_same_time

HTMX = {"HX-Request": "true"}
NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)  # a Wednesday, 10:00 in New York
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def wednesday():
    with time_machine.travel(NOW, tick=False):
        yield


def late_job(*, by, hours_ago=5, **fields):
    """High: the response was due after four hours, and nobody has set off."""
    at = NOW - hours_ago * HOUR
    job = make_job(by=by, priority=Priority.HIGH, created_at=at, now=at, **fields)
    if not job.violations.exists():
        Violation.objects.create(
            job=job,
            kind="response",
            breached_at=at + 4 * HOUR,
            recorded_at=NOW,
            policy=job.sla_policy,
            zone=job.zone,
            job_type=job.job_type,
            priority=job.priority,
        )
        type(job.response_clock).objects.filter(pk=job.pk).update(state="breached", decided_at=at + 4 * HOUR)
    return job


@pytest.fixture
def violation(omar, north):
    return late_job(by=omar, zone=north).violations.get()


@pytest.fixture
def shown(client, dana):
    client.force_login(dana)
    return lambda **query: client.get(reverse("violations"), query)


def numbers_on(response) -> list[int]:
    return [row.violation.job_id for row in response.context["found"].rows]


# Acknowledging ------------------------------------------------------------------------------------


def test_dispatcher_acknowledges_with_a_note(dana, violation):
    result = actions.acknowledge_violations([violation.pk], note=" No van free ", by=dana, now=NOW)
    violation.refresh_from_db()
    assert [done.pk for done in result.done] == [violation.pk]
    assert (violation.acknowledged_by, violation.acknowledged_at) == (dana, NOW)
    note = violation.notes.get()
    assert (note.text, note.author, note.is_acknowledgement) == ("No van free", dana, True)


def test_who_comes_second_hears_who_was_quicker_and_changes_nothing(dana, omar, violation):
    actions.acknowledge_violations([violation.pk], note="Mine", by=omar, now=NOW)
    result = actions.acknowledge_violations([violation.pk], note="Also mine", by=dana, now=NOW + HOUR)
    assert (result.done, [one.acknowledged_by for one in result.earlier]) == ([], [omar])
    violation.refresh_from_db()
    assert (violation.acknowledged_by, violation.notes.get().text) == (omar, "Mine")


def test_several_at_once_are_one_live_event(dana, omar, north, django_capture_on_commit_callbacks, monkeypatch):
    ids = [late_job(by=omar, zone=north).violations.get().pk for _ in range(3)]
    told = []
    monkeypatch.setattr("dispatch.realtime._publish_now", lambda *event: told.append(event))
    with django_capture_on_commit_callbacks(execute=True):
        actions.acknowledge_violations(ids, by=dana)
    assert [(event, groups) for event, groups, _ in told] == [("violation-acknowledged", [f"zone.{north.pk}"])]
    assert len(told[0][2]["jobs"]) == 3


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_acknowledge_each_violation_once(dana, omar, north):
    for _ in range(5):
        ids = [late_job(by=omar, zone=north).violations.get().pk for _ in range(4)]
        outcomes = at_the_same_time(
            lambda ids=ids: actions.acknowledge_violations(ids, note="First", by=dana),
            lambda ids=ids: actions.acknowledge_violations(ids[::-1], note="Second", by=omar),
        )
        done = [violation.pk for outcome in outcomes for violation in outcome.done]
        assert sorted(done) == ids
        assert sorted(violation.pk for outcome in outcomes for violation in outcome.earlier) == ids
        for violation in Violation.objects.filter(pk__in=ids):
            assert violation.notes.get().author == violation.acknowledged_by


def test_dispatcher_cannot_acknowledge_outside_her_zones(dana, omar, south):
    foreign = late_job(by=omar, zone=south).violations.get()
    result = actions.acknowledge_violations([foreign.pk], by=dana)
    assert (result.done, result.earlier) == ([], [])
    assert ViolationNote.objects.count() == 0
    with pytest.raises(PermissionDenied):
        actions.add_violation_note(foreign, "Look at this", by=dana)


def test_technicians_acknowledge_nothing(tess, violation):
    for verb in (
        lambda: actions.acknowledge_violations([violation.pk], by=tess.user),
        lambda: actions.add_violation_note(violation, "Sorry", by=tess.user),
    ):
        with pytest.raises(PermissionDenied):
            verb()


def test_notes_are_added_before_and_after(dana, omar, violation):
    actions.add_violation_note(violation, "Van broke down", by=dana, now=NOW)
    actions.acknowledge_violations([violation.pk], by=omar, now=NOW + HOUR)
    actions.add_violation_note(violation, "Repaired", by=dana, now=NOW + 2 * HOUR)
    assert list(violation.notes.values_list("text", "is_acknowledgement")) == [
        ("Van broke down", False),
        ("", True),
        ("Repaired", False),
    ]


def test_an_empty_note_is_refused(dana, violation):
    with pytest.raises(actions.ActionRefused, match="empty"):
        actions.add_violation_note(violation, "  ", by=dana)


# The dialog ---------------------------------------------------------------------------------------


def acknowledge(client, *ids, htmx=True, **data):
    data = {"violations": ",".join(map(str, ids))} | data
    return client.post(reverse("acknowledge_violations"), data, headers=HTMX if htmx else None)


def test_the_dialog_names_what_is_acknowledged(client, dana, violation):
    client.force_login(dana)
    response = client.get(reverse("acknowledge_violations"), {"violations": violation.pk}, headers=HTMX)
    assert violation.job.number in text_of(response)
    assert "Response due 18 Nov 09:00, 1 h over" in text_of(response)


def test_acknowledging_closes_the_dialog_and_refreshes_the_page(client, dana, violation):
    client.force_login(dana)
    response = acknowledge(client, violation.pk, note="Traffic")
    assert response.status_code == 204
    assert '"close-dialog": true' in response["HX-Trigger"]
    assert str(violation.job_id) in response["HX-Trigger"]
    assert violation.notes.get().text == "Traffic"


def test_one_click_on_a_usual_cause_is_enough(client, dana, violation):
    client.force_login(dana)
    acknowledge(client, violation.pk, usual="No technician free", note="")
    assert violation.notes.get().text == "No technician free"


def test_without_javascript_it_leads_to_the_violation(client, dana, violation):
    client.force_login(dana)
    assert acknowledge(client, violation.pk, htmx=False).url == reverse("violation", args=[violation.pk])


def test_a_page_that_is_old_is_told_who_was_quicker_and_keeps_the_note(client, dana, omar, violation):
    actions.acknowledge_violations([violation.pk], note="Known", by=omar, now=NOW)
    client.force_login(dana)
    response = acknowledge(client, violation.pk, note="The van broke down")
    assert response.status_code == 409
    assert "Omar, 18 Nov 10:00" in text_of(response)
    assert "The van broke down" in html_of(response)
    assert violation.notes.count() == 1


def test_of_several_those_that_are_free_are_done_and_the_others_named(client, dana, omar, north):
    mine, taken = (late_job(by=omar, zone=north).violations.get() for _ in range(2))
    actions.acknowledge_violations([taken.pk], by=omar, now=NOW)
    client.force_login(dana)
    response = acknowledge(client, mine.pk, taken.pk)
    assert response.status_code == 409
    assert "1 acknowledged, 1 already was" in text_of(response)
    mine.refresh_from_db()
    assert mine.acknowledged_by == dana


@pytest.mark.parametrize("ids", ["", "x", "9" * 30, "-1"])
def test_nonsense_is_answered(client, dana, ids):
    client.force_login(dana)
    for method in (client.get, client.post):
        assert method(reverse("acknowledge_violations"), {"violations": ids}).status_code == 422


def test_violations_of_other_zones_are_not_there(client, dana, omar, south):
    foreign = late_job(by=omar, zone=south).violations.get()
    client.force_login(dana)
    assert client.get(reverse("violation", args=[foreign.pk])).status_code == 404
    assert client.post(reverse("add_violation_note", args=[foreign.pk]), {"text": "x"}).status_code == 404
    assert client.get(reverse("acknowledge_violations"), {"violations": foreign.pk}).status_code == 422
    assert acknowledge(client, foreign.pk).status_code == 409
    foreign.refresh_from_db()
    assert foreign.acknowledged_at is None


# The list -----------------------------------------------------------------------------------------


def test_what_nobody_has_acknowledged_comes_first_and_the_rest_is_history(shown, dana, omar, north):
    open_one, known = (late_job(by=omar, zone=north) for _ in range(2))
    actions.acknowledge_violations([known.violations.get().pk], note="Parts", by=omar)
    assert numbers_on(shown()) == [open_one.pk]
    history = shown(state="acknowledged")
    assert numbers_on(history) == [known.pk]
    assert "✓ Omar" in text_of(history)
    assert "Parts" in text_of(history)
    assert len(numbers_on(shown(state="all"))) == 2


def test_dispatcher_sees_her_zones_and_those_in_none(shown, omar, north, south):
    mine, anywhere = late_job(by=omar, zone=north), late_job(by=omar)
    late_job(by=omar, zone=south)
    assert set(numbers_on(shown())) == {mine.pk, anywhere.pk}


def test_a_job_that_moved_to_a_foreign_zone_is_not_told_of(shown, omar, north, south):
    job = late_job(by=omar, zone=north, description="Secret boiler")
    Job.objects.filter(pk=job.pk).update(zone=south)
    response = shown()
    assert "In another zone by now" in text_of(response)
    assert "Secret boiler" not in text_of(response)
    assert reverse("job", args=[job.pk]) not in links_of(response)


def test_a_job_that_moved_to_a_foreign_zone_is_not_found_by_what_it_says(shown, omar, north, south):
    job = late_job(by=omar, zone=north, description="Secret boiler")
    assert numbers_on(shown(q="boiler")) == [job.pk]
    Job.objects.filter(pk=job.pk).update(zone=south)
    assert (numbers_on(shown(q="boiler")), numbers_on(shown())) == ([], [job.pk])


def test_why_a_job_of_a_foreign_zone_is_on_hold_is_not_told(client, dana, omar, north, south):
    job = late_job(by=omar, zone=north)
    actions.hold_job(job, "Secret boiler", by=omar)
    Violation.objects.update(kind="resolution")
    client.force_login(dana)
    address = reverse("violation", args=[job.violations.get().pk])
    with time_machine.travel(NOW + HOUR):
        assert "Secret boiler" in text_of(client.get(address))
        Job.objects.filter(pk=job.pk).update(zone=south)
        assert "Secret boiler" not in text_of(client.get(address))


def test_how_late_says_whether_it_is_done(shown, omar, north, tess):
    job = late_job(by=omar, zone=north, hours_ago=6)
    assert "▲ 2 h over, still open" in text_of(shown())
    actions.change_status(job, Status.ASSIGNED, technician=tess, by=omar, now=NOW)
    actions.change_status(job, Status.EN_ROUTE, by=omar, now=NOW)
    assert "▲ 2 h late" in text_of(shown())


def test_filters_narrow_and_combine(shown, omar, north, tess):
    leak = JobTypeFactory(name="Leak")
    early = late_job(by=omar, zone=north, hours_ago=60, job_type=leak)
    late = late_job(by=omar, zone=north)
    Violation.objects.filter(job=early).update(technician=tess, kind="resolution", priority=Priority.URGENT)
    policy = SLAPolicy.objects.get(is_default=True)
    for query in (
        {"job_type": leak.pk},
        {"technician": tess.pk},
        {"kind": "resolution"},
        {"priority": 4},
        {"to": "2026-11-17"},
        {"q": early.number},
        {"q": early.customer.name, "zone": north.pk, "policy": policy.pk, "from": "2026-11-15", "job_type": leak.pk},
    ):
        assert numbers_on(shown(**query)) == [early.pk], query
    assert numbers_on(shown(technician="none")) == [late.pk]
    assert numbers_on(shown(**{"from": "2026-11-18"})) == [late.pk]


def test_a_day_of_the_period_is_the_business_s_day(shown, omar, north):
    job = late_job(by=omar, zone=north)
    Violation.objects.update(breached_at=datetime(2026, 11, 18, 4, 30, tzinfo=UTC))  # still the 17th in New York
    assert numbers_on(shown(to="2026-11-17")) == [job.pk]
    assert numbers_on(shown(**{"from": "2026-11-18"})) == []


@pytest.mark.parametrize("sort", ["deadline", "job", "priority", "technician", "zone", "type", "acknowledged"])
def test_the_list_is_sorted_both_ways(shown, omar, north, sort):
    for hours in (5, 30, 60):
        late_job(by=omar, zone=north, hours_ago=hours)
    Violation.objects.update(technician=TechnicianFactory(zones=[north]))
    forth, back = numbers_on(shown(sort=sort)), numbers_on(shown(sort=f"-{sort}"))
    assert forth == back[::-1]
    assert len(forth) == 3


def test_the_newest_breach_comes_first(shown, omar, north):
    older, newer = late_job(by=omar, zone=north, hours_ago=30), late_job(by=omar, zone=north)
    assert numbers_on(shown()) == [newer.pk, older.pk]


@pytest.mark.parametrize(
    "parameter", ["q", "state", "kind", "zone", "technician", "policy", "from", "to", "page", "sort"]
)
def test_odd_addresses_are_answered(shown, parameter):
    for text in ("9" * 30, "x" * 60_000, "\0", "-1", "²", "0001-01-01", "9999-12-31"):
        assert shown(**{parameter: text}).status_code == 200


def test_the_empty_list_says_so_in_its_own_words(shown, omar, north):
    assert "No target was ever missed here." in text_of(shown())
    known = late_job(by=omar, zone=north).violations.get()
    actions.acknowledge_violations([known.pk], by=omar)
    assert "All 1 violation so far are acknowledged." in text_of(shown())
    assert "No violation matches these filters." in text_of(shown(q="nobody"))


def queries_for(show) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert show().status_code == 200
    return len(queries)


def test_the_list_takes_as_many_queries_for_fifty_as_for_five(shown, omar, north):
    counts = []
    for more in (5, 45):
        for _ in range(more):
            job = late_job(by=omar, zone=north, technician=None)
            actions.add_violation_note(job.violations.get(), "Why?", by=omar)
        counts.append(queries_for(shown))
    assert counts[0] == counts[1]
    assert counts[0] <= 15


def test_the_fragment_is_part_of_the_page(client, shown, violation):
    whole = html_of(shown())
    fragment = client.get(reverse("violations"), headers=HTMX | {"HX-Target": "live-content"})
    assert all(line in whole for line in html_of(fragment).splitlines())


# One violation ------------------------------------------------------------------------------------


@pytest.fixture
def page(client, dana, violation):
    client.force_login(dana)
    return lambda **headers: client.get(reverse("violation", args=[violation.pk]), headers=headers)


def test_its_page_says_what_happened_and_draws_the_clock(page, violation):
    told = text_of(page())
    assert "Response within 4 hours, Standard, High" in told
    assert "Not yet: 1 h over" in told
    assert "Counted, after the deadline 1 h" in told
    assert 'data-timeline="resolution"' not in html_of(page())


def test_a_note_is_added_on_its_page(client, page, violation):
    url = reverse("add_violation_note", args=[violation.pk])
    response = client.post(url, {"text": "Called the customer"}, headers=HTMX)
    assert "Called the customer" in text_of(response)
    assert client.post(url, {"text": " "}, headers=HTMX).status_code == 422
    assert client.post(url, {"text": "Once more"}).url == reverse("violation", args=[violation.pk])
    assert violation.notes.count() == 2


def test_close_out_leads_to_what_is_to_be_acknowledged(client, dana, violation):
    client.force_login(dana)
    assert reverse("violations") in links_of(client.get(reverse("close_out")))


def test_its_page_takes_as_many_queries_for_many_notes(page, dana, violation):
    before = queries_for(page)
    for _ in range(20):
        actions.add_violation_note(violation, "More", by=dana, now=timezone.now())
    assert queries_for(page) == before
