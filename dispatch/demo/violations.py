"""What the check found in the demo's past and finds on its day, and what people said about it."""

import random
from datetime import datetime, timedelta
from typing import Final

from dispatch import actions
from dispatch.demo.stage import MINUTE, Stage
from sla.models import Violation, ViolationNote

A_CHECK: Final = timedelta(minutes=5)
RECENT: Final = timedelta(days=4)  # people have not come round to all of these yet
SEEN_TO, SEEN_TO_OF_RECENT, BY_THE_MANAGER, NOTED_AGAIN = 0.94, 0.4, 0.15, 0.1
REASONS: Final = (
    *("Everyone was out on urgent calls.", "The part was not on the van.", "Customer was not at home at first."),
    *("Called the customer, they agreed to wait.", "Nobody else in the zone can do this.", "Road closed, long detour."),
)
LATER: Final = ("Talked about it on Monday.", "Customer was given a credit.", "The part is kept in stock now.")


def settle_past(stage: Stage, *, seed: int) -> None:
    """What is recorded as of the stage's moment was found, told and mostly acknowledged in its time."""
    rng = random.Random(f"violations {seed}")  # noqa: S311
    found = list(Violation.objects.filter(recorded_at=stage.moment).select_related("job__site").order_by("pk"))
    notes = []
    for violation in found:
        violation.recorded_at = violation.told_at = _next_check(violation.breached_at)
        is_recent = stage.moment - violation.recorded_at < RECENT
        if rng.random() < (SEEN_TO_OF_RECENT if is_recent else SEEN_TO):
            notes += _acknowledge(violation, stage, rng)
    fields = ["recorded_at", "told_at", "acknowledged_at", "acknowledged_by"]
    Violation.objects.bulk_update(found, fields, batch_size=200)
    ViolationNote.objects.bulk_create(notes)


def check_day(stage: Stage) -> None:
    """As the check every five minutes would have done; one of the newest has been acknowledged."""
    actions.check_sla(now=stage.moment)
    today = Violation.objects.unacknowledged().filter(breached_at__gte=stage.moment - timedelta(days=1))
    found = list(today.select_related("job__site").order_by("breached_at"))
    for violation in found:
        violation.recorded_at = min(violation.recorded_at, _next_check(violation.breached_at))
    Violation.objects.bulk_update(found, ["recorded_at"], batch_size=200)
    for violation in found[:1]:
        by = stage.company.dispatcher_of(violation.job.site)
        actions.acknowledge_violations([violation.pk], note=REASONS[0], by=by, now=stage.moment)


def _next_check(instant: datetime) -> datetime:
    since_last = timedelta(minutes=instant.minute % 5, seconds=instant.second, microseconds=instant.microsecond)
    return instant - since_last + A_CHECK


def _acknowledge(violation: Violation, stage: Stage, rng: random.Random) -> list[ViolationNote]:
    by = stage.company.dispatcher_of(violation.job.site)
    if rng.random() < BY_THE_MANAGER:
        by = stage.company.users["omar"]
    at = min(violation.recorded_at + rng.uniform(10, 20 * 60) * MINUTE, stage.moment)
    violation.acknowledged_at, violation.acknowledged_by = at, by
    text = rng.choice(REASONS) if rng.random() < 0.8 else ""
    notes = [ViolationNote(violation=violation, written_at=at, author=by, text=text, is_acknowledgement=True)]
    if rng.random() < NOTED_AGAIN:
        written_at = min(at + rng.uniform(1, 5) * timedelta(days=1), stage.moment)
        author = stage.company.users["omar"]
        notes.append(ViolationNote(violation=violation, written_at=written_at, author=author, text=rng.choice(LATER)))
    return notes
