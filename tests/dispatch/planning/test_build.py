"""What the planner is given of a day: which jobs it may move, who may do them, and when everybody works."""

from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatch import actions
from dispatch.models import Job, Plan, Priority, Status
from dispatch.planning.build import build
from dispatch.planning.check import faults_of
from dispatch.planning.outcome import names_of
from dispatch.planning.problem import FOREVER, MANDATORY
from dispatch.planning.solver import solve
from dispatch.planning.timetable import timetable
from dispatch.planning.weights import Preferences
from sla.models import SLAPolicy, Unit
from technicians import attendance
from technicians.models import OnCall, Proficiency, Skill, Technician, TimeOff, WorkingHours
from tests.factories import SiteFactory, TechnicianFactory, make_job

DAY = date(2037, 12, 1)  # a Tuesday that is long to come
NOW = timezone.make_aware(datetime.combine(date(2037, 11, 30), time(9)))
Kind = Plan.Kind
HOUR = 3600

pytestmark = pytest.mark.django_db


def at(hour: int, minute: int = 0, day: date = DAY):
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


def works(technician, *spans, pause=None, weekdays=range(7)):
    for weekday in weekdays:
        for starts, ends in spans or [(time(8), time(17))]:
            row = WorkingHours(technician=technician, weekday=weekday, starts_at=starts, ends_at=ends)
            if pause:
                row.break_starts_at, row.break_ends_at = pause
            row.save()
    return technician


@pytest.fixture
def ana(north):
    return works(TechnicianFactory(user__username="ana", zones=[north]))


@pytest.fixture
def ben(north):
    return works(TechnicianFactory(user__username="ben", zones=[north]))


@pytest.fixture
def job_of(dana, north):
    def make(technician=None, **fields):
        if technician:
            fields |= {"status": Status.ASSIGNED, "technician": technician}
        return make_job(**{"by": dana, "zone": north, "scheduled_on": DAY, "now": NOW, **fields})

    return make


def case_of(people, *, by, day=DAY, now=NOW, kind=Kind.DAY, with_unassigned=True, stability=30, **options):
    asked = {"kind": kind, "by": by, "with_unassigned": with_unassigned, "now": now, **options}
    return build(people, day, preferences=Preferences(stability=stability), **asked)


def stop_of(case, job):
    return case.problem.stops[case.stop_of[job.pk]]


def crew_of(case, technician):
    return case.problem.crews[case.crew_of[technician.pk]]


def aside(case) -> dict[int, str]:
    return {job.pk: text for job, text in case.left_aside}


def test_times_of_another_day_are_told_with_their_day(dana, ana):
    clock = names_of(case_of([ana], by=dana), by=dana).clock
    assert (clock(14 * HOUR), clock(29 * HOUR), clock(-HOUR)) == ("14:00", "05:00 on Wed 2 Dec", "23:00 on Mon 30 Nov")


# Jobs ---------------------------------------------------------------------------------------------


def test_jobs_of_the_technicians_and_those_that_nobody_has_are_planned(dana, ana, ben, job_of):
    theirs, free, of_another = job_of(ana), job_of(), job_of(ben)
    case = case_of([ana], by=dana)
    assert {job.pk for job in case.jobs} == {theirs.pk, free.pk}
    assert of_another not in case.jobs
    assert {job.pk for job in case_of([ana], by=dana, with_unassigned=False).jobs} == {theirs.pk}


def test_what_has_begun_is_no_stop_and_the_rest_begins_after_it(dana, ana, job_of):
    now = at(10)
    attendance.clock_in(ana, now=at(8))
    begun = job_of(ana, duration_minutes=60, planned_starts_at=at(9, 30))
    later = job_of(ana)
    actions.change_status(begun, Status.EN_ROUTE, by=ana.user, now=at(9, 20))
    actions.change_status(begun, Status.IN_PROGRESS, by=ana.user, now=at(9, 45))
    case = case_of([ana], by=dana, now=now)
    assert [job.pk for job in case.jobs] == [later.pk]
    assert crew_of(case, ana).opens == (10 * 60 + 45) * 60
    assert case.workdays[0].start == (begun.site.latitude, begun.site.longitude)


def test_pinned_technician_keeps_the_job_whatever_speaks_against_it(dana, ana, ben, job_of):
    skill = Skill.objects.create(name="Gas")
    job = job_of(ana, skills=[actions.SkillNeed(skill.pk, Proficiency.EXPERT)])
    assert stop_of(case_of([ana, ben], by=dana), job).eligible == frozenset()
    actions.pin_job(job, technician=True, time=False, by=dana)
    case = case_of([ana, ben], by=dana)
    stop = stop_of(case, job)
    assert stop.eligible == {case.crew_of[ana.pk]}
    assert (stop.is_locked, stop.penalty) == (True, MANDATORY)


