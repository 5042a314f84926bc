"""What grows day by day is forgotten in time, and nothing that is still of use."""

from datetime import timedelta

import pytest
from axes.models import AccessLog
from django.utils import timezone

from dispatch import actions
from dispatch.actions import forgetting
from dispatch.models import (
    AutoAssignRun,
    BoardAction,
    JobNote,
    KnownAddress,
    MaterialUse,
    Notification,
    Status,
    Suggestion,
    Tap,
    WebhookEvent,
)
from dispatch.notices.notify import Kind, notify
from dispatch.tasks import forget_old_data
from technicians.models import TrackView
from tests.factories import make_job
from tests.taps import send, step, tap


@pytest.fixture
def days_ago():
    now = timezone.now()
    return lambda days: now - timedelta(days=days)


def test_closed_suggestions_are_forgotten_after_a_quarter(dana, tess, north, days_ago):
    job = make_job(by=dana, zone=north)
    seen = {"job": job, "technician": tess, "score": 50, "job_version": 1, "created_at": days_ago(200)}
    Suggestion.objects.create(**seen, state="expired", closed_at=days_ago(91))
    kept = [
        Suggestion.objects.create(**seen, state="dismissed", closed_at=days_ago(89)),
        Suggestion.objects.create(**seen),
    ]
    assert forget_old_data()["suggestions"] == 1
    assert set(Suggestion.objects.all()) == set(kept)


def test_ended_runs_of_auto_assign_are_forgotten_after_a_month(omar, days_ago):
    for state, days in (("applied", 31), ("proposed", 31), ("queued", 31), ("failed", 29)):
        AutoAssignRun.objects.create(created_by=omar, created_at=days_ago(days), job_ids=[], state=state)
    assert forget_old_data()["auto_assign_runs"] == 2
    assert set(AutoAssignRun.objects.values_list("state", flat=True)) == {"queued", "failed"}


def test_who_looked_at_a_track_is_known_for_a_year(omar, tess, days_ago):
    for days in (366, 364):
        TrackView.objects.create(technician=tess, viewer=omar, day=days_ago(days).date(), viewed_at=days_ago(days))
    assert forget_old_data()["track_views"] == 1


def test_notification_that_nobody_ever_read_is_forgotten_after_a_year(dana, days_ago):
    old, recent = (notify([dana], Kind.STUCK, text)[0] for text in "ab")
    Notification.objects.filter(pk=old.pk).update(created_at=days_ago(366))
    Notification.objects.filter(pk=recent.pk).update(created_at=days_ago(364))
    assert forget_old_data()["notifications"] == 1
    assert Notification.objects.get() == recent


def test_more_than_one_part_is_forgotten(dana, days_ago, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    for text in "abcde":
        notify([dana], Kind.STUCK, text)
    Notification.objects.update(read_at=days_ago(100))
    assert forget_old_data()["notifications"] == 5


def test_where_an_address_is_does_not_outlive_its_use(db, days_ago):
    for days in (181, 179):
        KnownAddress.objects.create(provider="p", address=f"{days} Ash St", candidates=[], looked_up_at=days_ago(days))
    assert forget_old_data()["known_addresses"] == 1
    assert KnownAddress.objects.get().address == "179 Ash St"


def at_another_time(model, **fields):
    """Also of what is never changed otherwise."""
    model._base_manager.update(**fields)


def test_tap_is_known_again_for_a_quarter_and_what_the_phone_said_of_a_step_for_good(
    client, tess, dana, north, days_ago
):
    job = make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess)
    client.force_login(tess.user)
    note, used = tap("note", job, text="Gate code 12"), tap("material", job, name="Valve", unit="pc", quantity="2")
    send(client, step(job, "en_route"), note, used)
    at_another_time(Tap, received_at=days_ago(89))
    assert forget_old_data()["taps"] == 0
    assert send(client, note)[0]["outcome"] == "done"
    at_another_time(Tap, received_at=days_ago(91))
    assert forget_old_data()["taps"] == 1
    assert set(Tap.objects.values_list("kind", flat=True)) == {"step", "material"}
    assert send(client, used)[0]["outcome"] == "done"
    assert MaterialUse.objects.count() == 1
    assert JobNote.objects.get(job=job).text == "Gate code 12"


def test_what_was_done_on_the_board_can_be_taken_back_for_a_quarter(dana, north, days_ago):
    for _ in range(2):
        actions.set_priority(make_job(by=dana, zone=north), 3, by=dana)
    BoardAction.objects.update(done_at=days_ago(89))
    first = BoardAction.objects.earliest("pk")
    BoardAction.objects.filter(pk=first.pk).update(done_at=days_ago(91))
    assert forget_old_data()["board_actions"] == 1
    assert not BoardAction.objects.filter(pk=first.pk).exists()


def test_who_logged_in_from_where_is_known_for_a_quarter(db, days_ago):
    for days in (91, 89):
        log = AccessLog.objects.create(username="ada", ip_address="192.0.2.1", user_agent="")
        AccessLog.objects.filter(pk=log.pk).update(attempt_time=days_ago(days))
    assert forget_old_data()["logins"] == 1


def test_event_that_waits_for_a_stopped_webhook_is_forgotten_in_the_end(ada, dana, days_ago):
    endpoint = actions.add_webhook("https://example.com/hook", by=ada)
    make_job(by=dana)
    WebhookEvent.objects.update(happened_at=days_ago(31))
    assert forget_old_data()["webhook_events"] == 0
    actions.stop_webhook(endpoint, by=ada)
    assert forget_old_data()["webhook_events"] == 1
