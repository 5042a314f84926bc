"""Inserting an urgent job into a route: where it goes best, what it pushes back, and what is left alone."""

from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions, realtime
from dispatch.actions import ActionRefused
from dispatch.models import BoardAction, Job, Priority, Status
from dispatch.palette import load_palette
from dispatch.planning.urgent import insertions_for
from technicians.models import TechnicianSkill, WorkingHours
from tests.factories import SiteFactory, SkillFactory, TechnicianFactory, make_job
from tests.pages import html_of, text_of

DAY = timezone.localdate() + timedelta(days=3)
HTMX = {"HX-Request": "true"}

pytestmark = pytest.mark.django_db


def at(hour: int, minute: int = 0, *, day: date = DAY):
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


def works(technician, *, longitude: float, starts=time(8), ends=time(18)):
    technician.home_latitude, technician.home_longitude = 40.02, longitude
    technician.save()
    for weekday in range(7):
        WorkingHours.objects.create(technician=technician, weekday=weekday, starts_at=starts, ends_at=ends)
    return technician


@pytest.fixture
def tess(tess):
    """She begins at home, in the south-west of North, and works from 8 to 18."""
    return works(tess, longitude=-75.18)


@pytest.fixture
def uma(north):
    """She lives at the other end of North."""
    return works(TechnicianFactory(user__username="uma", zones=[north]), longitude=-75.02)


@pytest.fixture
def job_at(dana, tess, north):
    """A job of Tess that lies so many hundredths of a degree east of her home."""

    def make(east: int, starts_at=None, *, technician=None, **fields):
        site = SiteFactory(latitude=40.02, longitude=-75.18 + east / 100)
        given = {"scheduled_on": DAY, "planned_starts_at": starts_at, "duration_minutes": 30} | fields
        status = Status.CREATED if technician is False else Status.ASSIGNED
        return make_job(status, by=dana, technician=technician or tess, site=site, **given)

    return make


@pytest.fixture
def full_day(job_at):
    """Without a gap from 8:15 to 10:30, one road eastwards."""
    return [job_at(2, at(8, 15)), job_at(6, at(9, 0)), job_at(10, at(9, 45))]


@pytest.fixture
def urgent(job_at):
    return job_at(5, technician=False, priority=Priority.URGENT)


def again(job) -> Job:
    return Job.objects.get(pk=job.pk)


def options(job, user):
    return insertions_for(Job.objects.with_board_info().get(pk=job.pk), user=user, now=timezone.now())


def test_best_place_is_on_the_way(full_day, urgent, dana, tess):
    first, second, third = full_day
    (option,) = options(urgent, dana).found
    assert option.technician == tess
    assert (option.after, option.before) == (first.number, second.number)
    assert option.order == (first.pk, urgent.pk, second.pk, third.pk)
    assert option.driving_minutes <= 1


def test_what_is_pushed_back_is_shifted_and_the_rest_left_alone(full_day, urgent, dana, tess):
    first, second, third = full_day
    (option,) = options(urgent, dana).found
    before = BoardAction.objects.count()
    job = actions.insert_job(urgent, tess, option.order, by=dana)
    assert (job.technician, job.status, job.planned_starts_at) == (tess, Status.ASSIGNED, option.starts_at)
    assert again(first).planned_starts_at == first.planned_starts_at
    assert again(second).planned_starts_at >= job.planned_starts_at + timedelta(minutes=30)
    assert again(third).planned_starts_at > third.planned_starts_at
    assert {job.pk: again(job).planned_starts_at for job in (urgent, second, third)} == option.planned
    assert BoardAction.objects.count() == before + 1
    assert actions.last_to_undo(dana).label == f"Inserted {job.number} into the route of {tess}"
    actions.undo_action(actions.last_to_undo(dana), by=dana)
    assert (again(urgent).technician, again(second).planned_starts_at) == (None, second.planned_starts_at)


def test_what_fits_into_a_gap_pushes_nobody(job_at, urgent, dana, tess):
    later = job_at(6, at(15))
    (option,) = options(urgent, dana).found
    assert option.planned.keys() == {urgent.pk}
    actions.insert_job(urgent, tess, option.order, by=dana)
    assert again(later).planned_starts_at == at(15)


def test_inserting_is_one_event(full_day, urgent, dana, tess, monkeypatch):
    (option,) = options(urgent, dana).found
    published = []
    monkeypatch.setattr(realtime, "publish", lambda event, **data: published.append((event, data.get("jobs"))))
    actions.insert_job(urgent, tess, option.order, by=dana)
    (jobs,) = [jobs for event, jobs in published if event == "job-changed"]
    assert {urgent.pk, full_day[1].pk, full_day[2].pk} <= set(jobs)


