"""What time alone does to the SLA clocks, every five minutes: targets get at risk, are breached, and people are told.

Each batch is a transaction. What one has recorded and nobody has been told of says so itself (`Violation.told_at`,
`Clock.warned_at`), so that a check that is killed leaves nothing half-done and the next one goes on.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache, partial

from django.db import transaction
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.clocks import record_breaches
from dispatch.models import Job, User
from dispatch.notices.notify import Kind, Message, dispatchers_of, tell
from dispatch.notices.sla_news import breach_of, risk_of
from sla import check
from sla.models import CLOCKS, Clock, Violation

WhoDispatches = Callable[[int | None], list[User]]


def check_sla(*, now: datetime | None = None) -> dict[str, int]:
    """How many clocks are newly breached and at risk, and of how many people have been told."""
    now = now or timezone.now()
    done = {"breached": 0, "at_risk": 0}
    for model in CLOCKS:
        done["breached"] += _in_batches(partial(_record_overdue, model, now=now))
        done["at_risk"] += _in_batches(partial(_mark_at_risk, model, now=now))
    return done | tell_of_sla(now=now)


def tell_of_sla(*, now: datetime | None = None) -> dict[str, int]:
    """Tells dispatchers and managers of what nobody has told them, as far as the hour allows."""
    now = now or timezone.now()
    audible, dispatchers = check.audible(now=now), cache(dispatchers_of)
    told = _in_batches(partial(_tell_of_breaches, audible, dispatchers, now=now))
    warned = sum(_in_batches(partial(_warn, model, audible, dispatchers, now=now)) for model in CLOCKS)
    return {"told": told, "warned": warned}


def _in_batches(do_one: Callable[[], int]) -> int:
    """Until there is not a whole batch to do any more."""
    total = 0
    while True:
        with transaction.atomic():
            done = do_one()
        total += done
        if done < check.BATCH:
            return total


def _record_overdue(model: type[Clock], *, now: datetime) -> int:
    clocks = check.claim_overdue(model, now=now)
    if clocks:
        record_breaches([(clock, clock.job) for clock in clocks], now=now)
        check.save_breached(model, clocks)
        _publish(clock.job for clock in clocks)
    return len(clocks)


def _mark_at_risk(model: type[Clock], *, now: datetime) -> int:
    clocks = check.claim_newly_at_risk(model, now=now)
    if clocks:
        check.save_at_risk(model, clocks)
        _publish(clock.job for clock in clocks)
    return len(clocks)


def _publish(jobs: Iterable[Job]) -> None:
    """To the boards only: no arrival and no suggestion depends on it, and phones show no clocks.

    For the same reason the jobs keep their versions: to whoever edits, suggests or imports they are what they were.
    """
    ids, groups = set(), set()
    for job in jobs:
        ids.add(job.pk)
        groups.add(realtime.zone_group(job.zone_id))
    realtime.publish("job-changed", groups=groups, jobs=sorted(ids))


# Telling people -----------------------------------------------------------------------------------


def _tell_of_breaches(audible, dispatchers: WhoDispatches, *, now: datetime) -> int:
    related = ["technician__user", "job__customer", "job__technician__user"]
    related += [f"job__{model.kind}_clock" for model in CLOCKS]
    violations = check.claim_untold(audible=audible, now=now, with_related=related)
    tell(
        [
            Message(user, Kind.SLA_BREACHED, text, job=one.job, once_key=f"sla-breached:{one.job_id}:{one.kind}")
            for one in violations
            for text in [breach_of(one, now=now)]
            for user in dispatchers(one.job.zone_id)
        ],
        now=now,
    )
    Violation.objects.filter(pk__in=[one.pk for one in violations]).update(told_at=now)
    return len(violations)


def _warn(model: type[Clock], audible, dispatchers: WhoDispatches, *, now: datetime) -> int:
    """Once for each instant from which a clock is at risk: a hold or another target may make it so anew."""
    related = ["job__customer", "job__technician__user"]
    clocks = check.claim_unwarned(model, audible=audible, now=now, with_related=related)
    tell(
        [
            Message(user, Kind.SLA_AT_RISK, text, job=one.job, once_key=key)
            for one in clocks
            for key in [f"sla-at-risk:{one.job_id}:{one.kind}:{one.at_risk_at.timestamp():.0f}"]
            for text in [risk_of(one, now=now)]
            for user in dispatchers(one.job.zone_id)
        ],
        now=now,
    )
    model.objects.filter(pk__in=[one.pk for one in clocks]).update(warned_at=now)
    return len(clocks)