def test_job_given_despite_an_objection_may_be_moved_and_it_is_known_why(dana, ana, ben, job_of):
    skill = Skill.objects.create(name="Gas")
    ben.skills.create(skill=skill, level=Proficiency.EXPERT)
    job = job_of(ana, skills=[actions.SkillNeed(skill.pk, Proficiency.ADVANCED)])
    case = case_of([ana, ben], by=dana)
    number, crew = case.stop_of[job.pk], case.crew_of[ana.pk]
    assert case.problem.stops[number].eligible == {case.crew_of[ben.pk]}
    assert case.bars[number][crew] == {"skill"}
    assert case.objections[number, crew] == ("Lacks Gas Advanced",)


@pytest.mark.parametrize("how", ["fixed", "pinned"])
def test_fixed_appointment_and_pinned_time_begin_at_that_moment_only(dana, ana, job_of, how):
    job = job_of(ana, planned_starts_at=at(13, 30), is_fixed=how == "fixed")
    if how == "pinned":
        actions.pin_job(job, time=True, technician=False, by=dana)
    stop = stop_of(case_of([ana], by=dana), job)
    assert stop.windows == ((13 * HOUR + 1800, 13 * HOUR + 1800),)
    assert not stop.is_locked


def test_fixed_appointment_that_has_passed_is_begun_as_soon_as_possible(dana, ana, job_of):
    job = job_of(ana, planned_starts_at=at(9), is_fixed=True)
    attendance.clock_in(ana, now=at(8))
    stop = stop_of(case_of([ana], by=dana, now=at(9, 30)), job)
    assert stop.windows == ((9 * HOUR, FOREVER),)
    assert stop.due == 9 * HOUR


def test_block_opens_the_window_and_its_end_is_when_lateness_begins(dana, ana, job_of):
    job = job_of(window_starts_at=at(10), window_ends_at=at(12))
    stop = stop_of(case_of([ana], by=dana), job)
    assert (stop.windows, stop.due) == (((10 * HOUR, FOREVER),), 12 * HOUR)


def test_job_in_a_zone_of_others_stays_with_its_technician_at_its_time(dana, omar, north, south, ana, ben):
    ana.zones.add(south)
    timed = make_job(
        by=omar, zone=south, scheduled_on=DAY, status=Status.ASSIGNED, technician=ana, planned_starts_at=at(11), now=NOW
    )
    untimed = make_job(by=omar, zone=south, scheduled_on=DAY, status=Status.ASSIGNED, technician=ana, now=NOW)
    free = make_job(by=omar, zone=south, scheduled_on=DAY, now=NOW)
    case = case_of([ana, ben], by=dana)
    assert stop_of(case, timed).is_locked
    assert stop_of(case, timed).windows == ((11 * HOUR, 11 * HOUR),)
    assert "do not dispatch" in aside(case)[untimed.pk]
    assert free.pk not in case.stop_of
    assert not stop_of(case_of([ana, ben], by=omar), timed).is_locked


def test_nobody_is_asked_who_does_not_cover_the_zone(dana, omar, north, south, ana, tom, job_of):
    works(tom)
    job = job_of()
    case = case_of([ana, tom], by=omar)
    assert stop_of(case, job).eligible == {case.crew_of[ana.pk]}
    assert case.bars[case.stop_of[job.pk]][case.crew_of[tom.pk]] == {"zone"}


def test_jobs_on_hold_and_without_a_location_are_left_aside(dana, ana, job_of):
    held, nowhere = job_of(ana), job_of(ana, site=SiteFactory(), zone=None)
    actions.hold_job(held, "Parts", by=dana)
    case = case_of([ana], by=dana)
    assert not case.jobs
    assert "Parts" in aside(case)[held.pk]
    assert "No location" in aside(case)[nowhere.pk]


def test_time_of_a_job_without_a_location_is_kept_free(dana, ana, job_of):
    job_of(ana, site=SiteFactory(), zone=None, planned_starts_at=at(10), duration_minutes=90)
    (pause,) = crew_of(case_of([ana], by=dana), ana).breaks
    assert (pause.earliest, pause.duration) == (10 * HOUR, 90 * 60)


