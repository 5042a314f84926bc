"""Which jobs who may see and change, which belong to a day, and what a search finds."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dispatch import actions
from dispatch.models import Job, Status
from tests.factories import CustomerFactory, SiteFactory, SkillFactory, TechnicianFactory, UserFactory, make_job
from zones.access import ALL_ZONES, grant_zones

TODAY = timezone.localdate()
DAY = timedelta(days=1)


@pytest.fixture
def jobs(omar, north, south, tess, tom):
    return {
        "north, nobody's": make_job(by=omar, zone=north),
        "north, tess's": make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess),
        "south, nobody's": make_job(by=omar, zone=south),
        "south, tess's": make_job(Status.ASSIGNED, by=omar, zone=south, technician=tess),
        "nowhere, nobody's": make_job(by=omar),
        "nowhere, tom's": make_job(Status.COMPLETED, by=omar, technician=tom),
    }


def names_of(found, jobs):
    pks = set(found.values_list("pk", flat=True))
    return {name for name, job in jobs.items() if job.pk in pks}


IN_NORTH = {"north, nobody's", "north, tess's", "nowhere, nobody's", "nowhere, tom's"}
EVERYTHING = IN_NORTH | {"south, nobody's", "south, tess's"}
# who: (sees, may change)
RIGHTS = {
    "nick": (set(), set()),
    "tess": ({"north, tess's", "south, tess's"}, set()),
    "tom": ({"nowhere, tom's"}, set()),
    "dana": (IN_NORTH, IN_NORTH),
    "omar": (EVERYTHING, EVERYTHING),
    "ada": (EVERYTHING, EVERYTHING),
}


@pytest.mark.parametrize("who", RIGHTS)
def test_everyone_sees_and_changes_what_their_role_and_zones_allow(who, jobs, request):
    person = request.getfixturevalue(who)
    user = getattr(person, "user", person)
    sees, may_change = RIGHTS[who]
    assert names_of(Job.objects.visible_to(user), jobs) == sees
    assert names_of(Job.objects.dispatchable_by(user), jobs) == may_change


def test_new_dispatcher_has_every_zone_and_those_drawn_later(jobs):
    user = UserFactory(role="dispatcher")
    assert names_of(Job.objects.visible_to(user), jobs) == EVERYTHING


def test_dispatcher_whose_last_zone_is_taken_keeps_only_jobs_in_no_zone(dana, jobs):
    grant_zones(dana, [])
    assert names_of(Job.objects.visible_to(dana), jobs) == {"nowhere, nobody's", "nowhere, tom's"}
    grant_zones(dana, ALL_ZONES)
    assert names_of(Job.objects.visible_to(dana), jobs) == EVERYTHING


def test_someone_whose_account_was_closed_sees_nothing(dana, jobs):
    dana.is_active = False
    dana.save()
    dana = type(dana).objects.get(pk=dana.pk)
    assert not Job.objects.visible_to(dana).exists()
    assert not Job.objects.dispatchable_by(dana).exists()


def test_technician_who_lost_a_job_no_longer_sees_it(jobs, omar, tess, tom):
    actions.assign_job(jobs["north, tess's"], tom, by=omar)
    assert names_of(Job.objects.visible_to(tess.user), jobs) == {"south, tess's"}


@pytest.fixture
def week(omar, tess):
    return {
        "today": make_job(by=omar),
        "today, done": make_job(Status.COMPLETED, by=omar, technician=tess),
        "yesterday, open": make_job(by=omar, scheduled_on=TODAY - DAY),
        "yesterday, done": make_job(Status.COMPLETED, by=omar, scheduled_on=TODAY - DAY, technician=tess),
        "undated": make_job(by=omar, scheduled_on=None),
        "undated, cancelled": make_job(Status.CANCELLED, by=omar, scheduled_on=None),
        "tomorrow": make_job(by=omar, scheduled_on=TODAY + DAY),
    }


@pytest.mark.parametrize(
    "days, expected",
    [
        (0, {"today", "today, done", "yesterday, open", "undated"}),
        (1, {"tomorrow"}),
        (-1, {"yesterday, open", "yesterday, done"}),
    ],
)
def test_dispatcher_has_leftovers_on_todays_board_only(days, expected, week):
    board = Job.objects.for_dispatch_day(TODAY + days * DAY, today=TODAY)
    assert names_of(board, week) == expected


def test_filters_by_state_and_days(week):
    assert names_of(Job.objects.unassigned(), week) == {"today", "yesterday, open", "undated", "tomorrow"}
    assert names_of(Job.objects.open(), week) == names_of(Job.objects.unassigned(), week)
    assert names_of(Job.objects.on_days(TODAY, TODAY + DAY), week) == {"today", "today, done", "tomorrow"}


def test_overdue_is_an_open_job_of_an_earlier_day(week):
    assert {name for name, job in week.items() if job.is_overdue(today=TODAY)} == {"yesterday, open"}


def test_a_job_is_late_when_its_time_block_is_over_and_nobody_began(omar, tess):
    now = timezone.now()
    block = {"window_starts_at": now - timedelta(hours=3), "window_ends_at": now - timedelta(hours=1)}
    late = make_job(Status.ASSIGNED, by=omar, technician=tess, **block)
    begun = make_job(Status.IN_PROGRESS, by=omar, technician=tess, **block)
    unpromised = make_job(by=omar)
    assert [job.is_late_for_window(now=now) for job in (late, begun, unpromised)] == [True, False, False]
    assert not late.is_late_for_window(now=now - timedelta(hours=1))


def test_technician_has_the_day_in_the_order_of_the_route(omar, tess):
    now = timezone.now()
    last = make_job(by=omar)
    by_block = make_job(by=omar, window_starts_at=now, window_ends_at=now + DAY)
    urgent = make_job(by=omar, priority=4)
    by_plan = make_job(by=omar, planned_starts_at=now + timedelta(hours=5))
    second, first = make_job(by=omar), make_job(by=omar)
    for position, job in enumerate((first, second), start=1):
        Job.objects.filter(pk=job.pk).update(route_position=position)
    expected = [by_plan, first, second, by_block, urgent, last]
    assert list(Job.objects.in_route_order()) == expected


@pytest.fixture
def leaking(omar):
    customer = CustomerFactory(name="Anna O'Brien", phone="+1 (412) 555-8134")
    site = SiteFactory(customer=customer, address="1427 Brighton Rd")
    make_job(by=omar)
    return make_job(by=omar, site=site, description="Leaks 50% of the time\nunder the sink", external_id="CRM-77")


@pytest.mark.parametrize(
    "text",
    [
        *("o'brien", "  ANNA ", "brighton", "under the sink", "50%", "crm-77"),
        *("412-555-8134", "(412) 555 8134", "4125558134", "+1 412 555 8134", "0014125558134", "555.8134", "8134"),
    ],
)
def test_dispatcher_finds_a_job_by(text, leaking):
    assert list(Job.objects.matching(text)) == [leaking]


@pytest.mark.parametrize("spelling", ["{number}", "{lower}", "J{pk}", "{pk}", "J-{pk}"])
def test_dispatcher_finds_a_job_by_its_number(spelling, leaking):
    text = spelling.format(number=leaking.number, lower=leaking.number.lower(), pk=leaking.pk)
    assert leaking in Job.objects.matching(text)


@pytest.mark.parametrize(
    "text", ["zzz", "CRM-7", "555-9999", "J-999999999999999999999", "5%", "%%", "_", "9" * 30, "\\"]
)
def test_a_search_for_something_else_does_not_find_it(text, leaking):
    assert leaking not in Job.objects.matching(text)


def test_an_empty_search_finds_everything(leaking):
    assert Job.objects.matching("  ").count() == 2


def test_the_board_needs_the_same_queries_for_many_jobs(omar, north, django_assert_num_queries):
    for _ in range(6):
        job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=TechnicianFactory())
        job.required_skills.create(skill=SkillFactory())
    with django_assert_num_queries(2):
        for job in Job.objects.with_board_info():
            str((job.customer, job.site, job.zone, job.job_type, job.technician))
            str([str(need) for need in job.required_skills.all()])


def test_a_title_is_the_first_line_or_the_type(leaking, omar):
    assert leaking.title == "Leaks 50% of the time"
    assert make_job(by=omar, description=" \n").title == "Repair"
