from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.smart.eligibility import reasons_against
from dispatch.smart.qualification import Booking, HeldSkill, NeededSkill, Needs, Qualification
from dispatch.smart.scoring import KINDS, Weights, proposed_start, score
from dispatch.travel import StraightLine
from technicians.availability import Shift
from technicians.models import Proficiency
from tests.dispatch.test_eligibility import texts

DAY = date(2026, 3, 2)
TRAVEL = StraightLine(detour_factor=1, average_speed_kmh=60)
OUT_OF = Weights().out_of()
SITE = (40.0, -75.0)


def at(hour, minute=0) -> datetime:
    """In New York, in winter."""
    return datetime(2026, 3, 2, 5, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)


def north_of(place, km):
    return place[0] + km / 111.25, place[1]


def booking(starts, ends, *, job_id=81, place=SITE, **values) -> Booking:
    return Booking(job_id, f"J-{job_id:06d}", starts, ends, place, **values)


SHIFT = Shift(at(8), at(17))
WITH_BREAK = Shift(at(8), at(17), at(10, 30), at(11))
HAS = Qualification(
    zone_ids=frozenset({1}),
    skills={7: HeldSkill(Proficiency.INTERMEDIATE)},
    jobs_that_day=0,
    daily_maximum=7,
    shifts=(SHIFT,),
    is_on_duty=True,
    home=north_of(SITE, 10),
)
NEEDS = Needs(
    day=DAY,
    zone_id=1,
    zone_name="North",
    skills=(NeededSkill(7, "HVAC", Proficiency.INTERMEDIATE),),
    duration_minutes=60,
    place=SITE,
    now=at(10),
)


def scored(needs=NEEDS, has=HAS, **values):
    return score(
        needs, has, starts_at=proposed_start(needs, has, travel=TRAVEL), out_of=OUT_OF, travel=TRAVEL, **values
    )


def factor(kind, needs=NEEDS, has=HAS, **values):
    return next(factor for factor in scored(needs, has, **values).factors if factor.kind == kind)


# Each factor --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "points", "text"),
    [
        (Proficiency.BEGINNER, 0, "Beginner HVAC only, Intermediate needed"),
        (Proficiency.INTERMEDIATE, 25, "Intermediate HVAC needed"),
        (Proficiency.ADVANCED, 19, "Advanced HVAC for Intermediate needed"),
        (Proficiency.EXPERT, 13, "Expert HVAC for Intermediate needed"),
    ],
)
def test_the_closest_level_that_is_enough_is_best(level, points, text):
    found = factor("skill", has=replace(HAS, skills={7: HeldSkill(level)}))
    assert (found.points, found.out_of, found.text) == (points, 25, text)


def test_who_lacks_a_skill_gets_nothing_for_it_and_all_where_none_is_needed():
    assert factor("skill", has=replace(HAS, skills={})).text == "no HVAC, Intermediate needed"
    assert factor("skill", has=replace(HAS, skills={})).points == 0
    assert factor("skill", replace(NEEDS, skills=())).points == 25


@pytest.mark.parametrize(
    ("has", "points", "text"),
    [
        ({}, 23, "10.0 km, 10 min from home"),
        ({"home": north_of(SITE, 30)}, 15, "30.0 km, 30 min from home"),
        ({"position": north_of(SITE, 5)}, 26, "5.0 km, 5 min from current position"),
        (  # the next job is where they will be, whatever the phone says
            {"position": north_of(SITE, 5), "bookings": (booking(at(9), at(11), place=north_of(SITE, 20)),)},
            18,
            "20.0 km, 20 min from job J-000081",
        ),
        (  # a job that is done is no better than a fresh fix, but better than home
            {"position": north_of(SITE, 5), "bookings": (booking(at(8), at(9), is_begun=True),)},
            26,
            "5.0 km, 5 min from current position",
        ),
        ({"bookings": (booking(at(8), at(9), is_begun=True),)}, 30, "0.0 km, 0 min from job J-000081"),
        ({"home": None}, 0, "no location known to start from"),
    ],
)
def test_the_way_is_counted_from_where_they_will_be(has, points, text):
    found = factor("proximity", has=replace(HAS, **has))
    assert (found.points, found.text) == (points, text)


def test_nobody_is_near_to_a_job_without_location():
    found = factor("proximity", replace(NEEDS, place=None))
    assert (found.points, found.text) == (0, "the job has no location")


def test_job_in_another_zone_is_not_named_as_where_they_come_from():
    elsewhere = replace(booking(at(9), at(11)), number="")
    assert "from a job in another zone" in scored(has=replace(HAS, bookings=(elsewhere,))).text
    assert "J-" not in scored(has=replace(HAS, bookings=(elsewhere,))).text


