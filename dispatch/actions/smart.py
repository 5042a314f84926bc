"""Smart dispatch: what the rule of its priority does with a job that nobody has."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from dispatch.actions.base import ActionRefused, Actor
from dispatch.actions.suggestions import (
    expire,
    give,
    in_public,
    publish_suggestion,
    suggest,
    why_it_no_longer_holds,
    why_not,
)
from dispatch.models import AssignmentRule, DispatchSettings, Job, Priority, Status, StatusChange, Suggestion
from dispatch.notices.notify import Kind, dispatchers_of, dispatchers_who_see, notify
from dispatch.smart import suggestions
from dispatch.smart.candidates import Candidate, candidates_for
from dispatch.smart.rules import Decision, Mode, Verb, decide
from technicians.models import Technician

ATTEMPTS: Final = 4
MOST_A_SWEEP: Final = 200  # jobs
SWEEPS_EVERY: Final = timedelta(minutes=5)
FURTHER_EACH: Final = 50  # jobs: of more than fit into a sweep none is left out for ever

State = Suggestion.State


class _Changed(Exception):
    """The job is not the one any more that was looked at."""


def dispatch_new_job(job_id: int, *, now: datetime | None = None) -> Job | None:
    """Assigns the job, suggests somebody for it or says why nobody can; returns it, or None if it waits for nobody.

    May run twice and in two places at once: whoever comes second finds it done.
    """
    now = now or timezone.now()
    taken: set[int] = set()  # technicians whose day has filled up while this was working
    for _ in range(ATTEMPTS):
        job = Job.objects.awaiting_dispatch(today=timezone.localdate(now)).with_board_info().filter(pk=job_id).first()
        if job is None:
            return None
        decision = _decide(job, taken, now=now)
        try:
            with transaction.atomic():
                _lock(job)
                _carry_out(decision, job, now=now)
            return Job.objects.get(pk=job_id)
        except _Changed:
            continue
        except ActionRefused:
            taken.add(decision.candidate.technician.pk)
    return Job.objects.get(pk=job_id)  # so much is going on there that the sweep comes back to it


def dispatch_waiting_jobs(*, now: datetime | None = None) -> int:
    """Looks at today's and tomorrow's jobs that nobody has: what was lost between a commit and the queue, what has got

    its day or its rule later, and those for whom nobody was eligible. Returns at how many.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    waiting = Job.objects.awaiting_dispatch(today=today).exclude(scheduled_on__gt=today + suggestions.SOON)
    left_alone = AssignmentRule.objects.filter(mode=Mode.MANUAL).exclude(priority=Priority.URGENT)
    waiting = waiting.exclude(priority__in=left_alone.values("priority")).exclude(suggestions__state=State.OPEN)
    ids = list(waiting.order_by("-priority", "scheduled_on", "pk").values_list("pk", flat=True))
    ids = ids if len(ids) <= MOST_A_SWEEP else _next_of_many(ids, now=now)
    for pk in ids:
        dispatch_new_job(pk, now=now)
    return len(ids)


