"""Taking what phones have tapped, once each and in order, whenever it arrives."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from dispatch.actions.base import ActionRefused
from dispatch.actions.field_notes import Conflict, keep_for_dispatcher
from dispatch.actions.positions import take_position
from dispatch.actions.tap_kinds import KINDS, Deed
from dispatch.field.tap_forms import CONTENT, NOT_UNDERSTOOD, objection_in, read_fix
from dispatch.field.taps import Moment, SentTap, moment_of
from dispatch.models import Job, StatusChange, Tap
from technicians import attendance
from technicians.models import Position, Technician
from technicians.positions import Fix, is_plausible

log = logging.getLogger(__name__)

Outcome = Tap.Outcome
JUST_NOW = timedelta(minutes=5)
LONGEST_ANSWER = 300
NOT_YOURS = "This job is not among yours."
TAKEN = "This tap came from somebody else."
BROKEN = "Something went wrong here with this tap. It is not recorded; call the office."
DOUBTED = " When it was cannot be right, so the time at which it arrived counts."


def receive_taps(
    technician: Technician, taps: Iterable[SentTap], *, sent_at: datetime | None, by, now: datetime | None = None
) -> list[Tap]:
    """One answer a tap, in their order. One that was received before is answered as it was, and not done again.

    Each is a transaction of its own: what has arrived is not lost because something after it goes wrong.
    """
    now = now or timezone.now()
    taps = list(taps)
    known = Tap.objects.in_bulk([tap.id for tap in taps if tap.id])
    answers = []
    for sent in taps:
        moment = moment_of(sent.tapped_at, sent_at=sent_at, now=now, offset=sent.offset)
        if sent.id in known:
            answers.append(as_answered(known[sent.id], technician))
        else:
            answers.append(_receive(technician, sent, moment, by=by, now=now))
    return answers


def as_answered(tap: Tap, technician: Technician) -> Tap:
    """What was said of it before; nothing of a tap that is another's."""
    if tap.technician_id == technician.pk:
        return tap
    return Tap(id=tap.pk, technician=technician, outcome=Outcome.REFUSED, answer=TAKEN)


def job_of(technician: Technician, job_id: int | None, jobs: QuerySet[Job]) -> Job | None:
    """Theirs now or once; others do not exist."""
    job = jobs.filter(pk=job_id).first() if job_id else None
    if job is None or job.technician_id == technician.pk:
        return job
    whose = Q(to_technician=technician) | Q(from_technician=technician)
    return job if StatusChange.objects.filter(whose, job=job).exists() else None


def _receive(technician: Technician, sent: SentTap, moment: Moment, *, by, now: datetime) -> Tap:
    tap = Tap(
        id=sent.id,
        technician=technician,
        kind=sent.kind,
        tapped_at=moment.tapped_at,
        happened_at=moment.happened_at,
        received_at=now,
        outcome=Outcome.REFUSED,
    )
    form = CONTENT[sent.kind](dict(sent.content)) if sent.kind in CONTENT else None
    if sent.id is None or form is None:
        tap.answer = NOT_UNDERSTOOD
        return tap
    fix = _take_fix(technician, sent, moment, now=now)
    try:
        with transaction.atomic():
            tap.answer = _do(tap, form, sent, by=by, fix=fix)[:LONGEST_ANSWER]
            if moment.is_doubted and tap.outcome != Outcome.REFUSED:
                tap.answer = (tap.answer + DOUBTED)[:LONGEST_ANSWER]
            tap.save()
    except OperationalError:
        raise  # the phone sends it again
    except (DatabaseError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        return _as_done_meanwhile(tap, error, technician)
    return tap


def _as_done_meanwhile(tap: Tap, error: Exception, technician: Technician) -> Tap:
    """Of the same tap sent twice at once one is too late; what only telling of it failed for is done all the same.

    A tap that nothing can be done with holds up no other.
    """
    known = Tap.objects.filter(pk=tap.pk).first()
    if not (known and isinstance(error, IntegrityError)):
        log.exception("A tap could not be taken", exc_info=error)
    if known:
        return as_answered(known, technician)
    return Tap(id=tap.pk, technician=technician, outcome=Outcome.REFUSED, answer=BROKEN)


def _do(tap: Tap, form, sent: SentTap, *, by, fix: Fix | None) -> str:
    """Does it and says what became of it; what cannot be done leaves nothing but its answer."""
    how = KINDS[tap.kind]
    if not form.is_valid():
        return objection_in(form)
    tap.content = _as_json(form.cleaned_data)
    # Locked: two phones of theirs come one after the other.
    jobs = Job.objects.select_for_update(of=("self",), no_key=True).select_related("technician__user", "job_type")
    job = job_of(tap.technician, sent.job_id, jobs)
    if job is None and (how.needs_job or sent.job_id):
        return NOT_YOURS
    tap.job = job
    _note_place(tap, fix)
    deed = Deed(tap.id, tap.technician, by, form.cleaned_data, tap.happened_at, tap.received_at, job, fix)
    try:
        if job and job.technician_id != tap.technician_id:
            raise Conflict(job)
        with transaction.atomic():
            answer = how.do(deed)
        tap.outcome, tap.happened_at = Outcome.DONE, deed.at
        return answer
    except ActionRefused as refused:
        return refused.reason
    except (Conflict, PermissionDenied) as conflict:  # the latter where it has just been given to somebody else
        conflict = conflict if isinstance(conflict, Conflict) else Conflict(Job.objects.get(pk=job.pk))
        keep_for_dispatcher(job, how.words(deed.content), at=tap.happened_at, by=by, now=tap.received_at)
        tap.outcome = Outcome.KEPT
        return f"{conflict.answer} What you did is kept as a note for the dispatcher."


def _as_json(content: dict[str, Any]) -> dict[str, Any]:
    plain = (str, int, float, bool, type(None))
    return {name: value if isinstance(value, plain) else str(value) for name, value in content.items()}


# Where --------------------------------------------------------------------------------------------


def _take_fix(technician: Technician, sent: SentTap, moment: Moment, *, now: datetime) -> Fix | None:
    """Stores where the phone says it was. A position that makes no sense is left out; the tap itself still counts."""
    fix = read_fix(sent, offset=moment.offset)
    if fix is None or sent.kind == Tap.Kind.SICK or not is_plausible(fix, now=now):
        return None
    # The tap that clocks in was made on duty; off duty the place goes into the log of the tap and nowhere else.
    is_clock_in = sent.kind == Tap.Kind.DUTY and sent.content.get("duty") == "in"
    clocks_in = is_clock_in and abs(moment.happened_at - fix.recorded_at) <= JUST_NOW
    if clocks_in or attendance.was_on_duty(technician, at=fix.recorded_at):
        take_position(technician, fix, source=Position.Source.PHONE, now=now)
    return fix


def _note_place(tap: Tap, fix: Fix | None) -> None:
    if fix:
        tap.latitude, tap.longitude, tap.accuracy_m = fix.latitude, fix.longitude, fix.accuracy_m
