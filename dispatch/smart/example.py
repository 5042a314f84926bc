"""A made-up job and three technicians for it, by which the settings show how points are shared. Pure."""

from datetime import date, datetime, time, timedelta
from typing import Final

from django.utils import timezone

from dispatch.smart.qualification import Booking, HeldSkill, NeededSkill, Needs, Qualification
from dispatch.smart.scoring import Score, Weights, proposed_start, score
from dispatch.travel import Travel
from technicians.availability import Shift
from technicians.models import Proficiency

SKILL: Final = 1
SITE: Final = (40.4406, -79.9959)
KM: Final = 1 / 111.2  # in degrees of latitude
JOB: Final = "Repair of a boiler, 1 h, block 13:00–14:00, HVAC from Intermediate"


def example_scores(weights: Weights, travel: Travel, *, day: date) -> list[tuple[str, Score]]:
    """Best first, as everywhere."""
    needs = Needs(
        day=day,
        zone_id=None,
        zone_name="",
        skills=(NeededSkill(SKILL, "HVAC", Proficiency.INTERMEDIATE),),
        window=(_at(day, 13), _at(day, 14)),
        duration_minutes=60,
        place=SITE,
    )
    found = []
    for name, has in _technicians(day).items():
        starts_at = proposed_start(needs, has, travel=travel)
        found.append((name, score(needs, has, starts_at=starts_at, out_of=weights.out_of(), travel=travel)))
    return sorted(found, key=lambda one: (-one[1].total, one[0]))


def _technicians(day: date) -> dict[str, Qualification]:
    return {
        "Expert, near, a quiet day": _technician(day, Proficiency.EXPERT, km=2, jobs=[(8, 60)]),
        "Intermediate, near, a full day": _technician(
            day, Proficiency.INTERMEDIATE, km=3, jobs=[(8, 60), (9, 60), (10, 60), (11, 60), (14, 90), (16, 45)]
        ),
        "Advanced, far away, busy until 13:10": _technician(day, Proficiency.ADVANCED, km=16, jobs=[(9, 60), (12, 70)]),
    }


def _technician(day: date, level: int, *, km: float, jobs: list[tuple[int, int]]) -> Qualification:
    """`jobs` are (hour, minutes); all of them, and home, are that far away from the site."""
    place = (SITE[0] + km * KM, SITE[1])
    bookings = tuple(
        Booking(number, str(number), _at(day, hour), _at(day, hour) + timedelta(minutes=minutes), place=place)
        for number, (hour, minutes) in enumerate(jobs, start=1)
    )
    return Qualification(
        zone_ids=frozenset(),
        skills={SKILL: HeldSkill(level)},
        jobs_that_day=len(jobs),
        daily_maximum=8,
        shifts=(Shift(_at(day, 8), _at(day, 17)),),
        bookings=bookings,
        booked_minutes=sum(minutes for _, minutes in jobs),
        home=place,
    )


def _at(day: date, hour: int) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(hour)))