def test_today_what_is_overdue_or_has_no_day_is_planned_too(dana, ana, job_of):
    today = DAY
    overdue = job_of(
        scheduled_on=today - timedelta(days=2),
        window_starts_at=at(8, day=today - timedelta(days=2)),
        window_ends_at=at(10, day=today - timedelta(days=2)),
    )
    someday, left_over = job_of(scheduled_on=None), job_of(ana, scheduled_on=today - timedelta(days=1))
    pinned = job_of(ana, scheduled_on=today - timedelta(days=1))
    actions.pin_job(pinned, time=False, technician=True, by=dana)
    case = case_of([ana], by=dana, now=at(7))
    assert {job.pk for job in case.jobs} == {overdue.pk, someday.pk, left_over.pk}
    stop = stop_of(case, overdue)
    assert (stop.windows, stop.due) == (((8 * HOUR, FOREVER),), 10 * HOUR), "its block comes along"
    attendance.clock_in(ana, now=at(8))
    late = stop_of(case_of([ana], by=dana, now=at(10, 5)), overdue)
    assert (late.windows, late.due) == (((0, FOREVER),), None), "and binds nobody once it is over"
    assert stop_of(case, left_over).was.starts_at is None
    assert "Pinned to" in aside(case)[pinned.pk]
    assert not case_of([ana], by=dana).jobs, "nor is any of it the next day's"


def test_route_of_one_technician_has_the_days_own_jobs_only_and_leaves_none_out(dana, ana, job_of):
    job, left_over = job_of(ana, priority=Priority.LOW), job_of(ana, scheduled_on=DAY - timedelta(days=1))
    case = case_of([ana], by=dana, now=at(7), kind=Kind.ROUTE, with_unassigned=False)
    assert [each.pk for each in case.jobs] == [job.pk]
    assert stop_of(case, job).penalty == MANDATORY
    assert left_over not in case.jobs


def test_jobs_of_who_is_away_are_shared_and_they_get_none(dana, ana, ben, job_of):
    job = job_of(ana, planned_starts_at=at(10))
    case = case_of([ben], by=dana, kind=Kind.ABSENCE, absent=ana)
    stop = stop_of(case, job)
    assert stop.eligible == {case.crew_of[ben.pk]}
    assert stop.was.crew == case.absent == case.crew_of[ana.pk]
    assert solve(case.problem, iterations=20).routes[case.absent] == ()


def test_pinned_job_of_who_is_away_may_go_to_others(dana, ana, ben, job_of):
    job = job_of(ana)
    actions.pin_job(job, technician=True, time=False, by=dana)
    case = case_of([ben], by=dana, kind=Kind.ABSENCE, absent=ana)
    assert stop_of(case, job).eligible == {case.crew_of[ben.pk]}


def test_sla_deadline_of_the_day_counts_and_one_that_is_over_does_not(dana, ana, job_of):
    policy = SLAPolicy.objects.get(is_default=True)
    hours = {"response_unit": Unit.HOURS, "resolution_unit": Unit.HOURS}
    policy.targets.filter(priority=Priority.HIGH).update(response_amount=27, resolution_amount=30, **hours)

    def due(created_at):
        job = job_of(priority=Priority.HIGH, duration_minutes=60, created_at=created_at, now=created_at)
        return stop_of(case_of([ana], by=dana), job).sla_due

    assert due(NOW) == 12 * HOUR, "somebody has to be on the way by then"
    assert due(NOW - timedelta(days=2)) is None
    policy.targets.filter(priority=Priority.HIGH).update(response_amount=5)
    assert due(NOW) == 14 * HOUR, "nobody comes in time any more, but it can be done by 15:00"
    policy.targets.filter(priority=Priority.HIGH).update(response_amount=None)
    assert due(NOW) == 14 * HOUR, "to be done by 15:00"


# The technicians' days ----------------------------------------------------------------------------


def test_shift_and_break_and_home_make_the_day(dana, north, job_of):
    ana = works(TechnicianFactory(zones=[north]), (time(7), time(15)), pause=(time(11), time(11, 30)))
    job_of()
    case = case_of([ana], by=dana)
    crew = crew_of(case, ana)
    assert (crew.opens, crew.closes, crew.most_stops) == (7 * HOUR, 15 * HOUR, ana.daily_maximum)
    assert [(pause.earliest, pause.latest, pause.duration) for pause in crew.breaks] == [(11 * HOUR, 11 * HOUR, 1800)]
    assert case.workdays[0].start == (ana.home_latitude, ana.home_longitude)


def test_break_waits_for_a_job_that_was_planned_over_it(dana, north, job_of):
    ana = works(TechnicianFactory(zones=[north]), pause=(time(12), time(12, 30)))
    job = job_of(ana, planned_starts_at=at(11, 30), duration_minutes=60)
    case = case_of([ana], by=dana)
    (pause,) = crew_of(case, ana).breaks
    assert (pause.earliest, pause.latest) == (12 * HOUR, 12 * HOUR + 1800)
    assert timetable(case.problem, 0, (case.stop_of[job.pk],)), "today's plan can stay"


