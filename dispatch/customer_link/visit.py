"""What a customer may know of their visit, and nothing else: no other customer, no home, nobody off the job."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import Q
from django.utils import timezone

from dispatch.customer_link.expectation import LONGEST_DRIVE, Window, is_late_for, window_around
from dispatch.customer_link.sketch import Place, Sighting, Sketch, draw, shown_place
from dispatch.models import CustomerMessage, DispatchSettings, Job, Rating, Status
from technicians.models import Break, ClockRecord, Technician

NEARBY_JOBS: Final = timedelta(hours=24)  # whose places would tell where the technician comes from or goes next


class Stage(StrEnum):
    WAITING = "waiting"  # nobody has the job yet
    PAUSED = "paused"
    ASSIGNED = "assigned"
    EN_ROUTE = "en_route"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


STAGES: Final = {
    Status.CREATED: Stage.WAITING,
    Status.ASSIGNED: Stage.ASSIGNED,
    Status.EN_ROUTE: Stage.EN_ROUTE,
    Status.IN_PROGRESS: Stage.IN_PROGRESS,
    Status.COMPLETED: Stage.COMPLETED,
    Status.CANCELLED: Stage.CANCELLED,
}


@dataclass
class Visit:
    stage: Stage
    number: str
    what: str
    address: str
    day: date | None = None
    who: str = ""  # “Tess M.”; empty while nobody has it
    promised: Window | None = None
    expected: Window | None = None
    is_late: bool = False
    is_overdue: bool = False
    sketch: Sketch | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    said: list[CustomerMessage] = field(default_factory=list)
    rating: Rating | None = None

    @property
    def may_write(self) -> bool:
        return self.stage not in (Stage.COMPLETED, Stage.CANCELLED)

    @property
    def is_expected(self) -> bool:
        """Somebody is still to be let in."""
        return self.stage in (Stage.WAITING, Stage.ASSIGNED, Stage.EN_ROUTE)

    @property
    def may_ask_other_time(self) -> bool:
        return self.stage in (Stage.WAITING, Stage.PAUSED, Stage.ASSIGNED) and self.open_wish is None

    @property
    def may_rate(self) -> bool:
        return self.stage == Stage.COMPLETED

    @property
    def is_ready(self) -> bool:
        return any(message.kind == CustomerMessage.Kind.READY for message in self.said)

    @property
    def open_wish(self) -> CustomerMessage | None:
        wishes = (one for one in self.said if one.kind == CustomerMessage.Kind.OTHER_TIME and not one.answer)
        return next(wishes, None)

    @property
    def is_today(self) -> bool:
        return self.day is not None and self.day == timezone.localdate()


def name_of(technician: Technician | None) -> str:
    """First name and initial, as a stranger may know it."""
    if technician is None:
        return ""
    user = technician.user
    first, last = user.first_name.strip(), user.last_name.strip()
    return f"{first} {last[0]}." if first and last else first or "Our technician"


def load_visit(job: Job, *, said_since: datetime | None = None, now: datetime) -> Visit:
    """Constant queries: of the job itself its site, type and technician's user have to be there already.

    `said_since` is when the link was made: what was said by an earlier one may be another customer's.
    """
    said, ratings = job.customer_messages.of_present_customer(), Rating.objects.filter(job=job)
    if said_since:
        said, ratings = said.filter(sent_at__gte=said_since), ratings.filter(rated_at__gte=said_since)
    stage = stage_of(job)
    has_somebody = stage in (Stage.ASSIGNED, Stage.EN_ROUTE, Stage.IN_PROGRESS, Stage.COMPLETED)
    visit = Visit(
        stage,
        number=job.number,
        what=job.job_type.name,
        address=job.site.address,
        day=job.scheduled_on,
        who=name_of(job.technician) if has_somebody else "",
        promised=Window(job.window_starts_at, job.window_ends_at) if job.window_starts_at else None,
        started_at=job.started_at,
        completed_at=job.completed_at,
        said=list(said),
        rating=ratings.first(),
        is_overdue=is_overdue(job, now=now),
    )
    if stage in (Stage.ASSIGNED, Stage.EN_ROUTE):
        visit.expected = expected_window(job, now=now)
        promised_until = job.window_ends_at
        visit.is_late = visit.expected is not None and is_late_for(visit.expected, promised_until)
    if stage == Stage.EN_ROUTE:
        visit.sketch = load_sketch(job, now=now)
    return visit


def is_overdue(job: Job, *, now: datetime) -> bool:
    """Its day is over and nobody has come: what was promised says nothing any more."""
    is_to_come = job.status in (Status.CREATED, Status.ASSIGNED)
    return is_to_come and job.scheduled_on is not None and job.scheduled_on < timezone.localdate(now)


def stage_of(job: Job) -> Stage:
    return Stage.PAUSED if job.is_on_hold and job.is_open else STAGES[Status(job.status)]


def expected_window(job: Job, *, now: datetime) -> Window | None:
    """From the predicted arrival; of a day to come only where no time block was promised, which is the better word."""
    prediction = job.prediction
    today = timezone.localdate(now)
    if prediction is None or (job.scheduled_on != today and job.status != Status.EN_ROUTE and job.window_starts_at):
        return None
    if is_overdue(job, now=now):
        return None
    if job.status == Status.EN_ROUTE and prediction.arrives_at - now > LONGEST_DRIVE:
        return None
    # Whoever is early waits for the promised block; who is on the way is told of as they come.
    begins_at = prediction.arrives_at if job.status == Status.EN_ROUTE else prediction.starts_at
    return window_around(max(begins_at, now), now=now)


def load_sketch(job: Job, *, now: datetime) -> Sketch | None:
    technician, site = job.technician, job.site
    if job.status != Status.EN_ROUTE or technician.position_at is None or not site.has_location:
        return None
    sighting = Sighting((technician.latitude, technician.longitude), technician.position_at)
    place = shown_place(
        sighting,
        set_out_at=job.en_route_at,
        is_working=_is_working(technician),
        private=_private_places(job, now=now),
        fresh_for=timedelta(minutes=DispatchSettings.load().fresh_position_minutes),
        now=now,
    )
    return draw(place, (site.latitude, site.longitude), seen_at=sighting.seen_at) if place else None


def _is_working(technician: Technician) -> bool:
    on_duty = ClockRecord.objects.filter(technician=technician, clocked_out_at=None)
    paused = Break.objects.filter(clock_record__technician=technician, ended_at=None)
    return on_duty.exists() and not paused.exists()


def _private_places(job: Job, *, now: datetime) -> list[Place]:
    """Where the technician lives, where they set out, and where the other customers of these hours are."""
    technician, today = job.technician, timezone.localdate(now)
    home = (technician.home_latitude, technician.home_longitude)
    around = Q(scheduled_on=today) | Q(completed_at__gte=now - NEARBY_JOBS)
    others = Job.objects.of(technician).filter(around, site__latitude__isnull=False).exclude(site=job.site_id)
    places = list(others.values_list("site__latitude", "site__longitude").order_by("pk")[:100])
    setting_out = job.status_changes.filter(to_status=Status.EN_ROUTE).order_by("-happened_at", "-pk")
    places += setting_out.values_list("latitude", "longitude")[:1]
    return [place for place in [home, *places] if place[0] is not None]
