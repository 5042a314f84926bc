from datetime import datetime
from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from sla.models.policies import Priority, SLAPolicy, Unit
from technicians.models import Technician
from zones import access
from zones.models import ServiceZone


class ClockKind(models.TextChoices):
    RESPONSE = "response"
    RESOLUTION = "resolution"


class ClockQuerySet(models.QuerySet):
    def running(self):
        return self.filter(state=Clock.State.RUNNING)

    def overdue(self, *, now: datetime):
        """Those whose deadline has passed and whose breach nobody has recorded."""
        return self.running().filter(due_at__lt=now)

    def newly_at_risk(self, *, now: datetime):
        return self.running().filter(is_at_risk=False, at_risk_at__lte=now, due_at__gte=now)

    def unwarned(self, *, now: datetime):
        """Those at risk of which nobody has been told, while there is still time."""
        return self.running().filter(is_at_risk=True, warned_at=None, due_at__gte=now)

    def decided_between(self, start: datetime, end: datetime):
        """Those that were met or breached from `start` to before `end`."""
        decided = [Clock.State.MET, Clock.State.BREACHED]
        return self.filter(state__in=decided, decided_at__gte=start, decided_at__lt=end)

    def visible_to(self, user):
        """Of decided clocks: those of jobs in the zones where the user dispatches, or in none."""
        return self.filter(access.in_zones_of(user))

    def of_jobs_visible_to(self, user):
        """Of jobs that are in such a zone now.

        Asked of the job that is joined anyway: of jobs in a subquery PostgreSQL expects a hundredth of what there is.
        """
        return self.filter(access.in_zones_of(user, "job__zone")) if user.has_perm("dispatch.view_job") else self.none()


# All that a report counts by, so that PostgreSQL answers it from the index: a month in a quarter of the time.
REPORTED: Final = [
    *("job", "state", "started_at", "ended_at", "wall_seconds", "counted_seconds"),
    *("technician", "zone", "job_type", "customer", "priority", "policy"),
]


class Clock(models.Model):
    """How long a job has for one of its two targets. Without a target there is no clock.

    The target is that of the policy when the clock was last worked out, so that editing a policy changes nothing until
    somebody says so. `due_at` and `at_risk_at` are none while it is paused. A breach is final: the clock stays
    breached whatever happens to the job, `ended_at` says when what was promised was done after all.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        MET = "met"
        BREACHED = "breached"
        STOPPED = "stopped", "Stopped (cancelled)"

    kind: ClassVar[ClockKind]

    policy = models.ForeignKey(SLAPolicy, on_delete=models.PROTECT, related_name="+")
    priority = models.PositiveSmallIntegerField(choices=Priority.choices)
    amount = models.PositiveIntegerField()
    unit = models.CharField(max_length=16, choices=Unit.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField()
    at_risk_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    is_at_risk = models.BooleanField(default=False)  # the check has seen that it is
    warned_at = models.DateTimeField(null=True, blank=True)  # when people were told that it is
    ended_at = models.DateTimeField(null=True, blank=True)

    # What reports read, as it was when the target was met or breached.
    decided_at = models.DateTimeField(null=True, blank=True)  # met: when; breached: the deadline
    wall_seconds = models.PositiveIntegerField(null=True, blank=True)  # from the start to the end, once it has ended
    counted_seconds = models.PositiveIntegerField(null=True, blank=True)
    technician = models.ForeignKey(Technician, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    zone = models.ForeignKey(ServiceZone, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    job_type = models.ForeignKey("dispatch.JobType", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    customer = models.ForeignKey("dispatch.Customer", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    objects = ClockQuerySet.as_manager()

    class Meta:
        abstract = True
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="running"), name="%(class)s_due"),
            models.Index(fields=["due_at"], condition=Q(ended_at=None), name="%(class)s_open"),
            models.Index(fields=["at_risk_at"], condition=Q(state="running", is_at_risk=False), name="%(class)s_risk"),
            models.Index(
                fields=["at_risk_at"],
                condition=Q(state="running", is_at_risk=True, warned_at=None),
                name="%(class)s_unwarned",
            ),
            models.Index(
                fields=["decided_at"],
                include=REPORTED,
                condition=Q(decided_at__isnull=False),
                name="%(class)s_decided",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", due_at__isnull=False, at_risk_at__isnull=False)
                | Q(state="paused", due_at=None, at_risk_at=None)
                | ~Q(state__in=["running", "paused"]),
                name="%(class)s_due_while_running",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["met", "breached"], decided_at__isnull=False)
                | ~Q(state__in=["met", "breached"]) & Q(decided_at=None),
                name="%(class)s_decided_whole",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["met", "stopped"]) | Q(ended_at__isnull=False), name="%(class)s_ended"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="%(class)s_order"
            ),
        ]

    def __str__(self):
        return f"{self.job_id} {self.kind}"

    @property
    def is_open(self) -> bool:
        """What was promised has still to be done."""
        return self.ended_at is None

    @property
    def target_text(self) -> str:
        """“4 hours”, “1 business day”"""
        unit = self.unit.replace("_", " ")
        return f"{self.amount} {unit.removesuffix('s') if self.amount == 1 else unit}"


class ResponseClock(Clock):
    """Until the first En Route, or whatever comes after it."""

    kind = ClockKind.RESPONSE
    job = models.OneToOneField(
        "dispatch.Job", on_delete=models.CASCADE, primary_key=True, related_name="response_clock"
    )


class ResolutionClock(Clock):
    """Until the job is completed."""

    kind = ClockKind.RESOLUTION
    job = models.OneToOneField(
        "dispatch.Job", on_delete=models.CASCADE, primary_key=True, related_name="resolution_clock"
    )


CLOCKS: Final = (ResponseClock, ResolutionClock)


class ClockPause(models.Model):
    """A stretch in which a job's clocks stood still. A hold does not stop the response unless the policy says so."""

    class Cause(models.TextChoices):
        HOLD = "hold", "On hold"
        COMPLETED = "completed", "Completed, until it was reopened"
        CANCELLED = "cancelled", "Cancelled, until it was reinstated"

    job = models.ForeignKey("dispatch.Job", on_delete=models.CASCADE, related_name="clock_pauses")
    cause = models.CharField(max_length=9, choices=Cause.choices)
    reason = models.CharField(max_length=200, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["job"], condition=Q(ends_at=None), name="clock_pause_one_open"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")), name="clock_pause_order"
            ),
        ]

    def __str__(self):
        return f"{self.job_id} {self.cause} from {self.starts_at:%Y-%m-%d %H:%M}"


class ViolationQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Of the zones where the user dispatches, or of none."""
        if not user.has_perm("sla.view_violation"):
            return self.none()
        return self.filter(access.in_zones_of(user))

    def unacknowledged(self):
        return self.filter(acknowledged_at=None)

    def untold(self, *, since: datetime):
        """Those since then of which nobody has been told. None is recorded before it happens: the index has that."""
        return self.filter(told_at=None, breached_at__gte=since, recorded_at__gte=since)


class Violation(models.Model):
    """A breached target, with technician, zone and type as they were then. Acknowledging never erases it."""

    job = models.ForeignKey("dispatch.Job", on_delete=models.PROTECT, related_name="violations")
    kind = models.CharField(max_length=10, choices=ClockKind.choices)
    breached_at = models.DateTimeField()  # the deadline
    recorded_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)  # when people were told; outside business hours that waits
    policy = models.ForeignKey(SLAPolicy, on_delete=models.PROTECT, related_name="+")
    technician = models.ForeignKey(Technician, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    zone = models.ForeignKey(ServiceZone, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    job_type = models.ForeignKey("dispatch.JobType", on_delete=models.PROTECT, related_name="+")
    priority = models.PositiveSmallIntegerField(choices=Priority.choices)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = ViolationQuerySet.as_manager()

    class Meta:
        ordering = ["-breached_at"]
        indexes = [
            models.Index(fields=["-breached_at"]),
            models.Index(fields=["zone", "-breached_at"]),
            models.Index(fields=["recorded_at"], condition=Q(told_at=None), name="violation_untold"),
            models.Index(fields=["breached_at"], condition=Q(acknowledged_at=None), name="violation_unacknowledged"),
        ]
        permissions = [
            ("acknowledge_violation", "Can acknowledge violation"),
            ("view_sla_report", "Can see SLA reports"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["job", "kind"], name="violation_once"),
            models.CheckConstraint(
                condition=Q(acknowledged_at=None, acknowledged_by=None)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="violation_acknowledged_whole",
            ),
        ]

    def __str__(self):
        return f"{self.job_id} {self.kind}"


class ViolationNote(models.Model):
    """What people wrote about a violation, acknowledging it or later. Append-only."""

    violation = models.ForeignKey(Violation, on_delete=models.PROTECT, related_name="notes")
    written_at = models.DateTimeField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(blank=True)
    is_acknowledgement = models.BooleanField(default=False)

    class Meta:
        ordering = ["written_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["violation"], condition=Q(is_acknowledgement=True), name="violation_acknowledged_once"
            ),
            models.CheckConstraint(
                condition=~Q(text="") | Q(is_acknowledgement=True), name="violation_note_says_something"
            ),
        ]

    def __str__(self):
        return f"{self.violation_id} {self.written_at:%Y-%m-%d %H:%M}"