def _next_of_many(ids: list[int], *, now: datetime) -> list[int]:
    """Each sweep begins further on, by the clock: those for whom nobody is found go on waiting."""
    first = int(now.timestamp() // SWEEPS_EVERY.total_seconds()) * FURTHER_EACH % len(ids)
    return [*ids[first:], *ids[:first]][:MOST_A_SWEEP]


def expire_suggestions(*, now: datetime | None = None) -> int:
    """Closes those that no longer hold, and has their jobs looked at again. Returns how many."""
    now = now or timezone.now()
    minutes = DispatchSettings.load().suggestion_minutes
    expired = []
    for suggestion in Suggestion.objects.open().select_related("job", "technician__user"):
        if (why := why_it_no_longer_holds(suggestion, minutes=minutes, now=now)) and expire(suggestion, why, now=now):
            expired.append(suggestion.job_id)
    for pk in expired:
        dispatch_new_job(pk, now=now)
    return len(expired)


# What to do ---------------------------------------------------------------------------------------


def _decide(job: Job, taken: set[int], *, now: datetime) -> Decision:
    mode = AssignmentRule.mode_for(job.priority)
    if mode == Mode.MANUAL or _is_dismissed(job):
        return Decision(Verb.LEAVE)
    candidates = [c for c in candidates_for(job, user=None, now=now) if c.technician.pk not in taken]
    return decide(
        mode,
        candidates,
        minimum_score=DispatchSettings.load().automatic_minimum_score,
        declined=_declined(job, now=now),
        is_hands_off=_taken_back(job).exists(),
    )


def _is_dismissed(job: Job) -> bool:
    """Whoever dismissed a suggestion decides about the job as it is; another job is another question."""
    return job.suggestions.filter(state=State.DISMISSED, job_version=job.version).exists()


def _taken_back(job: Job):
    """The times when a dispatcher took it from somebody, by Undo too."""
    back = StatusChange.objects.filter(job=job, to_status=Status.CREATED, actor_kind=Actor.DISPATCHER)
    return back.filter(from_technician__isnull=False)


def _declined(job: Job, *, now: datetime) -> set[int]:
    """Whom dispatchers did not want for it today."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    dismissed = job.suggestions.filter(state=State.DISMISSED, closed_at__gte=midnight)
    taken_back = _taken_back(job).filter(received_at__gte=midnight)
    return {
        *dismissed.values_list("technician_id", flat=True),
        *taken_back.values_list("from_technician_id", flat=True),
    }


# Doing it -----------------------------------------------------------------------------------------


def _lock(job: Job) -> None:
    """Until the end of the transaction nobody else changes it, and nobody else dispatches it."""
    unchanged = Job.objects.unassigned().filter(pk=job.pk, version=job.version, held_at=None)
    if not unchanged.select_for_update(no_key=True).values_list("pk").first():
        raise _Changed


def _carry_out(decision: Decision, job: Job, *, now: datetime) -> None:
    match decision.verb:
        case Verb.ASSIGN:
            _assign(job, decision.candidate, now=now)
        case Verb.SUGGEST:
            _say_why(job, "")
            _suggest(job, decision.candidate, now=now)
        case Verb.SAY_WHY_NOT:
            _say_nobody(job, decision.why, now=now)
        case Verb.LEAVE:
            _say_why(job, "")
            _withdraw(job, "Smart dispatch leaves this job to people.", now=now)
            _tell_if_urgent(job, f"Urgent: {job.number} {job.title}: nobody has it", now=now)


def _assign(job: Job, candidate: Candidate, *, now: datetime) -> None:
    # Two jobs may be on their way to the same technician: the second one is judged when the first is in their day.
    Technician.objects.select_for_update(no_key=True).get(pk=candidate.technician.pk)
    if why := why_not(job, candidate.technician, candidate.starts_at, now=now):
        raise ActionRefused(why, job)
    note = f"Smart dispatch: {in_public(job, candidate.sentence)}"
    give(job, candidate.technician, candidate.starts_at, by=None, note=note, now=now)


def _suggest(job: Job, candidate: Candidate, *, now: datetime) -> None:
    if not suggest(job, candidate, now=now):
        return
    publish_suggestion(job)
    # A job in no zone is seen by people who may not know of the technician: they could not confirm it either.
    whom = candidate.technician if job.zone_id else "a technician"
    text = f"{job.number} {job.title}: {whom} is suggested ({candidate.score.total} of 100)"
    if _tell_if_urgent(job, f"Urgent: {text}", now=now):
        return
    people = dispatchers_of(job.zone_id) if job.zone_id else dispatchers_who_see(candidate.technician)
    notify(people, Kind.SUGGESTION_WAITING, text, job=job, once_key=f"suggested-{job.pk}-{job.version}", now=now)


def _say_nobody(job: Job, why: str, *, now: datetime) -> None:
    was = job.why_unassigned
    _withdraw(job, why, now=now)
    _say_why(job, why)
    text = f"{job.number} {job.title}: {why}"
    if not was and not _tell_if_urgent(job, f"Urgent: {text}", now=now):
        notify(dispatchers_of(job.zone_id), Kind.NOBODY_ELIGIBLE, text, job=job, now=now)


def _tell_if_urgent(job: Job, text: str, *, now: datetime) -> bool:
    """Once a job. False if there was nothing to tell, or nobody who did not know."""
    if job.priority != Priority.URGENT:
        return False
    people = dispatchers_of(job.zone_id)
    return bool(notify(people, Kind.URGENT_UNASSIGNED, text, job=job, once_key=f"urgent-{job.pk}", now=now))


def _say_why(job: Job, why: str) -> None:
    if job.why_unassigned != why[:300]:
        Job.objects.filter(pk=job.pk).update(why_unassigned=why[:300])
        publish_suggestion(job)


def _withdraw(job: Job, why: str, *, now: datetime) -> None:
    for suggestion in job.suggestions.open():
        if suggestions.close(suggestion, State.EXPIRED, why=why, now=now):
            publish_suggestion(job)
