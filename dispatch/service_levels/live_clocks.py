"""Loads the SLA page: what has still to be kept, by urgency; the number of queries is fixed."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from django import forms
from django.db.models import Count, Q, QuerySet

from dispatch.board.countdown import Countdown
from dispatch.models import Job
from dispatch.models.jobs import OPEN
from sla.clock import NeverDueError
from sla.models import CLOCKS, Clock, ClockKind, ClockPause, Violation
from sla.policies import Policies
from zones.models import ServiceZone

SHOWN: Final = 25  # of each urgency; of more, the rest is on the board
BREACHED, AT_RISK, NEXT, PAUSED = "breached", "at_risk", "next", "paused"
URGENCIES: Final = (BREACHED, AT_RISK, NEXT, PAUSED)
State = Clock.State


def urgency_of(urgency: str, *, now: datetime) -> Q:
    """Every open clock has exactly one. A deadline that has passed counts before the check has recorded it."""
    running = Q(state=State.RUNNING)
    return {
        BREACHED: Q(state=State.BREACHED) | running & Q(due_at__lt=now),
        AT_RISK: running & Q(due_at__gte=now, at_risk_at__lte=now),
        NEXT: running & Q(due_at__gte=now, at_risk_at__gt=now),
        PAUSED: Q(state=State.PAUSED),
    }[urgency]


class LiveFilter(forms.Form):
    zone = forms.ModelChoiceField(ServiceZone.objects.none(), required=False, empty_label="All zones")
    kind = forms.ChoiceField(choices=[("", "Both targets"), *ClockKind.choices], required=False, label="Target")

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["zone"].queryset = ServiceZone.objects.dispatchable_by(user).active().order_by("name")


@dataclass(frozen=True)
class Row:
    clock: Clock
    percent: int | None  # of the target that is used; None where its calendar never opens any more
    countdown: Countdown

    @property
    def job(self) -> Job:
        return self.clock.job

    @property
    def width(self) -> int:
        return min(100, self.percent or 0)


@dataclass(frozen=True)
class Section:
    urgency: str
    rows: list[Row]
    total: int

    @property
    def left_out(self) -> int:
        return self.total - len(self.rows)


@dataclass(frozen=True)
class ZoneCounts:
    zone_id: int | None
    name: str
    counts: Counter

    @property
    def open(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class LiveClocks:
    filter: LiveFilter
    sections: dict[str, Section]
    zones: list[ZoneCounts]
    unacknowledged: int
    now: datetime

    @cached_property
    def is_empty(self) -> bool:
        return not any(section.total for section in self.sections.values())

    @property
    def is_calm(self) -> bool:
        return not (self.sections[BREACHED].total or self.sections[AT_RISK].total)


def load_live_clocks(user, params, *, now: datetime) -> LiveClocks:
    chosen = LiveFilter(params, user=user)
    chosen.is_valid()
    zone, kind = chosen.cleaned_data.get("zone"), chosen.cleaned_data.get("kind")
    clocks = open_clocks(user, kind=kind)
    zones = _count_zones(clocks, now=now)
    if zone:
        clocks = [one.filter(job__zone=zone) for one in clocks]
    totals = sum((one.counts for one in zones if zone is None or one.zone_id == zone.pk), Counter())
    found = {urgency: _soonest(clocks, urgency, now=now) for urgency in URGENCIES}
    rows = _rows_of([clock for some in found.values() for clock in some], now=now)
    sections = {
        urgency: Section(urgency, [rows[clock] for clock in some], totals[urgency]) for urgency, some in found.items()
    }
    unacknowledged = Violation.objects.visible_to(user).unacknowledged()
    return LiveClocks(chosen, sections, zones, unacknowledged.count(), now)


def open_clocks(user, *, kind: str | None) -> list[QuerySet]:
    """One for each kind of clock."""
    return [
        model.objects.of_jobs_visible_to(user).filter(job__status__in=OPEN, ended_at=None)
        for model in CLOCKS
        if not kind or model.kind == kind
    ]


def with_jobs(clocks: QuerySet) -> QuerySet:
    """All that a row shows; not the zones' boundaries, which may be megabytes each."""
    related = ("job__customer", "job__site", "job__zone", "job__job_type", "job__technician__user")
    return clocks.select_related(*related).defer("job__zone__boundary")


def _count_zones(clocks: Iterable[QuerySet], *, now: datetime) -> list[ZoneCounts]:
    """Those with most breaches first."""
    counting = {urgency: Count("pk", filter=urgency_of(urgency, now=now)) for urgency in URGENCIES}
    counts: dict[tuple[int | None, str], Counter] = defaultdict(Counter)
    for one in clocks:
        for row in one.values("job__zone_id", "job__zone__name").annotate(**counting):
            zone = row.pop("job__zone_id"), row.pop("job__zone__name") or "No zone"
            counts[zone] += Counter(row)
    zones = [ZoneCounts(pk, name, found) for (pk, name), found in counts.items()]
    return sorted(zones, key=lambda zone: (-zone.counts[BREACHED], -zone.counts[AT_RISK], -zone.open, zone.name))


def _soonest(clocks: Iterable[QuerySet], urgency: str, *, now: datetime) -> list[Clock]:
    """Of a breach the longest ago, of a pause the oldest clock first."""
    order = ("started_at", "pk") if urgency == PAUSED else ("due_at", "pk")
    found = [
        clock
        for one in clocks
        for clock in with_jobs(one.filter(urgency_of(urgency, now=now))).order_by(*order)[:SHOWN]
    ]
    return sorted(found, key=lambda clock: (getattr(clock, order[0]), clock.pk))[:SHOWN]


def _rows_of(clocks: list[Clock], *, now: datetime) -> dict[Clock, Row]:
    policies, pauses = Policies(), defaultdict(list)
    for pause in ClockPause.objects.filter(job__in={clock.job_id for clock in clocks}):
        pauses[pause.job_id].append(pause)
    return {
        clock: Row(clock, _percent(clock, pauses[clock.job_id], policies, now), Countdown.of(clock, now=now))
        for clock in clocks
    }


def _percent(clock: Clock, pauses: list[ClockPause], policies: Policies, now: datetime) -> int | None:
    try:
        return policies.clock(clock, pauses).percent_used(now)
    except NeverDueError:
        return None