def test_fixed_appointment_stays_and_is_gone_around(full_day, urgent, dana, tess):
    _, second, _ = full_day
    Job.objects.filter(pk=second.pk).update(is_fixed=True)
    (option,) = options(urgent, dana).found
    actions.insert_job(urgent, tess, option.order, by=dana)
    assert again(second).planned_starts_at == second.planned_starts_at
    assert option.order.index(urgent.pk) > option.order.index(second.pk)


def test_jobs_that_become_late_are_named_with_their_minutes(job_at, dana):
    tight = job_at(6, at(8, 30), window_starts_at=at(8), window_ends_at=at(9, 15), duration_minutes=400)
    block = {"window_starts_at": at(8), "window_ends_at": at(9), "duration_minutes": 90}
    urgent = job_at(5, technician=False, priority=Priority.URGENT, **block)
    (option,) = options(urgent, dana).found
    (delay,) = option.late
    late_by = option.planned[tight.pk] - tight.window_ends_at
    assert (delay.name, delay.is_itself, delay.minutes) == (tight.number, False, late_by / timedelta(minutes=1))
    assert option.cost_minutes >= 2 * delay.minutes
    assert [shift.name for shift in option.shifted] == [tight.number]


def test_nearest_comes_first_and_each_technician_once(full_day, uma, dana, tess, job_at):
    near_uma = job_at(15, technician=False, priority=Priority.URGENT)
    found = options(near_uma, dana).found
    assert [option.technician for option in found] == [uma, tess]
    assert found[0].cost_minutes < found[1].cost_minutes


def test_whoever_lacks_the_skill_is_not_offered_and_that_is_said(full_day, urgent, uma, dana, tess):
    gas = SkillFactory(name="Gas")
    urgent.required_skills.create(skill=gas, level=3)
    none = options(urgent, dana)
    assert none.found == ()
    assert any("Gas" in reason for reason in none.reasons)
    TechnicianSkill.objects.create(technician=uma, skill=gas, level=4)
    assert [option.technician for option in options(urgent, dana).found] == [uma]


def test_job_on_hold_says_so(urgent, full_day, dana):
    actions.hold_job(urgent, "Waiting for parts", by=dana)
    assert options(urgent, dana).reasons == ("On hold: Waiting for parts.",)


def test_route_that_changed_meanwhile_is_not_overwritten(full_day, urgent, dana, omar, tess, job_at):
    (option,) = options(urgent, dana).found
    actions.unassign_job(full_day[2], by=omar)
    with pytest.raises(ActionRefused, match="has changed since you looked"):
        actions.insert_job(urgent, tess, option.order, by=dana)
    assert again(urgent).technician is None
    assert again(full_day[1]).planned_starts_at == full_day[1].planned_starts_at


def test_started_job_is_never_pushed(job_at, dana, tess):
    """Today: what is under way stays, and the urgent one comes after it."""
    today = timezone.localdate()
    tess.working_hours.update(starts_at=time(0), ends_at=time(23, 59))
    current = job_at(1, timezone.now(), scheduled_on=today, duration_minutes=20)
    actions.change_status(current, Status.IN_PROGRESS, by=dana)
    urgent = job_at(5, technician=False, scheduled_on=today, priority=Priority.URGENT, duration_minutes=10)
    found = options(urgent, dana)
    for option in found.found:
        assert current.pk not in option.order
        assert option.starts_at >= timezone.now() + timedelta(minutes=15)


def test_job_of_somebody_else_can_be_inserted_elsewhere(full_day, uma, dana, tess, job_at):
    job = job_at(15, at(11))
    option = next(option for option in options(job, dana).found if option.technician == uma)
    moved = actions.insert_job(job, uma, option.order, by=dana)
    assert (moved.technician, moved.planned_starts_at) == (uma, option.starts_at)


def test_loading_takes_as_many_queries_for_many_routes_as_for_few(full_day, urgent, dana, north, job_at):
    urgent = Job.objects.with_board_info().get(pk=urgent.pk)
    options(urgent, dana)
    with CaptureQueriesContext(connection) as few:
        insertions_for(urgent, user=dana, now=timezone.now())
    for number in range(5):
        other = works(TechnicianFactory(zones=[north]), longitude=-75.1)
        for hour in range(3):
            job_at(number, at(9 + hour), technician=other)
    with CaptureQueriesContext(connection) as many:
        insertions_for(urgent, user=dana, now=timezone.now())
    assert len(many) == len(few), [query["sql"][:90] for query in many]


