"""From what people set (minutes of driving) to the solver's points. Pure."""

from dataclasses import dataclass, replace
from typing import Final

from dispatch.planning.problem import Weights

POINTS_A_SECOND: Final = 100  # of driving
TIMES_BY_PRIORITY: Final = {1: 1, 2: 2, 3: 4, 4: 8}  # low .. urgent: how many times the least leaving it out counts
TOUCH_NOTHING: Final = 100
A_WEEK: Final = 7 * 24 * 60  # minutes: no saving is worth it


@dataclass(frozen=True)
class Preferences:
    """What a minute late, a job left out or a job moved counts as, in minutes of driving."""

    late_minute: int = 2
    sla_minute: int = 4
    left_out_minutes: int = 240  # of the lowest priority; twice for each step up
    balance_percent: int = 10  # of a minute's driving, for a minute of work above the fair share
    km_seconds: int = 0  # of driving that a kilometre counts as, besides its time
    stability: int = 30  # 0: today's plan does not matter; 100: touch nothing
    retime_after_minutes: int = 15

    def weights(self) -> Weights:
        minutes = minutes_a_moved_job(self.stability)
        return Weights(
            travel=POINTS_A_SECOND,
            distance=self.km_seconds * POINTS_A_SECOND // 1000,
            late=self.late_minute * POINTS_A_SECOND,
            sla=self.sla_minute * POINTS_A_SECOND,
            balance=self.balance_percent * POINTS_A_SECOND // 100,
            reassigned=minutes * 60 * POINTS_A_SECOND,
            retimed=minutes * 60 * POINTS_A_SECOND // 4,
            retime_after=self.retime_after_minutes * 60,
        )

    def penalty(self, priority: int) -> int:
        """Points for leaving out a job of that priority."""
        return self.left_out_minutes * 60 * POINTS_A_SECOND * TIMES_BY_PRIORITY[priority]


def minutes_a_moved_job(stability: int) -> int:
    """Of driving that giving one job to somebody else must save: about an hour at 99."""
    return A_WEEK if stability >= TOUCH_NOTHING else round(stability * 0.6)


def presets(usual: Preferences) -> dict[str, Preferences]:
    """What a dispatcher may choose instead of the usual; the rest stays as it is set."""
    return {
        "usual": usual,
        "least_driving": replace(usual, stability=0, balance_percent=0, km_seconds=max(usual.km_seconds, 30)),
        "most_jobs": replace(usual, stability=0, left_out_minutes=max(usual.left_out_minutes, 960), balance_percent=0),
        "least_change": replace(usual, stability=90),
    }