@pytest.mark.parametrize(
    ("needs", "has", "points", "text"),
    [
        ({}, {}, 20, "free now"),
        ({}, {"bookings": (booking(at(9), at(12)),)}, 10, "free from 12:00"),
        ({}, {"bookings": (booking(at(9), at(14)),)}, 0, "free from 14:00"),
        ({"window": (at(13), at(15))}, {"bookings": (booking(at(9), at(12)),)}, 20, "free at 13:00"),
        ({"window": (at(13), at(15))}, {"bookings": (booking(at(12), at(14)),)}, 15, "free from 14:00"),
        ({"now": None}, {"is_on_duty": None}, 20, "free at 08:00"),
        ({}, {"break_until": at(10, 24)}, 18, "free from 10:24"),
        ({"starts_at": at(11), "ends_at": at(12)}, {"bookings": (booking(at(10), at(12)),)}, 15, "free from 12:00"),
        ({}, {"off_reason": "Vacation"}, 0, "away: Vacation"),
        ({}, {"shifts": ()}, 0, "does not work that day"),
        ({}, {"bookings": (booking(at(9), at(17)),)}, 0, "no room that day"),
        ({}, {"shifts": None, "is_on_duty": False}, 10, "free now, not clocked in"),
    ],
)
def test_who_is_free_when_it_is_needed_is_best(needs, has, points, text):
    found = factor("availability", replace(NEEDS, **needs), replace(HAS, **has))
    assert (found.points, found.text) == (points, text)


@pytest.mark.parametrize(
    ("has", "points", "text"),
    [
        ({}, 15, "0 of 7 jobs"),
        ({"jobs_that_day": 4}, 6, "4 of 7 jobs"),
        ({"jobs_that_day": 1, "booked_minutes": 450}, 2, "1 of 7 jobs (7 h 30 of 9 h)"),
        ({"jobs_that_day": 9}, 0, "9 of 7 jobs"),
    ],
)
def test_the_fuller_of_jobs_and_minutes_counts(has, points, text):
    found = factor("workload", has=replace(HAS, **has))
    assert (found.points, found.text) == (points, text)


@pytest.mark.parametrize(
    ("needs", "has", "due_at", "points", "text"),
    [
        ({}, {}, None, 10, ""),
        ({"window": (at(9), at(11))}, {}, None, 10, "arrives 10:10, within the time block"),
        ({"window": (at(8), at(9, 40))}, {}, None, 5, "arrives 10:10, 30 min after the time block"),
        ({}, {}, at(9, 30), 5, "sets off 10:00, 30 min after the response target"),
        ({}, {}, at(10), 10, "sets off 10:00, within the response target"),
        ({"window": (at(9), at(9, 50))}, {}, at(9, 30), 5, "sets off 10:00, 30 min after the response target"),
        (  # an urgent job is done before what has not begun
            {"is_urgent": True},
            {"bookings": (booking(at(10, 30), at(11, 30)),)},
            None,
            7,
            "delays 1 job by 40 min",
        ),
        (
            {"is_urgent": True},
            {"bookings": (booking(at(10, 30), at(11, 30), block_ends_at=at(11)),)},
            None,
            2,
            "delays 1 job by 40 min, breaks 1 time block",
        ),
    ],
)
def test_promises_count_those_to_others_too(needs, has, due_at, points, text):
    found = factor("sla", replace(NEEDS, **needs), replace(HAS, **has), due_at=due_at)
    assert (found.points, found.text) == (points, text)


def test_all_of_it_is_said_in_one_sentence():
    has = replace(
        HAS,
        skills={7: HeldSkill(Proficiency.ADVANCED)},
        bookings=(booking(at(9), at(14, 10), place=north_of(SITE, 11)),),
        jobs_that_day=4,
    )
    assert scored(has=has).text == (
        "Advanced HVAC for Intermediate needed; 11.0 km, 11 min from job J-000081; free from 14:10; 4 of 7 jobs"
    )


# Weights ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "out_of"),
    [
        ((25, 30, 20, 15, 10), (25, 30, 20, 15, 10)),
        ((1, 1, 1, 0, 0), (34, 33, 33, 0, 0)),
        ((0, 0, 0, 0, 0), (20, 20, 20, 20, 20)),
        ((100, 100, 100, 100, 100), (20, 20, 20, 20, 20)),
    ],
)
def test_weights_are_brought_to_a_hundred(weights, out_of):
    assert tuple(Weights(**dict(zip(KINDS, weights, strict=True))).out_of().values()) == out_of


