"""What grows day by day is forgotten in time, and nothing that is still of use."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dispatch.actions import forgetting
from dispatch.models import AutoAssignRun, KnownAddress, Notification, Suggestion
from dispatch.notify import Kind, notify
from dispatch.tasks import forget_old_data
from technicians.models import TrackView
from tests.factories import make_job


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
