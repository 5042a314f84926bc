"""Loads the dashboard: one loader for the page and for its fragment; the number of queries is fixed."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from dispatch.board.frame import count_states, make_tiles
from dispatch.day.attention import AttentionList, needing_attention
from dispatch.day.burn_down import HOURS, BurnDown, Deadline, burn_down
from dispatch.day.day_progress import DayJob, Progress, progress_of
from dispatch.day.roll_call import RollCall, load_roll_call
from dispatch.day.zone_load import ZoneLoad, load_zones
from dispatch.models import BoardAction, Job, Status
from dispatch.models.job_clocks import is_at_risk, is_breached, open_deadlines
from dispatch.models.jobs import OPEN
from dispatch.smart import suggestions

ACTIONS_SHOWN = 10
ALL_DAYS = "&day=all"


@dataclass(frozen=True)
class Figure:
    name: str
    label: str
    count: int
    url: str  # the jobs behind it
    tone: str


@dataclass(frozen=True)
class Dashboard:
    today: date
    now: datetime
    figures: list[Figure]
    attention: AttentionList
    suggested: list[Job]  # those that do not need attention besides
    zones: list[ZoneLoad]
    crew: RollCall
    progress: Progress
    burn_down: BurnDown
    actions: list[BoardAction]


def load_dashboard(user, *, now: datetime) -> Dashboard:
    today = timezone.localdate(now)
    visible = Job.objects.visible_to(user)
    scope = visible.for_dispatch_day(today, today=today)
    roll_call = load_roll_call(user, today, now=now)
    troubled = visible.open().filter(is_breached(now=now) | is_at_risk(now=now))  # of whatever day
    attention = needing_attention(scope | troubled, now=now, today=today)
    suggested = load_suggested(visible, user=user, now=now, besides={row.job.pk for row in attention.rows})
    suggestions.attach([row.job for row in attention.rows], user=user, now=now)
    return Dashboard(
        today=today,
        now=now,
        figures=figures_of(scope, troubled=troubled, today=today, now=now),
        attention=attention,
        suggested=suggested,
        zones=load_zones(user, scope, roll_call),
        crew=roll_call,
        progress=load_progress(visible, today, now=now),
        burn_down=load_burn_down(visible, now=now),
        actions=recent_actions(user),
    )


def load_suggested(visible, *, user, now: datetime, besides: set[int]) -> list[Job]:
    """Jobs of any day for which somebody is suggested, the most urgent first."""
    waiting = suggestions.standing(now=now).visible_to(user).exclude(job__in=besides)
    jobs = list(visible.filter(pk__in=waiting.values("job")).with_board_info().order_by("-priority", "created_at"))
    suggestions.attach(jobs, user=user, now=now)
    return jobs


def recent_actions(user) -> list[BoardAction]:
    undone = Exists(BoardAction.objects.filter(undoes=OuterRef("pk")))
    actions = BoardAction.objects.visible_to(user).newest_first().select_related("done_by")
    return list(actions.annotate(was_undone=undone)[:ACTIONS_SHOWN])


def figures_of(scope, *, troubled, today: date, now: datetime) -> list[Figure]:
    """The board's own counts, and those that it has no tile for. Deadlines press whatever day the job is planned on."""
    board = reverse("board_list")
    pressing = {name: count for name, count in count_states(troubled, now=now).items() if name.startswith("sla_")}
    tiles = make_tiles(count_states(scope, now=now) | pressing, QueryDict())
    figures = [
        Figure(
            tile.name, tile.label, tile.count, f"{board}?{tile.query}{ALL_DAYS * (tile.name in pressing)}", tile.tone
        )
        for tile in tiles
    ]
    more = scope.aggregate(
        overdue=Count("pk", filter=Q(status__in=OPEN, scheduled_on__lt=today)),
        nowhere=Count("pk", filter=Q(status__in=OPEN, site__latitude=None)),
    )
    still_open = "&".join(f"status={status.value}" for status in OPEN)
    yesterday = today - timedelta(days=1)
    links = [
        ("overdue", "Overdue", f"?to={yesterday}&{still_open}", "alert"),
        ("nowhere", "No location", f"?location=none&{still_open}", "warn"),
    ]
    figures += [
        Figure(name, label, more[name], board + query, tone if more[name] else "") for name, label, query, tone in links
    ]
    return figures


def load_burn_down(visible, *, now: datetime) -> BurnDown:
    shown = (now, now + timedelta(hours=HOURS))
    due = Q(response_clock__due_at__range=shown) | Q(resolution_clock__due_at__range=shown)
    rows = visible.open().filter(due).order_by()
    deadlines = (
        Deadline(due_at, has_technician=technician is not None)
        for technician, *instants in rows.values_list("technician", *open_deadlines())
        for due_at in instants
        if due_at
    )
    return burn_down(deadlines, now=now, zone=timezone.get_current_timezone())


def load_progress(visible, today: date, *, now: datetime) -> Progress:
    """Of the day's jobs and what was completed today besides."""
    midnight = timezone.make_aware(datetime.combine(today, time.min))
    tomorrow = timezone.make_aware(datetime.combine(today + timedelta(days=1), time.min))
    done_today = Q(status=Status.COMPLETED, completed_at__gte=midnight, completed_at__lt=tomorrow)
    jobs = visible.filter(Q(scheduled_on=today) | done_today).exclude(status=Status.CANCELLED).order_by()
    rows = jobs.values_list("planned_starts_at", "duration_minutes", "completed_at")
    return progress_of(
        (DayJob(planned and planned + timedelta(minutes=minutes), completed) for planned, minutes, completed in rows),
        day=today,
        now=now,
        zone=timezone.get_current_timezone(),
    )
