import re
from datetime import date, datetime

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Prefetch, Q
from django.utils import timezone

from dispatch.models.customers import Customer, Site, phone_digits
from dispatch.progress import BEHIND_FROM_MINUTES
from sla.models import Priority, SLAPolicy
from technicians.models import Proficiency, Skill, Technician
from zones import access
from zones.models import ServiceZone


class Status(models.TextChoices):
    CREATED = "created", "Created"
    ASSIGNED = "assigned", "Assigned"
    EN_ROUTE = "en_route", "En Route"
    IN_PROGRESS = "in_progress", "In Progress"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"


OPEN = (Status.CREATED, Status.ASSIGNED, Status.EN_ROUTE, Status.IN_PROGRESS)
CLOCK_NAMES = ("response_clock", "resolution_clock")  # a job has those for which something is promised
ACTIVE = (Status.EN_ROUTE, Status.IN_PROGRESS)  # a technician has at most one such job
TO_DO = (Status.ASSIGNED, Status.EN_ROUTE, Status.IN_PROGRESS)  # somebody has it and has not finished
# One rule for the count, the filter and every mark: the promise will be broken, or the plan slips by ten minutes.
RUNNING_BEHIND = Q(status__in=TO_DO) & (
    Q(arrival__late_minutes__gt=0) | Q(arrival__behind_minutes__gte=BEHIND_FROM_MINUTES)
)

DURATION_VALIDATORS = [MinValueValidator(5), MaxValueValidator(24 * 60)]


class JobType(models.Model):
    name = models.CharField(max_length=80, unique=True)
    default_duration_minutes = models.PositiveSmallIntegerField(default=60, validators=DURATION_VALIDATORS)
    skills = models.ManyToManyField(Skill, through="JobTypeSkill", related_name="+")
    sla_policy = models.ForeignKey(
        SLAPolicy, on_delete=models.PROTECT, null=True, blank=True, verbose_name="SLA policy", related_name="job_types"
    )
    fixed_price = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Instead of labour by the hour.",
    )
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="job_type_has_name"),
            models.CheckConstraint(condition=Q(default_duration_minutes__range=(5, 1440)), name="job_type_duration"),
            models.CheckConstraint(
                condition=Q(fixed_price=None) | Q(fixed_price__gte=0), name="job_type_price_not_negative"
            ),
        ]

    def __str__(self):
        return self.name


class JobTypeSkill(models.Model):
    job_type = models.ForeignKey(JobType, on_delete=models.CASCADE, related_name="required_skills")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField(choices=Proficiency.choices, default=Proficiency.BEGINNER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job_type", "skill"], name="job_type_skill_once"),
            models.CheckConstraint(condition=Q(level__in=Proficiency.values), name="job_type_skill_level"),
        ]

    def __str__(self):
        return f"{self.skill} from {self.get_level_display()}"


class JobQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Dispatching roles: their zones and the jobs that are in none. Technicians: the jobs assigned to them."""
        if user.has_perm("dispatch.view_job"):
            return self.in_zones(access.dispatch_zone_ids(user))
        if user.has_perm("dispatch.work_job"):
            return self.filter(technician__user_id=user.pk)
        return self.none()

    def dispatchable_by(self, user):
        """The jobs that the user may assign, update and cancel."""
        if not user.has_perm("dispatch.change_job"):
            return self.none()
        return self.in_zones(access.dispatch_zone_ids(user))

    def in_zones(self, zone_ids):
        """A job in no zone belongs to nobody's area, so everyone who dispatches has it."""
        if zone_ids is access.ALL_ZONES:
            return self
        return self.filter(Q(zone__in=zone_ids) | Q(zone=None))

    def of(self, technician):
        return self.filter(technician=technician)

    def open(self):
        return self.filter(status__in=OPEN)

    def unassigned(self):
        return self.filter(status=Status.CREATED)

    def awaiting_dispatch(self, *, today: date):
        """Those that nobody has and smart dispatch may look at: of a day still to come or, when urgent, of no day."""
        due = Q(scheduled_on__gte=today) | Q(scheduled_on=None, priority=Priority.URGENT)
        return self.unassigned().filter(due, held_at=None)

    def running_behind(self):
        """Those that will, as predicted now, be late for what was promised or ten minutes behind the plan."""
        return self.filter(RUNNING_BEHIND)

    def on_days(self, first: date, last: date):
        return self.filter(scheduled_on__range=(first, last))

    def on_days_or_none(self, first: date, last: date):
        """Those days' jobs, and those that have no day yet."""
        return self.filter(Q(scheduled_on__range=(first, last)) | Q(scheduled_on=None))

    def for_dispatch_day(self, day: date, *, today: date):
        """What a dispatcher works on that day; today that is also whatever is overdue or has no day yet."""
        if day != today:
            return self.filter(scheduled_on=day)
        unfinished = Q(status__in=OPEN) & (Q(scheduled_on__lt=today) | Q(scheduled_on=None))
        return self.filter(Q(scheduled_on=today) | unfinished)

    def in_route_order(self):
        """By the planned start; the position on the route counts for those without one."""
        return self.order_by(
            "scheduled_on",
            F("planned_starts_at").asc(nulls_last=True),
            F("route_position").asc(nulls_last=True),
            F("window_starts_at").asc(nulls_last=True),
            "-priority",
            "pk",
        )

    def matching(self, text: str):
        """Number, customer, phone, address, description, external id."""
        text = text.strip()
        if number := re.fullmatch(r"[Jj]-?0*(\d{1,18})", text):
            return self.filter(pk=int(number[1]))
        found = (
            Q(customer__name__icontains=text)
            | Q(site__address__icontains=text)
            | Q(description__icontains=text)
            | Q(external_id__iexact=text)
        )
        digits = phone_digits(text)
        if len(digits) >= 4 and re.fullmatch(r"[\d\s()+./-]+", text):
            found |= Q(customer__phone_digits__contains=digits)
        if text.isdecimal() and len(text) <= 18:
            found |= Q(pk=int(text))
        return self.filter(found)

    def with_board_info(self):
        """All that a row or card shows, in two queries; not the zones' boundaries, which may be megabytes each."""
        required = RequiredSkill.objects.select_related("skill").order_by("skill__name")
        return (
            self.select_related(
                "customer", "site", "zone", "job_type", "technician__user", "arrival", "visit", *CLOCK_NAMES
            )
            .defer("zone__boundary")
            .prefetch_related(Prefetch("required_skills", queryset=required))
        )


