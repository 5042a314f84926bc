"""Loads the technicians page: whom the user may see and what each is doing now, in a constant number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Count, Prefetch, Q
from django.utils import timezone

from dispatch.models import DispatchSettings, Job, Status
from dispatch.models.jobs import ACTIVE
from dispatch.silence import silent_since, with_tracker
from technicians.models import Break, ClockRecord, OnCall, Technician, TechnicianSkill, TimeOff
from zones.models import ServiceZone

PAGE_SIZE = 50
BUSY_PERCENT, FULL_PERCENT = 70, 90
STALE_POSITION = timedelta(minutes=15)


class CrewFilter(forms.Form):
    q = forms.CharField(
        required=False,
        max_length=100,
        label="Name",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name"}),
    )
    zone = forms.ModelChoiceField(ServiceZone.objects.none(), required=False, empty_label="All zones")

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["zone"].queryset = ServiceZone.objects.dispatchable_by(user).active().order_by("name")

    @property
    def is_narrowing(self) -> bool:
        return any(self.cleaned_data.values())


def load_tone(percent: int) -> str:
    """The stylesheet's word for how much of a day's work is taken."""
    if percent >= FULL_PERCENT:
        return "full"
    return "busy" if percent >= BUSY_PERCENT else ""


@dataclass(frozen=True)
class Row:
    technician: Technician
    doing: str  # a word for the stylesheet
    doing_label: str
    job: Job | None  # under way; None when the user may not see it
    detail: str
    jobs_today: int
    done_today: int
    minutes_today: int
    position_seconds: int | None
    silent_since: datetime | None  # nothing comes from a phone that should be sending

    @property
    def load_percent(self) -> int:
        return round(100 * self.jobs_today / self.technician.daily_maximum)

    @property
    def load_width(self) -> int:
        return min(100, self.load_percent)

    @property
    def load_tone(self) -> str:
        return load_tone(self.load_percent)

    @property
    def has_stale_position(self) -> bool:
        return self.position_seconds is not None and self.position_seconds > STALE_POSITION.total_seconds()


@dataclass(frozen=True)
class Crew:
    filter: CrewFilter
    page: Page
    rows: list[Row]


def load_crew(request, *, now: datetime | None = None) -> Crew:
    now = now or timezone.now()
    crew_filter = CrewFilter(request.GET, user=request.user)
    crew_filter.full_clean()
    technicians = narrowed(Technician.objects.visible_to(request.user).active(), crew_filter.cleaned_data)
    page = Paginator(with_today(technicians, now=now).by_name(), PAGE_SIZE).get_page(request.GET.get("page"))
    return Crew(crew_filter, page, rows_of(list(page.object_list), user=request.user, now=now))


def narrowed(technicians, chosen: dict):
    for word in chosen.get("q", "").split():
        named = Q(user__first_name__icontains=word) | Q(user__last_name__icontains=word)
        technicians = technicians.filter(named | Q(user__username__icontains=word))
    if chosen.get("zone"):
        technicians = technicians.filter(zones=chosen["zone"])
    return technicians


def with_today(technicians, *, now: datetime):
    midnight = start_of_day(now)
    attended = ClockRecord.objects.filter(Q(clocked_out_at=None) | Q(clocked_out_at__gt=midnight))
    pauses = Prefetch("breaks", Break.objects.filter(ended_at=None), to_attr="open_breaks")
    going_on = {"starts_at__lte": now, "ends_at__gt": now}
    return with_tracker(technicians, now=now).prefetch_related(
        "zones",
        Prefetch("skills", TechnicianSkill.objects.select_related("skill").order_by("-level", "skill__name")),
        Prefetch("clock_records", attended.prefetch_related(pauses), to_attr="attended"),
        Prefetch("time_off", TimeOff.objects.filter(**going_on), to_attr="away"),
        Prefetch("on_call", OnCall.objects.filter(**going_on), to_attr="called"),
    )


def rows_of(technicians: list[Technician], *, user, now: datetime) -> list[Row]:
    today = timezone.localdate(now)
    of_these = Job.objects.filter(technician__in=[technician.pk for technician in technicians])
    active = {job.technician_id: job for job in of_these.filter(status__in=ACTIVE).select_related("visit")}
    visible = set(
        Job.objects.visible_to(user).filter(pk__in=[job.pk for job in active.values()]).values_list("pk", flat=True)
    )
    counts = {
        row["technician"]: row
        for row in of_these.on_days(today, today)
        .exclude(status=Status.CANCELLED)
        .order_by()
        .values("technician")
        .annotate(jobs=Count("pk"), done=Count("pk", filter=Q(status=Status.COMPLETED)))
    }
    silent_after = timedelta(minutes=DispatchSettings.load().silent_after_minutes)
    return [
        _row(technician, active.get(technician.pk), visible, counts.get(technician.pk), now=now, after=silent_after)
        for technician in technicians
    ]


def _row(technician: Technician, job: Job | None, visible: set[int], count: dict | None, *, now, after) -> Row:
    doing, label, detail = doing_of(technician, job)
    may_see = job is None or job.pk in visible
    seen_at = position_shown_at(technician, is_busy=job is not None, now=now)
    return Row(
        technician=technician,
        doing=doing,
        doing_label=label,
        job=job if may_see else None,
        detail=detail if may_see else "",
        jobs_today=count["jobs"] if count else 0,
        done_today=count["done"] if count else 0,
        minutes_today=minutes_on_duty(technician.attended, now=now),
        position_seconds=max(0, int((now - seen_at).total_seconds())) if seen_at else None,
        silent_since=silent_since(technician, now=now, after=after),
    )


def position_shown_at(technician: Technician, *, is_busy: bool, now: datetime) -> datetime | None:
    """Of when the position is that may be shown: whoever has clocked out shares theirs no longer."""
    at = technician.position_at
    if at is None or is_busy or any(record.clocked_out_at is None for record in technician.attended):
        return at
    has_left = any(record.clocked_out_at >= at for record in technician.attended)
    return None if has_left or at < start_of_day(now) else at


def doing_of(technician: Technician, job: Job | None) -> tuple[str, str, str]:
    """What they are really doing goes before what the calendar says."""
    is_on_duty = any(record.clocked_out_at is None for record in technician.attended)
    if job:
        label = "En route" if job.status == Status.EN_ROUTE else "On site"
        return job.status, label, f"On hold: {job.hold_reason}" if job.is_on_hold else ""
    if technician.away:
        away = technician.away[0]
        until = timezone.localtime(away.ends_at)
        reason = away.note or away.get_kind_display()
        return "away", "Time off", f"{reason}, until {until:%a} {until.day} {until:%b %H:%M}"
    if pause := next((pause for record in technician.attended for pause in record.open_breaks), None):
        return "break", f"On break since {timezone.localtime(pause.began_at):%H:%M}", ""
    if is_on_duty:
        return "available", "Available", ""
    if technician.called:
        return "on_call", "On call", f"Until {timezone.localtime(technician.called[0].ends_at):%a %H:%M}"
    return "off", "Off shift", ""


def minutes_on_duty(records: Iterable[ClockRecord], *, now: datetime) -> int:
    """Since midnight in the business's time."""
    midnight = start_of_day(now)
    stretches = [(record.clocked_out_at or now) - max(record.clocked_in_at, midnight) for record in records]
    return int(sum(stretches, timedelta()).total_seconds() // 60)


def start_of_day(now: datetime) -> datetime:
    return timezone.make_aware(datetime.combine(timezone.localdate(now), time.min))
