import secrets
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from dispatch.maintenance.due import block_on
from dispatch.maintenance.rule import RuleError, Schedule, parse
from dispatch.models.customers import Customer, Site
from dispatch.models.jobs import DURATION_VALIDATORS, Job, JobType
from sla.models import Priority
from technicians.models import Technician
from zones import access


def own_id() -> str:
    """Begins with a letter, and no spreadsheet takes it for a number."""
    return f"plan-{secrets.token_hex(6)}"


class MaintenancePlanQuerySet(models.QuerySet):
    def visible_to(self, user):
        """As jobs are: those at places in the user's zones, or in none."""
        if not user.has_perm("dispatch.view_maintenanceplan"):
            return self.none()
        return self.filter(access.in_zones_of(user, "site__zone"))

    def active(self):
        return self.filter(is_active=True)

    def with_names(self):
        """All that a row shows, in one query; not the zones' boundaries, which may be megabytes each."""
        related = self.select_related("customer", "site__zone", "job_type", "technician__user")
        return related.defer("site__zone__boundary")


class MaintenancePlan(models.Model):
    """Jobs that come again and again at one place.

    `rule` is an RRULE (RFC 5545) without DTSTART, counted from `starts_on` in local days of `time_zone`; the times of
    day are of that zone too, so that a visit at 9:00 stays at 9:00 when clocks change.
    """

    name = models.CharField(max_length=120)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="maintenance_plans")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="maintenance_plans")
    job_type = models.ForeignKey(JobType, on_delete=models.PROTECT, related_name="+")
    description = models.TextField(blank=True)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    duration_minutes = models.PositiveSmallIntegerField(default=60, validators=DURATION_VALIDATORS)
    technician = models.ForeignKey(
        Technician, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="usual technician"
    )
    rule = models.CharField(max_length=300)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    window_starts = models.TimeField("from", null=True, blank=True)
    window_ends = models.TimeField("to", null=True, blank=True)
    time_zone = models.CharField(max_length=60)
    days_ahead = models.PositiveSmallIntegerField(default=30)
    # Days before this one are nobody's to make up for: the plan was not there yet, was paused or was another one.
    makes_from = models.DateField(editable=False)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    # By it an import finds the plan again: the id in the system that it came from, or one of our own.
    external_id = models.CharField(max_length=80, unique=True, default=own_id, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = MaintenancePlanQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(rule="") & ~Q(external_id=""), name="maintenance_plan_named"
            ),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")), name="maintenance_plan_ends_later"
            ),
            models.CheckConstraint(
                condition=Q(window_starts=None, window_ends=None)
                | Q(window_starts__isnull=False, window_ends__gt=F("window_starts")),
                name="maintenance_plan_window",
            ),
            models.CheckConstraint(condition=Q(days_ahead__range=(1, 400)), name="maintenance_plan_days_ahead"),
            models.CheckConstraint(condition=Q(duration_minutes__range=(5, 1440)), name="maintenance_plan_duration"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="maintenance_plan_priority"),
        ]

    def __str__(self):
        return self.name

    @property
    def schedule(self) -> Schedule:
        """RuleError for a rule that was not written by Rule.text."""
        return Schedule(parse(self.rule), self.starts_on, self.ends_on)

    @property
    def sentence(self) -> str:
        """“every 3 months on the first Monday”; a rule that nobody understands as it is written."""
        try:
            return self.schedule.rule.sentence
        except RuleError:
            return self.rule

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def today(self, *, now: datetime) -> date:
        return now.astimezone(self.zone).date()

    def block_on(self, day: date) -> tuple[datetime, datetime] | None:
        return block_on(day, starts=self.window_starts, ends=self.window_ends, zone=self.zone)

    def is_over(self, *, today: date) -> bool:
        return self.ends_on is not None and self.ends_on < today

    def times_on(self, day: date) -> dict[str, object]:
        """Of the job for that day, by name; the board shows it on the day that it is in the business's time."""
        block = self.block_on(day)
        starts_at, ends_at = block or (None, None)
        shown_on = timezone.localdate(starts_at) if starts_at else day
        return {"scheduled_on": shown_on, "window_starts_at": starts_at, "window_ends_at": ends_at}


class MaintenanceVisit(models.Model):
    """A day of a plan for which a job was made, or which somebody skipped. One a day, so that none is made twice."""

    plan = models.ForeignKey(MaintenancePlan, on_delete=models.CASCADE, related_name="visits")
    due_on = models.DateField()
    job = models.OneToOneField(Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="maintenance_visit")
    made_at = models.DateTimeField(null=True, blank=True)
    skipped_at = models.DateTimeField(null=True, blank=True)
    skipped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    skip_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["due_on"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "due_on"], name="maintenance_visit_once"),
            models.CheckConstraint(
                condition=Q(made_at__isnull=False) | Q(skipped_at__isnull=False, skipped_by__isnull=False, job=None),
                name="maintenance_visit_made_or_skipped",
            ),
        ]

    def __str__(self):
        return f"{self.plan_id} {self.due_on}"

    @property
    def is_skipped(self) -> bool:
        return self.skipped_at is not None