def test_job_too_long_for_either_side_of_the_break_is_possible(dana, north, job_of):
    ana = works(TechnicianFactory(zones=[north]), pause=(time(12), time(12, 30)))
    job = job_of(duration_minutes=5 * 60)
    case = case_of([ana], by=dana)
    assert timetable(case.problem, 0, (case.stop_of[job.pk],))


def test_second_shift_is_the_same_day_and_the_time_between_is_free(dana, north, job_of):
    ana = works(TechnicianFactory(zones=[north]), (time(7), time(11)), (time(14), time(18)))
    case = case_of([ana], by=dana)
    crew = crew_of(case, ana)
    assert (crew.opens, crew.closes) == (7 * HOUR, 18 * HOUR)
    assert [(pause.earliest, pause.latest, pause.duration) for pause in crew.breaks] == [
        (11 * HOUR, 11 * HOUR, 3 * HOUR)
    ]


def test_time_off_takes_a_part_of_the_day_or_all_of_it(dana, ana, ben, job_of):
    TimeOff.objects.create(technician=ana, starts_at=at(10), ends_at=at(12))
    TimeOff.objects.create(technician=ben, starts_at=at(0), ends_at=at(23, 59))
    job = job_of(ben)
    case = case_of([ana, ben], by=dana)
    assert [(pause.earliest, pause.duration) for pause in crew_of(case, ana).breaks] == [(10 * HOUR, 2 * HOUR)]
    assert not case.workdays[case.crew_of[ben.pk]].works
    assert stop_of(case, job).eligible == {case.crew_of[ana.pk]}


def test_time_off_at_the_start_or_end_shortens_the_day(dana, ana, ben, job_of):
    TimeOff.objects.create(technician=ana, starts_at=at(6), ends_at=at(10))
    TimeOff.objects.create(technician=ben, starts_at=at(15), ends_at=at(20))
    case = case_of([ana, ben], by=dana)
    assert crew_of(case, ana).opens == 10 * HOUR
    assert crew_of(case, ben).closes == 15 * HOUR


def test_night_shift_belongs_to_the_day_on_which_it_begins(dana, north, job_of):
    ana = works(TechnicianFactory(zones=[north]), (time(22), time(6)))
    job_of()
    crew = crew_of(case_of([ana], by=dana), ana)
    assert (crew.opens, crew.closes) == (22 * HOUR, 30 * HOUR)
    assert crew.breaks == ()


def test_last_nights_shift_counts_while_it_lasts(dana, north, job_of):
    ana = works(TechnicianFactory(zones=[north]), (time(22), time(6)))
    attendance.clock_in(ana, now=at(22, day=DAY - timedelta(days=1)))
    crew = crew_of(case_of([ana], by=dana, now=at(2), kind=Kind.REPLAN), ana)
    assert (crew.opens, crew.closes) == (2 * HOUR, 30 * HOUR)
    assert [(pause.earliest, pause.duration) for pause in crew.breaks] == [(6 * HOUR, 16 * HOUR)]


@pytest.mark.parametrize(("day", "hours"), [(date(2038, 3, 14), 8), (DAY, 9), (date(2038, 11, 7), 10)])
def test_seconds_are_those_that_pass_when_the_clocks_change(dana, north, job_of, day, hours):
    """New York: from midnight to nine on the clock it is an hour less in spring, and one more in autumn."""
    ana = works(TechnicianFactory(zones=[north]), (time(0), time(9)))
    job_of(scheduled_on=day, window_starts_at=at(6, day=day), window_ends_at=at(8, day=day))
    case = case_of([ana], by=dana, day=day)
    crew = crew_of(case, ana)
    assert crew.closes == hours * HOUR
    assert case.instant(crew.closes) == at(9, day=day)
    assert case.instant(case.problem.stops[0].due) == at(8, day=day)


def test_of_whom_no_hours_are_known_a_usual_day_is_assumed(dana, north, job_of):
    ana = TechnicianFactory(zones=[north])
    crew = crew_of(case_of([ana], by=dana), ana)
    assert crew.opens == 8 * HOUR
    assert crew.closes >= 24 * HOUR


def test_break_that_goes_on_is_over_before_anything_begins(dana, ana, job_of):
    attendance.clock_in(ana, now=at(8))
    attendance.begin_break(ana, now=at(10))
    job_of()
    crew = crew_of(case_of([ana], by=dana, now=at(10, 10)), ana)
    assert crew.opens == 10 * HOUR + 1800


