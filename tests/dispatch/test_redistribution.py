from datetime import UTC, date, datetime, timedelta

from dispatch.day.redistribution import Task, Worker, share_out
from dispatch.smart.eligibility import Booking, HeldSkill, NeededSkill, Needs, Qualification
from dispatch.travel import StraightLine
from technicians.models import Proficiency

DAY = date(2026, 3, 9)
NORTH, GAS = 1, 7
TRAVEL = StraightLine(detour_factor=1.3, average_speed_kmh=35)


def worker(pk, *, jobs=0, most=8, zones=(NORTH,), skills=(), places=((40.0, -75.0),), off=""):
    has = Qualification(frozenset(zones), {skill: HeldSkill(Proficiency.EXPERT) for skill in skills}, jobs, most, off)
    return Worker(pk, f"W{pk}", has, list(places))


def task(pk, *, at=(40.0, -75.0), needs=(), priority=2, hour=None):
    skills = tuple(NeededSkill(skill, "Gas", Proficiency.BEGINNER) for skill in needs)
    starts = hour and datetime(2026, 3, 9, hour, tzinfo=UTC)
    ends = starts and starts + timedelta(hours=1)
    booking = Booking(pk, f"J-{pk:06d}", starts, ends) if starts else None
    return Task(pk, Needs(DAY, NORTH, "North", skills, starts, ends), at, priority, booking)


def chosen(tasks, workers):
    return [s.chosen and s.chosen.technician_id for s in share_out(tasks, lambda day: workers, TRAVEL)]


def test_the_nearest_who_can_gets_it():
    near, far = worker(1, places=[(40.0, -75.0)]), worker(2, places=[(41.0, -75.0)])
    assert chosen([task(10, at=(40.9, -75.0)), task(11)], [near, far]) == [2, 1]


def test_a_stop_of_that_day_counts_as_near_too():
    assert chosen([task(10, at=(41.0, -75.0))], [worker(1), worker(2, places=[(40.0, -75.0), (41.0, -75.0)])]) == [2]


def test_jobs_are_shared_out_and_not_all_given_to_one():
    assert sorted(chosen([task(pk) for pk in range(10, 16)], [worker(pk) for pk in (1, 2, 3)])) == [1, 1, 2, 2, 3, 3]


def test_who_has_less_to_do_is_preferred_at_the_same_distance():
    assert chosen([task(10)], [worker(1, jobs=5), worker(2, jobs=1)]) == [2]


def test_nobody_gets_more_than_a_day_may_hold():
    assert chosen([task(10), task(11)], [worker(1, jobs=7)]) == [1, None]


def test_what_was_proposed_takes_its_time():
    assert chosen([task(10, hour=9), task(11, hour=9)], [worker(1)]) == [1, None]
    assert chosen([task(10, hour=9), task(11, hour=10)], [worker(1)]) == [1, 1]


def test_what_only_one_can_do_goes_before_what_anybody_can():
    expert, other = worker(1, jobs=7, skills=[GAS]), worker(2, places=[(42.0, -75.0)])
    assert chosen([task(10), task(11, needs=[GAS])], [expert, other]) == [2, 1]


def test_the_urgent_one_gets_the_last_place():
    assert chosen([task(10), task(11, priority=4)], [worker(1, jobs=7)]) == [None, 1]


def test_nobody_is_near_to_what_has_no_location():
    away, near = worker(1, places=[]), worker(2, jobs=1)
    assert chosen([task(10, at=None)], [near, away]) == [1]
    suggestion = share_out([task(10, at=None)], lambda day: [worker(1)], TRAVEL)[0]
    assert suggestion.why == "distance not known, 0 of 8 jobs that day"


def test_nobody_eligible_says_why_and_still_names_everybody():
    workers = [worker(1), worker(2), worker(3, skills=[GAS], jobs=8), worker(4, skills=[GAS], off="Vacation")]
    (suggestion,) = share_out([task(10, needs=[GAS])], lambda day: workers, TRAVEL)
    assert suggestion.chosen is None
    assert suggestion.why == "Lacks Gas Beginner (2), Vacation (1), Day is full (1)"
    assert {option.technician_id for option in suggestion.options} == {1, 2, 3, 4}


def test_nobody_there_at_all_says_so():
    (suggestion,) = share_out([task(10)], lambda day: [], TRAVEL)
    assert (suggestion.chosen, suggestion.why) == (None, "Nobody else is there")


def test_of_whom_no_place_is_known_counts_as_far_away():
    assert chosen([task(10)], [worker(1, places=[]), worker(2, jobs=1)]) == [2]


def test_what_was_proposed_makes_the_next_job_there_near():
    here = (40.5, -75.0)
    workers = [worker(1, places=[(40.4, -75.0)]), worker(2, places=[(40.39, -75.0)])]
    assert chosen([task(10, at=here), task(11, at=here)], workers) == [1, 1]