# The proposed start -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("needs", "has", "start"),
    [
        ({}, {}, at(10, 10)),  # now and the way there
        ({"now": None}, {}, at(8, 10)),  # another day: from home, when the shift begins
        ({"window": (at(13), at(15))}, {}, at(13)),
        ({"window": (at(8), at(9))}, {}, at(10, 10)),  # that promise is broken: as soon as possible
        ({"starts_at": at(15), "ends_at": at(16)}, {}, at(15)),
        ({}, {"bookings": (booking(at(10, 30), at(12)),)}, at(12)),  # too little time before it
        ({}, {"bookings": (booking(at(11, 15), at(12)),)}, at(10, 10)),
        ({}, {"bookings": (booking(at(11, 5), at(17)),)}, at(10)),  # no room with the way: then without
        ({}, {"bookings": (booking(at(10, 30), at(17)),)}, None),
        ({"is_urgent": True}, {"bookings": (booking(at(10, 30), at(17)),)}, at(10, 10)),
        ({"is_urgent": True}, {"bookings": (booking(at(9), at(11), is_begun=True),)}, at(11)),
        ({}, {"break_until": at(10, 24)}, at(10, 35)),
        # A planned break from 10:30 to 11:
        ({}, {"shifts": (WITH_BREAK,)}, at(11, 10)),  # too little time before it; they leave after it
        ({"duration_minutes": 20}, {"shifts": (WITH_BREAK,)}, at(10, 10)),  # done when it begins
        ({"duration_minutes": 20, "now": at(10, 40)}, {"shifts": (WITH_BREAK,)}, at(11, 10)),  # nobody leaves in it
        ({"window": (at(10, 30), at(12))}, {"shifts": (WITH_BREAK,)}, at(11, 10)),
        ({"duration_minutes": 370}, {"shifts": (WITH_BREAK,)}, at(10, 10)),  # longer than between breaks
        ({}, {"shifts": (WITH_BREAK,), "bookings": (booking(at(11), at(17)),)}, None),
        ({"is_urgent": True}, {"shifts": (WITH_BREAK,)}, at(10, 10)),  # the break can wait
        ({"is_urgent": True}, {"shifts": (WITH_BREAK,), "break_until": at(11)}, at(11, 10)),  # unless they have it now
        ({}, {"shifts": (WITH_BREAK,), "has_had_break": True}, at(10, 10)),
    ],
)
def test_the_earliest_start_that_fits_is_proposed(needs, has, start):
    assert proposed_start(replace(NEEDS, **needs), replace(HAS, **has), travel=TRAVEL) == start


# Objections to the time ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("needs", "has", "text"),
    [
        ({}, {"is_on_duty": False}, "Not clocked in, though the shift began at 08:00"),
        ({"now": at(17, 30)}, {}, "The shift ended at 17:00"),
        ({}, {"bookings": (booking(at(9), at(17)),)}, "No 1 h free that day"),
        (
            {"window": (at(13), at(14))},
            {"bookings": (booking(at(12), at(14, 30)),)},
            "No 1 h free between 13:00 and 14:00",
        ),
        ({"window": (at(18), at(19))}, {}, "Works 08:00–17:00 only"),
        (
            {"window": (at(10, 30), at(10, 45))},
            {"shifts": (WITH_BREAK,)},
            "Works 08:00–10:30, 11:00–17:00 only",
        ),
        ({}, {"shifts": (WITH_BREAK,), "bookings": (booking(at(11), at(17)),)}, "No 1 h free that day"),
        ({}, {"booked_minutes": 500}, "Day is full: 8 h 20 of 9 h booked, 1 h needed"),
        ({"is_urgent": True}, {"shifts": ()}, "Does not work that day"),
    ],
)
def test_each_objection_to_the_time_is_a_sentence(needs, has, text):
    assert texts(replace(NEEDS, **needs), replace(HAS, **has)) == [text]


@pytest.mark.parametrize(
    ("needs", "has"),
    [
        ({"now": at(7)}, {"is_on_duty": False}),  # the shift has not begun
        ({"now": None}, {"is_on_duty": None}),
        ({}, {"is_on_duty": False, "shifts": None}),  # nobody has said when they work
        ({}, {"break_until": at(10, 30)}),
        ({"is_urgent": True}, {"bookings": (booking(at(10, 5), at(17)),)}),  # pushed aside
        ({"is_urgent": True}, {"shifts": (), "on_call": (SHIFT,), "is_on_duty": False}),
        ({"is_urgent": True}, {"booked_minutes": 500}),
    ],
)
def test_nothing_speaks_against_the_time_of(needs, has):
    assert texts(replace(NEEDS, **needs), replace(HAS, **has)) == []


def test_on_call_is_for_urgent_jobs_only():
    assert texts(NEEDS, replace(HAS, shifts=(), on_call=(SHIFT,))) == ["Does not work that day"]


# Properties ---------------------------------------------------------------------------------------

