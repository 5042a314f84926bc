"""The tray beside the lanes: the jobs that wait for a decision, what is due first on top."""

from dataclasses import dataclass

from django.db.models import Case, Count, F, IntegerField, Q, When

from dispatch.board.frame import Frame
from dispatch.models import Job, Priority, Status
from dispatch.models.job_clocks import is_at_risk, is_breached
from dispatch.models.jobs import OPEN
from dispatch.smart import suggestions

TABS = [("unassigned", "Unassigned"), ("alerts", "Alerts"), ("hold", "Hold"), ("cancelled", "Cancelled")]
CARDS = 100
NOT_BEGUN = Q(status__in=(Status.CREATED, Status.ASSIGNED, Status.EN_ROUTE))


@dataclass(frozen=True)
class Tray:
    tab: str
    counts: dict[str, int]
    jobs: list[Job]

    @property
    def tabs(self) -> list[tuple[str, str, int, bool]]:
        return [(name, label, self.counts[name], name == self.tab) for name, label in TABS]

    @property
    def hidden_count(self) -> int:
        return max(0, self.counts[self.tab] - len(self.jobs))


def load_tray(request, frame: Frame, scope=None) -> Tray:
    """`scope` are the jobs that the tray is about; those of the frame's day, if nothing is said."""
    tab = request.GET.get("tray", "")
    if tab not in dict(TABS):
        tab = "unassigned"
    scope = frame.filter.scope() if scope is None else scope
    which = {
        "unassigned": Q(status=Status.CREATED, held_at=None),
        "alerts": _alert(frame),
        "hold": Q(status__in=OPEN, held_at__isnull=False),
        "cancelled": Q(status=Status.CANCELLED),
    }
    counts = scope.aggregate(
        **{name: Count("pk", filter=condition, distinct=True) for name, condition in which.items()}
    )
    jobs = list(scope.filter(which[tab]).with_board_info().order_by(*_due_first())[:CARDS])
    suggestions.attach(jobs, user=request.user, now=frame.now)
    return Tray(tab, counts, jobs)


def _alert(frame: Frame) -> Q:
    """What goes wrong if nobody does anything."""
    unlocated = Q(site__latitude=None, status__in=OPEN)
    missed = NOT_BEGUN & Q(window_ends_at__lt=frame.now)
    overdue = Q(status__in=OPEN, scheduled_on__lt=frame.today)
    urgent = Q(status=Status.CREATED, priority=Priority.URGENT)
    stuck = Q(status=Status.EN_ROUTE, visit__stuck_since__isnull=False, visit__technician=F("technician"))
    late = Q(status__in=OPEN, arrival__late_minutes__gt=0)
    sla = is_breached(now=frame.now) | is_at_risk(now=frame.now)
    return missed | overdue | urgent | unlocated | stuck | late | sla


def _due_first():
    """Urgent ones first of all; then by when the customer expects somebody."""
    return (
        Case(When(priority=Priority.URGENT, then=0), default=1, output_field=IntegerField()),
        F("window_ends_at").asc(nulls_last=True),
        F("scheduled_on").asc(nulls_last=True),
        "-priority",
        "pk",
    )