def test_who_had_a_break_has_no_other(dana, north, job_of):
    ana = works(TechnicianFactory(zones=[north]), pause=(time(12), time(12, 30)))
    attendance.clock_in(ana, now=at(8))
    attendance.begin_break(ana, now=at(10))
    attendance.end_break(ana, now=at(10, 20))
    assert crew_of(case_of([ana], by=dana, now=at(11)), ana).breaks == ()


def test_who_has_not_clocked_in_keeps_her_jobs_and_gets_no_others(dana, ana, ben, job_of):
    attendance.clock_in(ben, now=at(8))
    hers, free = job_of(ana), job_of()
    case = case_of([ana, ben], by=dana, now=at(9), kind=Kind.REPLAN)
    assert case.crew_of[ana.pk] in stop_of(case, hers).eligible
    assert stop_of(case, free).eligible == {case.crew_of[ben.pk]}
    assert "Not clocked in: Ana" in case.notice
    early = case_of([ana, ben], by=dana, now=at(7))
    assert len(stop_of(early, free).eligible) == 2, "nobody has to be there yet"
    assert not early.notice


def test_before_the_shift_nobody_begins_though_they_are_there(dana, ana, job_of):
    attendance.clock_in(ana, now=at(7))
    assert crew_of(case_of([ana], by=dana, now=at(7, 10)), ana).opens == 8 * HOUR


def test_on_call_hours_are_not_planned(dana, ana, job_of):
    OnCall.objects.create(technician=ana, starts_at=at(17), ends_at=at(22))
    assert crew_of(case_of([ana], by=dana), ana).closes == 17 * HOUR


def test_nobody_gets_more_jobs_than_the_day_may_hold_but_who_has_more_keeps_them(dana, ana, job_of):
    Technician.objects.filter(pk=ana.pk).update(daily_maximum=2)
    done = job_of(ana)
    actions.change_status(done, Status.CANCELLED, by=dana, note="No")
    job_of(ana)
    assert crew_of(case_of([ana], by=dana), ana).most_stops == 2
    job_of(ana), job_of(ana)
    assert crew_of(case_of([ana], by=dana), ana).most_stops == 3


def test_finished_jobs_count_for_the_day(dana, ana, job_of):
    Technician.objects.filter(pk=ana.pk).update(daily_maximum=2)
    attendance.clock_in(ana, now=at(8))
    done = job_of(ana)
    for status, minute in ((Status.EN_ROUTE, 5), (Status.IN_PROGRESS, 10), (Status.COMPLETED, 30)):
        done = actions.change_status(done, status, by=ana.user, now=at(8, minute))
    assert crew_of(case_of([ana], by=dana, now=at(9)), ana).most_stops == 1


def test_two_pinned_jobs_at_the_same_time_are_kept_one_after_the_other(dana, ana, job_of):
    jobs = [job_of(ana, planned_starts_at=at(10), duration_minutes=60) for _ in range(2)]
    for job in jobs:
        actions.pin_job(job, technician=True, time=True, by=dana)
    case = case_of([ana], by=dana)
    solution = solve(case.problem, iterations=20)
    assert set(solution.routes[0]) == {case.stop_of[job.pk] for job in jobs}


def test_pinned_job_after_hours_makes_the_day_longer(dana, ana, job_of):
    job = job_of(ana, planned_starts_at=at(18), duration_minutes=60)
    actions.pin_job(job, technician=True, time=True, by=dana)
    case = case_of([ana], by=dana)
    assert solve(case.problem, iterations=20).routes == ((case.stop_of[job.pk],),)


def test_what_was_solved_breaks_no_rule(dana, north, ana, ben, job_of):
    works(cleo := TechnicianFactory(zones=[north]), pause=(time(12), time(12, 30)))
    for n in range(15):
        job_of(site=SiteFactory(latitude=40.01 + n / 100, longitude=-75.19 + (n * 7 % 15) / 100, zone=north))
    job_of(ana, planned_starts_at=at(9), is_fixed=True)
    case = case_of([ana, ben, cleo], by=dana)
    assert not faults_of(case.problem, solve(case.problem, iterations=50).routes)


def test_queries_do_not_grow_with_jobs_and_technicians(dana, north, ana, job_of):
    def count():
        people = list(Technician.objects.filter(zones=north))
        with CaptureQueriesContext(connection) as queries:
            case_of(people, by=dana)
        return len(queries)

    [job_of(), job_of(ana)]
    count()  # who may see what is remembered from now on
    few = count()
    for _ in range(8):
        works(more := TechnicianFactory(zones=[north]))
        job_of(), job_of(more)
    assert count() == few
    assert Job.objects.count() == 18
