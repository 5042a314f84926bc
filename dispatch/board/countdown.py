"""What a chip says of the SLA clock that runs out next. Pure; static/js/sla_clock.js says the same as time goes by."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sla.models import Clock

RUNNING: Final = "running"
AT_RISK: Final = "at-risk"
BREACHED: Final = "breached"
PAUSED: Final = "paused"
SAID: Final = {RUNNING: "", AT_RISK: ", at risk", BREACHED: ", missed", PAUSED: " paused"}


@dataclass(frozen=True)
class Countdown:
    label: str
    due_at: datetime | None  # None while it is paused
    at_risk_at: datetime | None
    state: str
    text: str

    @classmethod
    def of(cls, clock: Clock, *, now: datetime) -> "Countdown":
        state = _state(clock, now)
        text = "paused" if state == PAUSED else length(abs(clock.due_at - now))
        return cls(
            label=clock.kind.label,
            due_at=clock.due_at,
            at_risk_at=clock.at_risk_at or clock.due_at,
            state=state,
            text=f"{text} over" if state == BREACHED else text,
        )

    @property
    def said(self) -> str:
        """What the chip's shape and colour mean, for those who hear it."""
        return SAID[self.state]


def _state(clock: Clock, now: datetime) -> str:
    if clock.due_at is None:
        return PAUSED
    if now > clock.due_at:
        return BREACHED
    return AT_RISK if clock.at_risk_at and now >= clock.at_risk_at else RUNNING


def length(span: timedelta) -> str:
    """“<1 min”, “42 min”, “3 h 05”, “2 days”; rounded down, so that nothing is promised that is not there."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "<1 min"
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d}" if hours < 48 else f"{hours // 24} days"
