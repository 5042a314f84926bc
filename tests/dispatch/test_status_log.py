"""The append-only log: who, when, where; and taps that a phone sends late or twice."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from dispatch import actions
from dispatch.models import Job, Status, StatusChange
from dispatch.models.history import AppendOnlyError
from technicians.models import Position
from technicians.positions import Fix
from tests.factories import make_job
from tests.threads import at_the_same_time, winners_and_losers

NOW = timezone.now().replace(microsecond=0)


def assigned_an_hour_ago(by, technician):
    job = make_job(by=by, now=NOW - timedelta(minutes=70))
    return actions.assign_job(job, technician, by=by, now=NOW - timedelta(minutes=60))


def test_technician_taps_and_the_log_keeps_who_when_and_where(omar, tess):
    job = assigned_an_hour_ago(omar, tess)
    tapped_at, received_at = NOW - timedelta(minutes=12), NOW
    fix = Fix(latitude=40.1, longitude=-75.1, recorded_at=tapped_at - timedelta(seconds=40), accuracy_m=9.5)
    actions.change_status(
        job, Status.EN_ROUTE, by=tess.user, fix=fix, happened_at=tapped_at, now=received_at, note=" Traffic "
    )
    row = job.status_changes.last()
    assert (row.from_status, row.to_status, row.actor_kind, row.actor) == (
        "assigned",
        "en_route",
        "technician",
        tess.user,
    )
    assert (row.happened_at, row.received_at, row.note) == (tapped_at, received_at, "Traffic")
    assert (row.latitude, row.longitude, row.accuracy_m, row.position_age_seconds) == (40.1, -75.1, 9.5, 40)
    assert Job.objects.get(pk=job.pk).en_route_at == tapped_at


@pytest.mark.parametrize("minutes, logged", [(-90, -60), (-12, -12), (30, 0)])
def test_a_phone_with_a_wrong_clock_cannot_turn_the_log_around(minutes, logged, omar, tess):
    job = assigned_an_hour_ago(omar, tess)
    tapped_at = NOW + timedelta(minutes=minutes)
    actions.change_status(job, Status.EN_ROUTE, by=tess.user, happened_at=tapped_at, now=NOW)
    assert job.status_changes.last().to_status == Status.EN_ROUTE
    assert Job.objects.get(pk=job.pk).en_route_at == NOW + timedelta(minutes=logged)


def test_without_a_fix_the_log_keeps_the_newest_known_position_and_its_age(omar, tess):
    actions.take_position(tess, Fix(40.2, -75.2, NOW - timedelta(minutes=7)), source=Position.Source.PHONE, now=NOW)
    job = make_job(by=omar)
    actions.assign_job(job, tess, by=omar, now=NOW)
    actions.unassign_job(job, by=omar, now=NOW)
    for row in job.status_changes.exclude(from_status=""):
        assert (row.latitude, row.position_age_seconds) == (40.2, 420)


def test_a_tap_from_before_the_newest_position_is_logged_where_the_technician_was_then(omar, tess):
    job = assigned_an_hour_ago(omar, tess)
    for minutes, latitude in ((45, 40.5), (1, 41.5)):
        actions.take_position(tess, Fix(latitude, -75.0, NOW - timedelta(minutes=minutes)), source="phone", now=NOW)
    actions.change_status(job, Status.EN_ROUTE, by=tess.user, happened_at=NOW - timedelta(minutes=40), now=NOW)
    row = job.status_changes.last()
    assert (row.latitude, row.position_age_seconds) == (40.5, 300)


def test_the_log_has_no_coordinates_of_a_technician_who_sent_none(omar, tess):
    row = make_job(Status.EN_ROUTE, by=omar, technician=tess).status_changes.last()
    assert (row.latitude, row.longitude, row.position_age_seconds) == (None, None, None)


def test_the_log_keeps_from_whom_to_whom_a_job_went(omar, tess, tom):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    actions.assign_job(job, tom, by=omar)
    actions.unassign_job(job, by=omar, note="Tom's van broke down")
    moves = list(job.status_changes.values_list("from_technician", "to_technician"))
    assert moves == [(None, None), (None, tess.pk), (tess.pk, tom.pk), (tom.pk, None)]


def test_nobody_rewrites_the_log(omar, tess):
    row = make_job(Status.ASSIGNED, by=omar, technician=tess).status_changes.last()
    row.note = "Never happened"
    forged = StatusChange(**{**StatusChange.objects.filter(pk=row.pk).values().get(), "note": "Forged"})
    attempts = [
        row.save,
        row.delete,
        StatusChange.objects.all().delete,
        lambda: StatusChange.objects.update(note="x"),
        lambda: StatusChange.objects.bulk_update([row], ["note"]),
        lambda: row.job.status_changes.all().delete(),
        lambda: row.job.status_changes.update(note="x"),
    ]
    for attempt in attempts:
        with pytest.raises(AppendOnlyError):
            attempt()
    with pytest.raises(IntegrityError), transaction.atomic():
        forged.save()
    assert StatusChange.objects.get(pk=row.pk).note != "Forged"


def test_a_job_with_a_history_cannot_be_deleted(omar):
    job = make_job(by=omar)
    with pytest.raises(ProtectedError):
        job.delete()


def test_technician_whose_phone_sends_a_tap_twice_makes_one_step(omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    tap = uuid.uuid4()
    first = actions.change_status(job, Status.EN_ROUTE, by=tess.user, tap_id=tap)
    second = actions.change_status(job, Status.EN_ROUTE, by=tess.user, tap_id=tap, seen="assigned.")
    assert (second.status, second.version) == (Status.EN_ROUTE, first.version)
    assert job.status_changes.filter(tap_id=tap).count() == 1


def test_technician_who_taps_again_after_losing_the_job_is_not_refused(omar, tess, tom):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    tap = uuid.uuid4()
    actions.change_status(job, Status.EN_ROUTE, by=tess.user, tap_id=tap)
    actions.assign_job(job, tom, by=omar)
    assert actions.change_status(job, Status.EN_ROUTE, by=tess.user, tap_id=tap).technician == tom


def test_a_tap_of_one_job_never_counts_for_another(omar, tess):
    one, other = (make_job(Status.ASSIGNED, by=omar, technician=tess) for _ in range(2))
    tap = uuid.uuid4()
    actions.change_status(one, Status.EN_ROUTE, by=tess.user, tap_id=tap)
    with pytest.raises(actions.ActionRefused):
        actions.change_status(other, Status.ASSIGNED, by=tess.user, tap_id=tap)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_tap_that_arrives_twice_at_the_same_moment_counts_once_and_is_not_refused(omar, tess):
    for _ in range(10):
        job, tap = make_job(Status.ASSIGNED, by=omar, technician=tess), uuid.uuid4()
        calls = [
            lambda job=job, tap=tap: actions.change_status(job, Status.IN_PROGRESS, by=tess.user, tap_id=tap),
        ] * 2
        won, lost = winners_and_losers(at_the_same_time(*calls))
        assert [job.status for job in won] == [Status.IN_PROGRESS] * 2, lost
        assert job.status_changes.filter(tap_id=tap).count() == 1
        actions.change_status(job, Status.COMPLETED, by=tess.user)