minutes = st.integers(0, 12 * 60)
bookings = st.lists(
    st.builds(
        lambda n, start, length, km, begun, block: booking(
            at(7) + timedelta(minutes=start),
            at(7) + timedelta(minutes=start + length),
            job_id=n,
            place=None if km is None else north_of(SITE, km),
            is_begun=begun,
            block_ends_at=block and at(7) + timedelta(minutes=start + 60),
        ),
        st.integers(1, 99),
        minutes,
        st.integers(5, 180),
        st.none() | st.integers(0, 50),
        st.booleans(),
        st.booleans(),
    ),
    max_size=5,
    unique_by=lambda booked: booked.job_id,
).map(tuple)
qualifications = st.builds(
    Qualification,
    zone_ids=st.frozensets(st.integers(1, 2)),
    skills=st.dictionaries(st.integers(7, 8), st.builds(HeldSkill, st.sampled_from(list(Proficiency)))),
    jobs_that_day=st.integers(0, 8),
    daily_maximum=st.integers(1, 8),
    off_reason=st.sampled_from(["", "Vacation"]),
    shifts=st.sampled_from([None, (), (SHIFT,), (WITH_BREAK,), (Shift(at(8), at(12)), Shift(at(13), at(18)))]),
    bookings=bookings,
    is_on_duty=st.sampled_from([None, True, False]),
    break_until=st.none() | st.just(at(10, 30)),
    booked_minutes=st.integers(0, 600),
    position=st.none() | st.just(north_of(SITE, 3)),
    home=st.none() | st.just(north_of(SITE, 12)),
)
all_needs = st.builds(
    lambda window, start, length, urgent, now, place: replace(
        NEEDS,
        window=window and (at(7) + timedelta(minutes=window), at(9) + timedelta(minutes=window)),
        starts_at=start,
        ends_at=start and start + timedelta(minutes=length),
        duration_minutes=length,
        is_urgent=urgent,
        now=now,
        place=place,
    ),
    st.none() | minutes,
    st.none() | st.integers(8, 16).map(at),
    st.integers(5, 240),
    st.booleans(),
    st.none() | st.integers(7, 17).map(at),
    st.none() | st.just(SITE),
)
weights = st.tuples(*[st.integers(0, 100)] * 5).map(lambda five: Weights(**dict(zip(KINDS, five, strict=True))))


@given(all_needs, qualifications, weights)
def test_the_parts_add_up_to_the_score_that_is_shown(needs, has, some_weights):
    out_of = some_weights.out_of()
    found = score(needs, has, starts_at=proposed_start(needs, has, travel=TRAVEL), out_of=out_of, travel=TRAVEL)
    assert sum(factor.points for factor in found.factors) == found.total
    assert sum(factor.out_of for factor in found.factors) == 100
    assert all(0 <= factor.points <= factor.out_of for factor in found.factors)


@given(all_needs, qualifications, st.integers(7, 8), st.sampled_from(list(Proficiency)))
def test_one_more_skill_never_makes_anybody_less_eligible(needs, has, skill_id, level):
    before = has.skills.get(skill_id)
    better = replace(has, skills=has.skills | {skill_id: HeldSkill(max(level, before.level if before else 0))})
    assert len(reasons_against(needs, better)) <= len(reasons_against(needs, has))


@given(all_needs, qualifications, st.integers(0, 40), st.integers(1, 40))
def test_a_nearer_twin_never_ranks_lower(needs, has, near, farther):
    """Alike but for where they start from."""
    has = replace(has, position=None, bookings=())
    nearer = replace(has, home=north_of(SITE, near))
    twin = replace(has, home=north_of(SITE, near + farther))
    assert scored(needs, nearer).total >= scored(needs, twin).total
    assert len(reasons_against(needs, nearer)) == len(reasons_against(needs, twin))


@given(all_needs, qualifications)
def test_a_proposed_start_brings_no_objection_of_its_own(needs, has):
    """What is judged without a start and what is done with the proposed one agree, where nothing is pushed aside."""
    needs = replace(needs, starts_at=None, ends_at=None, is_urgent=False)
    starts_at = proposed_start(needs, has, travel=TRAVEL)
    kinds = {objection.kind for objection in reasons_against(needs, has)}
    if starts_at is None:
        assert kinds
        return
    assert "no_room" not in kinds
    if needs.promised == needs.window and needs.now is None:
        placed = replace(needs, starts_at=starts_at, ends_at=starts_at + needs.duration)
        assert {objection.kind for objection in reasons_against(placed, has)} == kinds


@given(all_needs, qualifications)
def test_the_order_in_which_bookings_are_read_changes_nothing(needs, has):
    turned = replace(has, bookings=tuple(reversed(has.bookings)))
    assert scored(needs, turned) == scored(needs, has)
    assert {o.text for o in reasons_against(needs, turned)} == {o.text for o in reasons_against(needs, has)}
