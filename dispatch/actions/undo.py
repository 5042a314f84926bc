"""Taking a board action back, and doing it again. Refused with the reason when reality has moved on."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.base import (
    ActionRefused,
    Actor,
    SkillNeed,
    check_may_dispatch,
    check_may_dispatch_at,
    describe_state,
    fresh,
    groups_of_job,
    log_change,
    log_edits,
    publish_jobs,
)
from dispatch.actions.clocks import keep_clocks
from dispatch.actions.customer_links import follow_visit
from dispatch.actions.edit import displayed, replace_skills
from dispatch.actions.journal import FIELDS, SKILLS, State, board_action, states_of
from dispatch.actions.status import settle_billing
from dispatch.models import BoardAction, ChangedJob, FieldChange, Job, Plan, Status
from dispatch.models.jobs import TO_DO
from technicians.models import Skill

LOGGED_AS_STATUS = {
    "status",
    "technician_id",
    "assigned_at",
    "en_route_at",
    "started_at",
    "completed_at",
    "cancelled_at",
}
PLAN = {
    "technician_id",
    "scheduled_on",
    "planned_starts_at",
    "window_starts_at",
    "window_ends_at",
    "is_time_pinned",
    "is_technician_pinned",
}


def last_to_undo(user) -> BoardAction | None:
    """The user's own newest action that still stands."""
    return BoardAction.objects.filter(done_by=user, is_undo=False).not_undone().newest_first().first()


def applied_last(plan: Plan, user) -> bool:
    """Whether the user's next undo takes back what was applied of this plan."""
    last = last_to_undo(user)
    applied = {route["applied_at"] for route in (plan.result or {}).get("routes", [])}
    return last is not None and any(at and datetime.fromisoformat(at) == last.done_at for at in applied)


def last_to_redo(user) -> BoardAction | None:
    """The user's newest undo, unless they have done something new since."""
    own = BoardAction.objects.filter(done_by=user)
    undo = own.filter(is_undo=True).not_undone().newest_first().first()
    if undo and not own.filter(undoes=None, pk__gt=undo.pk).exists():
        return undo
    return None


@transaction.atomic
def undo_action(action: BoardAction, *, by, now: datetime | None = None) -> list[Job]:
    """Puts the jobs of the action back to what they were, all or none; undoing an undo does the action again."""
    now = now or timezone.now()
    check_may_dispatch(by)
    changes = {change.job_id: change for change in action.changed_jobs.all()}
    if Job.objects.dispatchable_by(by).filter(pk__in=changes).count() != len(changes):
        raise ActionRefused("Some of its jobs lie in a zone where you do not dispatch.")
    earlier = BoardAction.objects.filter(undoes=action).select_related("done_by").first()
    if earlier:
        raise ActionRefused(f"{earlier.done_by} has undone this already.")
    root = _root(action)
    label = f"{'Redid' if action.is_undo else 'Undid'}: {root.label}"
    jobs, groups = [], set()
    try:
        with board_action(by=by, now=now, label=label, undoes=action) as entry, realtime.muted():
            entry.watch([Job(pk=pk) for pk in changes])
            for pk, state in sorted(states_of(changes).items()):
                change = changes[pk]
                _check_unchanged(Job(pk=pk), state, change.after)
                _check_not_begun(Job(pk=pk), change, since=action.done_at)
                groups |= groups_of_job(fresh(Job(pk=pk)))
                jobs.append(_restore(pk, change.before, by=by, label=label, done_at=root.done_at, now=now))
    except IntegrityError:
        raise ActionRefused(
            "This cannot be undone any more: the technician has begun another job, or someone was quicker."
        ) from None
    publish_jobs(jobs, also=groups, now=now)
    return jobs


def _root(action: BoardAction) -> BoardAction:
    """What was done in the first place, however often it was undone and redone."""
    while action.undoes:
        action = action.undoes
    return action


def _check_unchanged(job: Job, state: State, expected: State) -> None:
    differing = [name for name, value in expected.items() if state[name] != value]
    if not differing:
        return
    job = fresh(job)
    if LOGGED_AS_STATUS & set(differing):
        raise ActionRefused(f"This cannot be undone any more: {describe_state(job)} now.", job)
    names = ", ".join(name.removesuffix("_id").replace("_", " ") for name in differing)
    raise ActionRefused(f"This cannot be undone any more: someone has changed {names} of {job.number} since.", job)


def _check_not_begun(job: Job, change: ChangedJob, *, since: datetime) -> None:
    """The plan of a job whose technician has set off since is not changed behind their back."""
    if "status" in change.after or not PLAN & change.after.keys():
        return
    job = fresh(job)
    taps = job.status_changes.filter(received_at__gt=since, actor_kind=Actor.TECHNICIAN)
    if job.status not in (Status.CREATED, Status.ASSIGNED) and taps.exists():
        raise ActionRefused(f"This cannot be undone any more: {describe_state(job)} now.", job)


def _restore(pk: int, before: State, *, by, label: str, done_at: datetime, now: datetime) -> Job:
    was = fresh(Job(pk=pk))
    if not before:  # it was created: nothing is deleted, the log stays
        before = {"status": Status.CANCELLED, "cancelled_at": now.isoformat()}
    values = {name: Job._meta.get_field(name).to_python(value) for name, value in before.items() if name != SKILLS}
    _check_still_there(was, values, before.get(SKILLS, {}))
    Job.objects.filter(pk=pk).update(**values, version=F("version") + 1)
    if "site_id" in values:
        site_zone = Job.objects.values_list("site__zone_id", flat=True).get(pk=pk)
        Job.objects.filter(pk=pk).update(zone_id=site_zone)
    job = fresh(Job(pk=pk))
    _check_possible(was, job, by=by)
    if was.status != job.status or was.technician_id != job.technician_id:
        log_change(
            job,
            from_status=was.status,
            from_technician_id=was.technician_id,
            by=by,
            actor=Actor.DISPATCHER,
            at=now,
            now=now,
            note=label,
        )
        settle_billing(job, was.status)
    edited = {}
    for name in FIELDS:
        if name in values and name not in LOGGED_AS_STATUS:
            field = name.removesuffix("_id")
            edited[field] = [displayed(was, field), displayed(job, field)]
    if SKILLS in before:
        edited |= replace_skills(job, [SkillNeed(int(pk), level) for pk, level in before[SKILLS].items()])
    if edited:
        log_edits([FieldChange(job=job, version=job.version, changed_at=now, actor=by, changes=edited)], now=now)
    keep_clocks(was, job, at=done_at, now=now, is_undo=True)
    follow_visit(job, was=was, now=now)
    return job


def _check_still_there(job: Job, values: State, skills: dict[str, int]) -> None:
    """The database would tell only when all is done."""
    needed = [(Job._meta.get_field(name).related_model, value) for name, value in values.items() if value is not None]
    needed += [(Skill, int(pk)) for pk in skills]
    for model, pk in needed:
        if model and not model.objects.filter(pk=pk).exists():
            gone = model._meta.verbose_name
            raise ActionRefused(f"This cannot be undone any more: a {gone} of {job.number} has been deleted.", job)


def _check_possible(was: Job, job: Job, *, by) -> None:
    check_may_dispatch_at(job.site, by)
    gets_it = job.status in TO_DO and (was.status not in TO_DO or was.technician_id != job.technician_id)
    if gets_it and not (job.technician.is_active and job.technician.user.is_active):
        raise ActionRefused(f"This cannot be undone any more: {job.technician} is no longer active.", was)
