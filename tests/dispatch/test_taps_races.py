"""The same taps at the same moment: a phone that got no answer sends them again, or there are two phones."""

import pytest
from django.utils import timezone

from dispatch import actions
from dispatch.field.taps import read_tap
from dispatch.models import Job, Status, Tap
from tests.factories import make_job
from tests.taps import step, tap
from tests.threads import at_the_same_time

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def receive(technician, taps):
    def call():
        now = timezone.now()
        answers = actions.receive_taps(technician, map(read_tap, taps), sent_at=now, by=technician.user, now=now)
        return [(answer.pk, answer.outcome, answer.answer) for answer in answers]

    return call


def chain(job, technician):
    seen = [f"{status}.{technician.pk}" for status in ("assigned", "en_route", "in_progress")]
    return [
        tap("duty", duty="in"),
        step(job, "en_route", seen=seen[0]),
        tap("note", job, text="Ring twice"),
        step(job, "in_progress", seen=seen[1]),
        tap("material", job, name="Filter", quantity=2),
        step(job, "completed", seen=seen[2]),
    ]


def test_same_batch_sent_twice_at_once_is_done_once(omar, tess):
    for _ in range(4):
        job = make_job(Status.ASSIGNED, by=omar, technician=tess)
        taps = chain(job, tess)
        first, second = at_the_same_time(receive(tess, taps), receive(tess, taps))
        assert first == second, (first, second)
        assert {outcome for _, outcome, _ in first} == {Tap.Outcome.DONE}
        log = [change.to_status for change in job.status_changes.order_by("pk")]
        assert log == ["created", "assigned", "en_route", "in_progress", "completed"]
        assert (job.notes.count(), job.material_uses.count()) == (1, 1)
    assert tess.clock_records.count() == 1


def test_two_phones_at_once_bring_each_step_into_the_log_once(omar, tess):
    for _ in range(4):
        job = make_job(Status.ASSIGNED, by=omar, technician=tess)
        outcomes = at_the_same_time(receive(tess, chain(job, tess)), receive(tess, chain(job, tess)))
        assert not [each for each in outcomes if isinstance(each, Exception)], outcomes
        log = [change.to_status for change in job.status_changes.order_by("pk")]
        assert log == ["created", "assigned", "en_route", "in_progress", "completed"]
        assert job.notes.filter(text="Ring twice").count() == 2
        assert not [answer for phone in outcomes for answer in phone if answer[1] == "refused"], outcomes


def test_tap_and_reassignment_at_once_end_in_one_truth_and_lose_nothing(omar, tess, tom):
    for _ in range(6):
        job = make_job(Status.ASSIGNED, by=omar, technician=tess)
        tapped, moved = at_the_same_time(
            receive(tess, [step(job, "en_route")]),
            lambda job=job: actions.assign_job(job, tom, by=omar, seen=job.seen),
        )
        now = Job.objects.get(pk=job.pk)
        if isinstance(moved, actions.ActionRefused):
            assert (now.status, now.technician) == (Status.EN_ROUTE, tess)
            assert tapped[0][1] == Tap.Outcome.DONE
            actions.change_status(now, Status.ASSIGNED, by=omar)
        else:
            assert not isinstance(moved, Exception), moved
            assert (now.status, now.technician) == (Status.ASSIGNED, tom)
            assert tapped[0][1] == Tap.Outcome.KEPT, tapped
            assert "Tapped En Route" in now.notes.get().text