class Job(models.Model):
    """One visit to do at one place for one customer.

    `window_*` is the time block promised to the customer, `planned_starts_at` is when we mean to begin; `scheduled_on`
    is the day, in the business's time, on which the board shows the job (none: not scheduled yet).
    """

    class Source(models.TextChoices):
        DISPATCHER = "dispatcher", "Dispatcher"
        IMPORT = "import", "Import"
        FOLLOW_UP = "follow_up", "Follow-up"
        PLAN = "plan", "Maintenance plan"
        API = "api", "API"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="jobs")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="jobs")
    zone = models.ForeignKey(ServiceZone, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs")
    job_type = models.ForeignKey(JobType, on_delete=models.PROTECT, related_name="jobs")
    description = models.TextField(blank=True)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.CREATED, editable=False)
    technician = models.ForeignKey(
        Technician, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs", editable=False
    )

    scheduled_on = models.DateField("date", null=True, blank=True)
    window_starts_at = models.DateTimeField(null=True, blank=True)
    window_ends_at = models.DateTimeField(null=True, blank=True)
    planned_starts_at = models.DateTimeField(null=True, blank=True)
    duration_minutes = models.PositiveSmallIntegerField(default=60, validators=DURATION_VALIDATORS)
    is_fixed = models.BooleanField("fixed appointment", default=False)
    route_position = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    is_time_pinned = models.BooleanField(default=False, editable=False)
    is_technician_pinned = models.BooleanField(default=False, editable=False)

    held_at = models.DateTimeField(null=True, blank=True, editable=False)
    hold_reason = models.CharField(max_length=200, blank=True, editable=False)

    assigned_at = models.DateTimeField(null=True, blank=True, editable=False)
    en_route_at = models.DateTimeField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    completed_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False)

    follow_up_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="follow_ups", editable=False
    )
    why_unassigned = models.CharField(
        max_length=300, blank=True, editable=False
    )  # what smart dispatch found; set by it
    sla_policy = models.ForeignKey(SLAPolicy, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.DISPATCHER, editable=False)
    external_id = models.CharField(max_length=80, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    version = models.PositiveIntegerField(default=1, editable=False)  # grows with every change of this row

    objects = JobQuerySet.as_manager()

    suggestion = None  # the one that stands and that a user may see; given by dispatch/smart/suggestions.py

    class Meta:
        ordering = ["-pk"]
        permissions = [("work_job", "Can work on the jobs assigned to them")]
        indexes = [
            models.Index(fields=["scheduled_on", "status"]),
            models.Index(fields=["technician", "scheduled_on"]),
            models.Index(fields=["zone", "scheduled_on"]),
            models.Index(fields=["site", "-created_at"]),
            models.Index(fields=["completed_at"], condition=Q(status="completed"), name="job_completed_at"),
            models.Index(
                fields=["status", "scheduled_on"],
                condition=Q(status__in=["created", "assigned", "en_route", "in_progress"]),
                name="job_open_by_day",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="job_status"),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="job_priority"),
            models.CheckConstraint(condition=Q(duration_minutes__range=(5, 1440)), name="job_duration"),
            models.CheckConstraint(
                condition=Q(status="cancelled")
                | Q(status="created", technician=None)
                | Q(status__in=["assigned", "en_route", "in_progress", "completed"], technician__isnull=False),
                name="job_technician_fits_status",
            ),
            models.CheckConstraint(
                condition=Q(window_starts_at=None, window_ends_at=None)
                | Q(
                    window_starts_at__isnull=False,
                    window_ends_at__isnull=False,
                    window_ends_at__gt=F("window_starts_at"),
                ),
                name="job_window_whole_and_ordered",
            ),
            models.CheckConstraint(
                condition=Q(scheduled_on__isnull=False) | Q(planned_starts_at=None, window_starts_at=None),
                name="job_with_times_has_day",
            ),
            models.CheckConstraint(
                condition=Q(held_at=None, hold_reason="") | Q(held_at__isnull=False) & ~Q(hold_reason=""),
                name="job_hold_has_reason",
            ),
            models.UniqueConstraint(
                fields=["technician"],
                condition=Q(status__in=["en_route", "in_progress"]),
                name="job_one_active_per_technician",
            ),
            models.UniqueConstraint(fields=["external_id"], condition=~Q(external_id=""), name="job_external_id_once"),
        ]

    def __str__(self):
        return f"{self.number} {self.job_type}"

    @property
    def number(self) -> str:
        return f"J-{self.pk:06d}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_assignable(self) -> bool:
        return self.is_open and self.status != Status.IN_PROGRESS  # what happens now is interrupted first

    @property
    def can_be_inserted(self) -> bool:
        """Into somebody's route, before and after what they have still to begin."""
        return self.status in (Status.CREATED, Status.ASSIGNED)

    @property
    def is_on_hold(self) -> bool:
        return self.held_at is not None

    @property
    def is_pinned(self) -> bool:
        return self.is_time_pinned or self.is_technician_pinned

    @property
    def title(self) -> str:
        """The first line of the description, or the type where nothing was written."""
        return self.description.strip().split("\n", 1)[0].strip()[:120] or self.job_type.name

    @property
    def seen(self) -> str:
        """Status and technician in one word: a form carries it to say what its user was looking at."""
        return f"{self.status}.{self.technician_id or ''}"

    @property
    def prediction(self):
        """The job's Arrival, or None: nobody has it, it is finished, on hold or left over from an earlier day."""
        return getattr(self, "arrival", None)

    def open_clock(self, name: str):
        """That one of CLOCK_NAMES, or None: nothing is promised, or it has not to be done any more."""
        clock = getattr(self, name, None) if self.is_open else None
        return clock if clock and clock.is_open else None

    @property
    def response_due_at(self) -> datetime | None:
        clock = self.open_clock("response_clock")
        return clock and clock.due_at

    @property
    def resolution_due_at(self) -> datetime | None:
        clock = self.open_clock("resolution_clock")
        return clock and clock.due_at

    @property
    def next_clock(self):
        """The SLA clock that runs out next, else one that is paused; None: nothing promised has still to be done."""
        clocks = filter(None, map(self.open_clock, CLOCK_NAMES))
        return min(clocks, key=lambda clock: (clock.due_at is None, clock.due_at or clock.started_at), default=None)

    @property
    def hint(self):
        """The SiteVisit that suggests what the job's status should be by now, or None."""
        visit = getattr(self, "visit", None)
        return visit if visit and visit.technician_id == self.technician_id and visit.suits(self.status) else None

    @property
    def stuck_since(self) -> datetime | None:
        """Since when whoever drives there has not got nearer."""
        visit = getattr(self, "visit", None)
        is_theirs = visit and visit.technician_id == self.technician_id and self.status == Status.EN_ROUTE
        return visit.stuck_since if is_theirs else None

    def is_overdue(self, *, today: date) -> bool:
        return self.is_open and self.scheduled_on is not None and self.scheduled_on < today

    def is_late_for_window(self, *, now: datetime) -> bool:
        """The promised time block is over and nobody has begun."""
        not_begun = self.status in (Status.CREATED, Status.ASSIGNED, Status.EN_ROUTE)
        return not_begun and self.window_ends_at is not None and self.window_ends_at < now


class RequiredSkill(models.Model):
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="required_skills")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField(choices=Proficiency.choices, default=Proficiency.BEGINNER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "skill"], name="required_skill_once"),
            models.CheckConstraint(condition=Q(level__in=Proficiency.values), name="required_skill_level"),
        ]

    def __str__(self):
        return f"{self.skill} from {self.get_level_display()}"
