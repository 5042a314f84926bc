"""A suggestion's life: made, confirmed, dismissed, or expired because it no longer holds."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import ActionRefused, check_may_dispatch, fresh, groups_of_job
from dispatch.actions.call import call_to_job
from dispatch.actions.place import SHIFT, place_job
from dispatch.models import DispatchSettings, Job, Priority, Suggestion
from dispatch.placement import Outcome, Placement, judge
from dispatch.smart import suggestions
from dispatch.smart.calling import When
from dispatch.smart.candidates import Candidate
from dispatch.smart.rules import numbers_in, without_other_jobs
from technicians.models import Technician

State = Suggestion.State


class NoLongerHolds(ActionRefused):
    """The suggestion has expired by this; `job` is asked about again."""


def suggest(job: Job, candidate: Candidate, *, now: datetime) -> Suggestion | None:
    """None where the one that is open still holds. Call it with the job locked: a job has one open suggestion."""
    minutes = DispatchSettings.load().suggestion_minutes
    for earlier in job.suggestions.open().select_related("job", "technician__user"):
        why = why_it_no_longer_holds(earlier, minutes=minutes, now=now)
        if not why:
            return None
        suggestions.close(earlier, State.EXPIRED, why=why, now=now)
    factors = [
        {"kind": f.kind, "points": f.points, "out_of": f.out_of, "text": in_public(job, f.text)}
        for f in candidate.score.factors
    ]
    return Suggestion.objects.create(
        job=job,
        technician=candidate.technician,
        starts_at=candidate.starts_at,
        score=candidate.score.total,
        factors=factors,
        job_version=job.version,
        created_at=now,
    )


def confirm_suggestion(suggestion: Suggestion, *, by, now: datetime | None = None) -> Job:
    """The job as it is assigned now. What does not hold any longer expires and is worked out anew."""
    now = now or timezone.now()
    check_may_dispatch(by)
    try:
        return _confirm(suggestion, by=by, now=now)
    except NoLongerHolds as lost:  # outside the transaction that it has rolled back
        expire(suggestion, lost.reason, now=now)
        suggestions.ask_for([suggestion.job_id])
        job = fresh(suggestion.job)
        raise ActionRefused(f"This suggestion no longer holds: {lost.reason}", job) from None


@transaction.atomic
def _confirm(suggestion: Suggestion, *, by, now: datetime) -> Job:
    # The job is locked before its suggestion, in the order of everybody else.
    Job.objects.select_for_update(no_key=True).only("pk").get(pk=suggestion.job_id)
    suggestion = Suggestion.objects.select_related("job", "technician__user", "closed_by").get(pk=suggestion.pk)
    if suggestion.state != State.OPEN:
        raise ActionRefused(_why_closed(suggestion), fresh(suggestion.job))
    minutes = DispatchSettings.load().suggestion_minutes
    if why := why_it_no_longer_holds(suggestion, minutes=minutes, now=now):
        raise NoLongerHolds(why)
    suggestions.close(suggestion, State.CONFIRMED, by=by, now=now)
    note = f"Suggested by smart dispatch: {suggestion.sentence}"
    return give(suggestion.job, suggestion.technician, suggestion.starts_at, by=by, note=note, now=now)


def _why_closed(suggestion: Suggestion) -> str:
    if suggestion.state == State.EXPIRED:
        return f"This suggestion no longer holds: {suggestion.why_closed}"
    return f"{suggestion.closed_by or 'Somebody'} has {suggestion.state} this suggestion already."


@transaction.atomic
def dismiss_suggestion(suggestion: Suggestion, *, by, reason: str = "", now: datetime | None = None) -> None:
    """The job is left to people until it changes, and this technician is not suggested for it again today."""
    now = now or timezone.now()
    check_may_dispatch(by)
    if not suggestions.close(suggestion, State.DISMISSED, why=reason.strip(), by=by, now=now):
        suggestion.refresh_from_db()
        raise ActionRefused(_why_closed(suggestion), fresh(suggestion.job))
    publish_suggestion(suggestion.job)


@transaction.atomic
def expire(suggestion: Suggestion, why: str, *, now: datetime) -> bool:
    if not suggestions.close(suggestion, State.EXPIRED, why=why, now=now):
        return False
    publish_suggestion(suggestion.job)
    return True


def why_it_no_longer_holds(suggestion: Suggestion, *, minutes: int, now: datetime) -> str:
    """In a sentence; empty while it holds."""
    if why := suggestions.why_changed(suggestion):
        return why
    if suggestion.created_at <= now - timedelta(minutes=minutes):
        return f"It was worked out {minutes} minutes ago."
    if suggestion.starts_at and suggestion.starts_at < now:
        return f"Its time, {timezone.localtime(suggestion.starts_at):%H:%M}, has passed."
    return why_not(suggestion.job, suggestion.technician, suggestion.starts_at, now=now)


# Giving the job to somebody -----------------------------------------------------------------------


def why_not(job: Job, technician: Technician, starts_at: datetime | None, *, now: datetime) -> str:
    """What speaks against it now, in a sentence; empty if nothing does."""
    verdict = judge(job, _placement(job, technician, starts_at, now=now), now=now)
    if verdict.outcome == Outcome.OK:
        return ""
    why = verdict.refusal or "; ".join(objection.text for objection in verdict.objections)
    return f"{technician}: {in_public(job, why)}."


def give(job: Job, technician: Technician, starts_at: datetime | None, *, by, note: str, now: datetime) -> Job:
    """As it was worked out. Call it where nothing speaks against it."""
    if not _goes_first(job):
        return place_job(job, _placement(job, technician, starts_at, now=now), by=by, note=note, now=now)
    if _day(job, now=now) == timezone.localdate(now):
        return call_to_job(job, technician, when=When.AFTER, by=by, note=note, now=now)
    placement = Placement(technician, job.scheduled_on, starts_at)
    return place_job(job, placement, by=by, on_conflict=SHIFT, note=note, now=now)


def _goes_first(job: Job) -> bool:
    """An urgent job without a time of its own pushes aside what has not begun."""
    return job.priority == Priority.URGENT and job.planned_starts_at is None


def _placement(job: Job, technician: Technician, starts_at: datetime | None, *, now: datetime) -> Placement:
    """Whose time it takes is not asked of a job that goes first."""
    start = None if _goes_first(job) else starts_at or job.planned_starts_at
    return Placement(technician, _day(job, now=now), start)


def _day(job: Job, *, now: datetime) -> date:
    return job.scheduled_on or timezone.localdate(now)


def in_public(job: Job, text: str) -> str:
    """As everybody may read it who sees the job: they see the others of its zone and those in none."""
    numbers = numbers_in(text)
    visible = Job.objects.in_zones([job.zone_id] if job.zone_id else []).filter(pk__in=numbers) if numbers else ()
    return without_other_jobs(text, {other.number for other in visible})


def publish_suggestion(job: Job) -> None:
    """It is part of the job's card. Nobody's day has changed, so that nothing is predicted anew."""
    realtime.publish("job-changed", groups=groups_of_job(job), jobs=[job.pk])