# The dialog ---------------------------------------------------------------------------------------


def dialog(client, job, **posted):
    url = reverse("insert_job", args=[job.pk])
    return client.post(url, posted, headers=HTMX) if posted else client.get(url, headers=HTMX)


def test_dialog_says_who_when_and_what_it_costs(client, full_day, urgent, dana, tess):
    client.force_login(dana)
    (option,) = options(urgent, dana).found
    page = dialog(client, urgent)
    words = text_of(page)
    assert f"{tess} Costs least" in words
    assert f"Begins {timezone.localtime(option.starts_at):%H:%M} between {full_day[0].number} and" in words
    assert f"Shifts {len(option.shifted)} jobs by up to" in words
    assert f'value="{option.value}"' in html_of(page)


def test_dispatcher_inserts_from_the_dialog(client, full_day, urgent, dana, tess):
    client.force_login(dana)
    (option,) = options(urgent, dana).found
    assert dialog(client, urgent, place=option.value, seen=urgent.seen).status_code == 204
    assert again(urgent).technician == tess


def test_dispatcher_who_is_late_sees_the_places_as_they_are_now(client, full_day, urgent, dana, omar):
    client.force_login(dana)
    (option,) = options(urgent, dana).found
    actions.unassign_job(full_day[2], by=omar)
    response = dialog(client, urgent, place=option.value, seen=urgent.seen)
    assert response.status_code == 409
    assert "has changed since you looked" in text_of(response)
    assert options(urgent, dana).found[0].value in html_of(response)


@pytest.mark.parametrize("place", ["x", "1:", "1:x", ":1", "0:1", "99999999:1", "1:²", "1:" + "9" * 30])
def test_odd_places_get_an_answer_and_not_a_crash(client, full_day, urgent, dana, place):
    client.force_login(dana)
    assert dialog(client, urgent, place=place).status_code in (409, 422)
    assert again(urgent).technician is None


def test_dispatcher_cannot_insert_into_the_route_of_whom_she_cannot_see(client, full_day, urgent, dana, tom):
    client.force_login(dana)
    assert dialog(client, urgent, place=f"{tom.pk}:{urgent.pk}").status_code == 422
    assert again(urgent).technician is None


def test_job_that_has_begun_is_not_inserted(client, full_day, dana):
    actions.change_status(full_day[0], Status.EN_ROUTE, by=dana)
    client.force_login(dana)
    assert "Only what has not begun" in text_of(dialog(client, full_day[0]))
    refused = dialog(client, full_day[0], place=f"{full_day[0].technician_id}:{full_day[0].pk}")
    assert refused.status_code == 409


def test_nobody_with_room_is_said_with_the_reason(client, urgent, dana, tess):
    Job.objects.filter(pk=urgent.pk).update(duration_minutes=700)
    client.force_login(dana)
    words = text_of(dialog(client, urgent))
    assert "It fits into nobody’s route." in words
    assert "18:00" in words, "when her day ends"


def test_urgent_job_offers_it_in_drawer_menu_and_tray(client, urgent, job_at, dana, full_day):
    calm = job_at(5, technician=False)
    client.force_login(dana)
    for url, job, is_there in (
        (reverse("job_drawer", args=[urgent.pk]), urgent, True),
        (reverse("job_drawer", args=[calm.pk]), calm, False),
        (reverse("job_menu", args=[calm.pk]), calm, True),
        (f"{reverse('board')}?day={DAY}", urgent, True),
        (f"{reverse('board')}?day={DAY}", calm, False),
    ):
        assert (reverse("insert_job", args=[job.pk]) in html_of(client.get(url))) == is_there, url


def test_palette_finds_where_to_insert_a_job(urgent, dana, nick):
    groups = {
        group.name: group.options for group in load_palette(dana, text=f"insert {urgent.number}", here="", recent=[])
    }
    (option,) = groups["Insert into a route"]
    assert (option.url, option.is_dialog) == (reverse("insert_job", args=[urgent.pk]), True)
    assert load_palette(nick, text=f"insert {urgent.number}", here="", recent=[]) == []


def test_palette_offers_urgent_jobs_that_wait_for_the_bare_word(urgent, job_at, dana):
    job_at(5, technician=False)
    groups = {group.name: group.options for group in load_palette(dana, text="insert", here="", recent=[])}
    assert [option.key for option in groups["Insert into a route"]] == [f"insert.{urgent.pk}"]
