from collections.abc import Iterable
from datetime import datetime

from sla.clock import is_ever_due
from sla.models import ClockKind, SLATarget
from sla.opening_hours import Calendar


def never_due(targets: Iterable[SLATarget], calendar: Calendar, *, now: datetime) -> list[str]:
    """Those that the calendar's hours would not use up in forty years, in words."""
    return [
        f"{kind} of {target.get_priority_display()} in “{target.policy}”"
        for target in targets
        for kind in ClockKind.values
        if (amount := getattr(target, f"{kind}_amount"))
        and not is_ever_due(amount, getattr(target, f"{kind}_unit"), calendar, started_at=now)
    ]
