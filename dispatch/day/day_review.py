"""Loads the two ends of the day: the morning review and the close-out. The number of queries is fixed."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, F, Q
from django.utils import timezone

from dispatch.actions.day_plan import last_sent
from dispatch.day.roll_call import Presence, RollCall, load_roll_call
from dispatch.models import Job, Plan, Status
from dispatch.models.jobs import ACTIVE
from sla.models import Violation

SHOWN = 100  # rows of a list; of more, the rest is on the board
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class JobList:
    """The first of them, and how many they are."""

    jobs: list[Job]
    total: int

    @property
    def left_out(self) -> int:
        return self.total - len(self.jobs)

    def __bool__(self) -> bool:
        return bool(self.jobs)


def _list(jobs) -> JobList:
    return JobList(list(jobs.with_board_info()[:SHOWN]), jobs.count())


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


@dataclass(frozen=True)
class Person:
    """One row of the morning's roll call."""

    presence: Presence
    state: str  # a word for the stylesheet
    label: str
    jobs: int  # open ones of that day

    @property
    def needs_handover(self) -> bool:
        return self.presence.absence is not None and self.jobs > 0


@dataclass(frozen=True)
class Morning:
    day: date
    today: date
    now: datetime
    people: list[Person]
    carried: JobList
    follow_ups: JobList
    unplanned: JobList
    total: int
    with_jobs: int  # technicians who have something to do that day
    last_sent: datetime | None
    plan: Plan | None  # the newest of that day that is neither failed nor discarded

    @property
    def handovers(self) -> int:
        return sum(person.needs_handover for person in self.people)


def load_morning(user, day: date, *, now: datetime) -> Morning:
    today = timezone.localdate(now)
    visible = Job.objects.visible_to(user)
    of_day = visible.on_days(day, day)
    waiting = visible.open().exclude(status__in=ACTIVE)
    before = min(day, today)
    roll_call = load_roll_call(user, day, now=now)
    jobs_of = Counter(
        dict(of_day.open().exclude(technician=None).order_by().values_list("technician").annotate(Count("pk")))
    )
    return Morning(
        day=day,
        today=today,
        now=now,
        people=_people(roll_call, jobs_of),
        carried=_list(waiting.filter(scheduled_on__lt=before).order_by("scheduled_on", "-priority", "pk")),
        follow_ups=_list(waiting.filter(scheduled_on=None, follow_up_of__isnull=False).order_by("-priority", "pk")),
        unplanned=_list(_unplanned(waiting, day)),
        total=of_day.exclude(status=Status.CANCELLED).count(),
        with_jobs=len(jobs_of),
        last_sent=last_sent(user, day),
        plan=_newest_plan(user, day),
    )


def _newest_plan(user, day: date) -> Plan | None:
    of_day = Plan.objects.visible_to(user).filter(day=day).exclude(kind=Plan.Kind.ROUTE).defer("result")
    return of_day.exclude(state__in=(Plan.State.FAILED, Plan.State.DISCARDED)).select_related("created_by").first()


def _unplanned(waiting, day: date):
    """Nobody has it, or it has no time."""
    unplanned = waiting.filter(Q(status=Status.CREATED) | Q(planned_starts_at=None), scheduled_on=day)
    return unplanned.order_by("-priority", F("window_ends_at").asc(nulls_last=True), "pk")


def _people(roll_call: RollCall, jobs_of: Counter[int]) -> list[Person]:
    """Who needs a decision first."""
    groups = [
        (roll_call.missing, "missing", "Not in yet"),
        (roll_call.sick, "sick", "Sick"),
        (roll_call.away, "away", "Time off"),
        (roll_call.expected_later, "expected", "Expected"),
        (roll_call.on_duty, "in", "In"),
        (roll_call.went_home, "off", "Gone home"),
        (roll_call.off, "off", "Off"),
    ]
    people: dict[int, Person] = {}
    for group, state, label in groups:
        for presence in group:
            pk = presence.technician.pk
            people.setdefault(pk, Person(presence, state, label, jobs_of[pk]))
    return sorted(people.values(), key=lambda person: (not person.needs_handover, person.state != "missing"))


# Close-out ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    completed: int
    cancelled: int
    still_open: int
    late: int
    late_minutes: int


@dataclass(frozen=True)
class CloseOut:
    day: date
    today: date
    now: datetime
    waiting: JobList  # open, of that day or from before, and nobody is at them
    under_way: JobList
    on_duty: list[Presence]
    sent_home: list[Presence]
    follow_ups: JobList
    unbilled: JobList
    violations: int
    summary: Summary

    @property
    def tomorrow(self) -> date:
        return self.day + ONE_DAY

    @property
    def left(self) -> int:
        return self.waiting.total + self.under_way.total + len(self.on_duty) + self.unbilled.total + self.violations

    @property
    def is_closed(self) -> bool:
        return self.left == 0


def load_close_out(user, day: date, *, now: datetime) -> CloseOut:
    visible = Job.objects.visible_to(user)
    due = visible.open().filter(scheduled_on__lte=day)
    waiting = due.exclude(status__in=ACTIVE)
    begins, ends = _start_of(day), _start_of(day + ONE_DAY)
    done = visible.filter(status=Status.COMPLETED, completed_at__gte=begins, completed_at__lt=ends)
    follow_ups = visible.open().filter(follow_up_of__isnull=False)
    roll_call = load_roll_call(user, day, now=now)
    return CloseOut(
        day=day,
        today=timezone.localdate(now),
        now=now,
        waiting=_list(waiting.order_by("scheduled_on", "technician__user__first_name", "-priority", "pk")),
        under_way=_list(visible.filter(status__in=ACTIVE).order_by("technician__user__first_name", "pk")),
        on_duty=roll_call.on_duty,
        sent_home=roll_call.sent_home,
        follow_ups=_list(
            follow_ups.filter(Q(scheduled_on=None) | Q(scheduled_on=day + ONE_DAY)).order_by("scheduled_on", "pk")
        ),
        unbilled=_list(done.filter(billing=None).order_by("pk")),
        violations=Violation.objects.visible_to(user).unacknowledged().count(),
        summary=_summary(visible, done, day, still_open=waiting.count()),
    )


def _summary(visible, done, day: date, *, still_open: int) -> Summary:
    begins, ends = _start_of(day), _start_of(day + ONE_DAY)
    cancelled = visible.filter(status=Status.CANCELLED, cancelled_at__gte=begins, cancelled_at__lt=ends).count()
    begun_late = done.filter(started_at__gt=F("window_ends_at")).values_list("started_at", "window_ends_at")
    minutes = [int((started - promised).total_seconds() // 60) for started, promised in begun_late]
    return Summary(
        completed=done.count(), cancelled=cancelled, still_open=still_open, late=len(minutes), late_minutes=sum(minutes)
    )
