from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from dispatch.day.redistribution import Task, share_out
from dispatch.models import Job, Priority
from dispatch.smart.candidates import Team
from dispatch.smart.qualification import HeldSkill, NeededSkill, Needs, Qualification
from dispatch.smart.scoring import Weights
from dispatch.travel import StraightLine
from technicians.models import Proficiency

DAY = date(2026, 3, 9)
NORTH, GAS = 1, 7
TRAVEL = StraightLine(detour_factor=1.3, average_speed_kmh=35)


@dataclass(frozen=True)
class Person:
    """As much of a technician as is asked for."""

    pk: int
    is_on_duty: bool = False


def worker(pk, *, jobs=0, most=8, zones=(NORTH,), skills=(), home=(40.0, -75.0), off=""):
    held = {skill: HeldSkill(Proficiency.EXPERT) for skill in skills}
    return Person(pk), Qualification(frozenset(zones), held, jobs, most, off, home=home)


def task(pk, *, at=(40.0, -75.0), needs=(), priority=Priority.NORMAL, hour=None):
    skills = tuple(NeededSkill(skill, "Gas", Proficiency.BEGINNER) for skill in needs)
    starts = hour and datetime(2026, 3, 9, hour, tzinfo=UTC)
    ends = starts and starts + timedelta(hours=1)
    asked = Needs(DAY, NORTH, "North", skills, starts, ends, duration_minutes=60, place=at)
    return Task(Job(pk=pk, priority=priority), asked)


def shared(tasks, workers):
    brought = {(person.pk, DAY): has for person, has in workers}
    return share_out(tasks, Team([person for person, _ in workers], brought, TRAVEL, Weights().out_of()))


def chosen(tasks, workers):
    return [line.chosen and line.chosen.technician.pk for line in shared(tasks, workers)]


def test_the_nearest_who_can_gets_it():
    near, far = worker(1), worker(2, home=(41.0, -75.0))
    assert chosen([task(10, at=(40.9, -75.0)), task(11)], [near, far]) == [2, 1]


def test_jobs_are_shared_out_and_not_all_given_to_one():
    assert sorted(chosen([task(pk) for pk in range(10, 16)], [worker(pk) for pk in (1, 2, 3)])) == [1, 1, 2, 2, 3, 3]


def test_who_has_less_to_do_is_preferred_at_the_same_distance():
    assert chosen([task(10)], [worker(1, jobs=5), worker(2, jobs=1)]) == [2]


def test_the_expert_is_kept_free_for_what_needs_one():
    needed = task(10, needs=[GAS])
    expert, (other, has) = worker(1, skills=[GAS]), worker(2)
    able = Qualification(has.zone_ids, {GAS: HeldSkill(Proficiency.BEGINNER)}, 0, 8, home=has.home)
    assert chosen([needed], [expert, (other, able)]) == [2]


def test_nobody_gets_more_than_a_day_may_hold():
    assert chosen([task(10), task(11)], [worker(1, jobs=7)]) == [1, None]


def test_what_was_proposed_takes_its_time():
    assert chosen([task(10, hour=14), task(11, hour=14)], [worker(1)]) == [1, None]
    assert chosen([task(10, hour=14), task(11, hour=15)], [worker(1)]) == [1, 1]


def test_what_only_one_can_do_goes_before_what_anybody_can():
    expert, other = worker(1, jobs=7, skills=[GAS]), worker(2, home=(42.0, -75.0))
    assert chosen([task(10), task(11, needs=[GAS])], [expert, other]) == [2, 1]


def test_the_urgent_one_gets_the_last_place():
    assert chosen([task(10), task(11, priority=Priority.URGENT)], [worker(1, jobs=7)]) == [None, 1]


def test_what_speaks_for_the_chosen_one_is_the_sentence_of_the_score():
    [line] = shared([task(10, at=None)], [worker(1)])
    assert line.why == line.chosen.score.text
    assert "the job has no location" in line.why


def test_nobody_eligible_says_why_and_still_names_everybody():
    workers = [worker(1), worker(2), worker(3, skills=[GAS], jobs=8), worker(4, skills=[GAS], off="Vacation")]
    [line] = shared([task(10, needs=[GAS])], workers)
    assert line.chosen is None
    assert line.why == "Lacks Gas Beginner (2), Day is full (1), Vacation (1)"
    assert {found.technician.pk for found in line.doubtful} == {1, 2, 3, 4}


def test_nobody_there_at_all_says_so():
    [line] = shared([task(10)], [])
    assert (line.chosen, line.why) == (None, "Nobody else is there")


def test_of_whom_no_place_is_known_counts_as_far_away():
    assert chosen([task(10)], [worker(1, home=None), worker(2, jobs=1)]) == [2]


def test_what_was_proposed_makes_the_next_job_there_near():
    here = (40.5, -75.0)
    workers = [worker(1, home=(40.2, -75.0)), worker(2, home=(40.19, -75.0))]
    assert chosen([task(10, at=here, hour=14), task(11, at=here, hour=15)], workers) == [1, 1]
