from sla.models.clocks import (
    CLOCKS,
    Clock,
    ClockKind,
    ClockPause,
    ResolutionClock,
    ResponseClock,
    Violation,
    ViolationNote,
)
from sla.models.policies import (
    BusinessCalendar,
    Holiday,
    OpeningInterval,
    Priority,
    SLAPolicy,
    SLATarget,
    Unit,
    validate_time_zone,
)
from sla.models.recalculations import ClockRecalculation

__all__ = [
    "CLOCKS",
    "BusinessCalendar",
    "Clock",
    "ClockKind",
    "ClockPause",
    "ClockRecalculation",
    "Holiday",
    "OpeningInterval",
    "Priority",
    "ResolutionClock",
    "ResponseClock",
    "SLAPolicy",
    "SLATarget",
    "Unit",
    "Violation",
    "ViolationNote",
    "validate_time_zone",
]
