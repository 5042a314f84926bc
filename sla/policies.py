"""Which targets a job has, and the clocks that follow from them."""

from collections.abc import Iterable
from functools import cached_property

from sla import clock
from sla.calendars import always_open, load_calendars
from sla.models import Clock, ClockKind, ClockPause, SLAPolicy, SLATarget

Cause = ClockPause.Cause
BUSINESS = (clock.BUSINESS_HOURS, clock.BUSINESS_DAYS)
ROUND_THE_CLOCK = always_open()


class Policies:
    """All policies as they are now. Two queries when first asked, three more once business hours matter."""

    @cached_property
    def _all(self) -> dict[int, SLAPolicy]:
        return {policy.pk: policy for policy in SLAPolicy.objects.prefetch_related("targets")}

    @cached_property
    def _calendars(self) -> dict[int, clock.Calendar]:
        return load_calendars()

    @cached_property
    def _targets(self) -> dict[tuple[int, int], SLATarget]:
        return {(policy.pk, one.priority): one for policy in self._all.values() for one in policy.targets.all()}

    @cached_property
    def default_id(self) -> int | None:
        return next((policy.pk for policy in self._all.values() if policy.is_default), None)

    def policy(self, policy_id: int) -> SLAPolicy:
        return self._all[policy_id]

    def policy_for(self, *, customer, job_type) -> SLAPolicy | None:
        """The customer's, else the job type's, else the default."""
        return self._all.get(customer.sla_policy_id or job_type.sla_policy_id or self.default_id)

    def calendar_of(self, policy_id: int) -> clock.Calendar:
        return self._calendars[self._all[policy_id].calendar_id]

    def target(self, policy_id: int | None, *, priority: int, kind: str) -> tuple[int, str] | None:
        """Amount and unit, or None where nothing is promised."""
        target = self._targets.get((policy_id, priority)) if policy_id else None
        amount = target and getattr(target, f"{kind}_amount")
        return (amount, getattr(target, f"{kind}_unit")) if amount else None

    def pauses_of(self, stored: Clock, pauses: Iterable[ClockPause]) -> tuple[clock.Pause, ...]:
        """Those that stop this clock: a hold stops the response only if the policy says so."""
        return tuple(
            clock.Pause(pause.starts_at, pause.ends_at)
            for pause in pauses
            if pause.cause != Cause.HOLD or self._is_stopped_by_hold(stored)
        )

    def _is_stopped_by_hold(self, stored: Clock) -> bool:
        return stored.kind == ClockKind.RESOLUTION or self._all[stored.policy_id].hold_pauses_response

    def clock(self, stored: Clock, pauses: Iterable[ClockPause]) -> clock.Clock:
        calendar = self.calendar_of(stored.policy_id) if stored.unit in BUSINESS else ROUND_THE_CLOCK
        pauses = self.pauses_of(stored, pauses)
        return clock.Clock(stored.started_at, stored.amount, stored.unit, calendar, pauses)
