"""Loads where a technician has been on a day, as far as it was recorded: the line of the map and its story."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from dispatch.models import Job
from technicians import tracks
from technicians.models import Technician, TrackView
from technicians.tracks import Point, Stretch
from zones.geometry import distance_km

MOST_DRAWN = 2000  # points of the line
SITE_KM = 0.2
VIEWS = 30


@dataclass(frozen=True)
class Leg:
    stretch: Stretch
    job: Job | None  # the one whose site is there, as far as the user may see it


@dataclass(frozen=True)
class Track:
    technician: Technician
    day: date
    points: list[list[float]]  # latitude, longitude
    fix_count: int
    legs: list[Leg]
    heard_at: datetime | None  # the last fix of the day

    @property
    def km(self) -> float:
        return sum(leg.stretch.km for leg in self.legs)

    @property
    def previous_day(self) -> date:
        return self.day - timedelta(days=1)

    @property
    def next_day(self) -> date:
        return self.day + timedelta(days=1)


def load_track(technician: Technician, *, day: date, user) -> Track:
    begin = timezone.make_aware(datetime.combine(day, time.min))
    end = timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))
    recorded = technician.positions.filter(recorded_at__gte=begin, recorded_at__lt=end).order_by("recorded_at")
    points = [Point(*row) for row in recorded.values_list("recorded_at", "latitude", "longitude")]
    step = -(-len(points) // MOST_DRAWN) or 1
    drawn = points[::step] + points[-1:]
    return Track(
        technician=technician,
        day=day,
        points=[[point.latitude, point.longitude] for point in drawn],
        fix_count=len(points),
        legs=_legs(tracks.stretches(points), _jobs(technician, day=day, user=user)),
        heard_at=points[-1].at if points else None,
    )


def load_views(technician: Technician) -> list[TrackView]:
    return list(technician.track_views.select_related("viewer")[:VIEWS])


def _jobs(technician: Technician, *, day: date, user) -> list[Job]:
    """With a place, of that day."""
    jobs = Job.objects.visible_to(user).of(technician).on_days(day, day).filter(site__latitude__isnull=False)
    return list(jobs.select_related("site", "job_type", "customer").in_route_order())


def _legs(stretches: list[Stretch], jobs: list[Job]) -> list[Leg]:
    return [Leg(stretch, _job_at(stretch, jobs) if stretch.kind == tracks.STAYED else None) for stretch in stretches]


def _job_at(stretch: Stretch, jobs: list[Job]) -> Job | None:
    away = [(_km_to(job, stretch), number, job) for number, job in enumerate(jobs)]
    nearest = min(away, default=None)
    return nearest[2] if nearest and nearest[0] <= SITE_KM else None


def _km_to(job: Job, stretch: Stretch) -> float:
    return distance_km(
        from_latitude=float(job.site.latitude),
        from_longitude=float(job.site.longitude),
        to_latitude=stretch.latitude,
        to_longitude=stretch.longitude,
    )
