"""What maintenance plans make, and what becomes of it when they are changed, paused and skipped."""

from copy import copy
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatch import actions, tasks
from dispatch.actions import maintenance_visits
from dispatch.models import BoardAction, Job, MaintenancePlan, MaintenanceVisit, Notification, Priority, Status
from dispatch.notices.notify import Kind
from technicians.models import WorkingHours
from tests.factories import JobTypeFactory, SiteFactory, SkillFactory, make_plan

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)  # a Wednesday, 10:00 in New York
DAY = timedelta(days=1)
MONDAYS = [date(2026, 11, 23), date(2026, 11, 30), date(2026, 12, 7), date(2026, 12, 14)]
NINE, ELEVEN = time(9), time(11)


@pytest.fixture(autouse=True)
def wednesday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def plan(dana, north):
    return make_plan(by=dana, zone=north, window_starts=NINE, window_ends=ELEVEN)


def jobs_of(plan) -> list[Job]:
    return [visit.job for visit in plan.visits.select_related("job") if visit.job]


def days_of(plan) -> list[date]:
    return [job.scheduled_on for job in jobs_of(plan) if job.status != Status.CANCELLED]


def changed(plan, *, by, made=None, now=NOW, **values) -> MaintenancePlan:
    after = copy(plan)
    for name, value in values.items():
        setattr(after, name, value)
    kwargs = {"made": made} if made else {}
    return actions.save_maintenance_plan(after, by=by, base_version=plan.version, now=now, **kwargs)


# Making -------------------------------------------------------------------------------------------


def test_a_new_plan_makes_its_visits_ahead(plan, dana):
    assert days_of(plan) == MONDAYS
    job = jobs_of(plan)[0]
    assert (job.source, job.created_by, job.status, job.site) == (Job.Source.PLAN, None, Status.CREATED, plan.site)
    assert job.window_starts_at == datetime(2026, 11, 23, 14, tzinfo=UTC)
    assert job.window_ends_at == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert job.description == "Boiler service"
    assert job.zone == plan.site.zone


def test_making_again_makes_nothing_twice(plan):
    assert tasks.make_maintenance_visits() == 0
    assert days_of(plan) == MONDAYS


def test_nobody_waits_for_many_visits_and_none_are_made_by_hundreds(dana, north, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        plan = make_plan(by=dana, zone=north, rule="FREQ=DAILY", days_ahead=400)
    assert days_of(plan) == [NOW.date() + number * DAY for number in range(25)]
    sent = [send.calls for send in callbacks if hasattr(send, "calls")]
    assert ("dispatch.tasks.make_maintenance_visits", "default", [()]) in sent
    assert tasks.make_maintenance_visits() == 35
    assert days_of(plan) == [NOW.date() + number * DAY for number in range(60)]
    assert tasks.make_maintenance_visits() == 0
    assert actions.make_maintenance_visits(now=NOW + DAY) == 1


def test_each_day_one_more_comes_into_reach(plan):
    assert actions.make_maintenance_visits(now=NOW + 2 * DAY) == 0
    assert actions.make_maintenance_visits(now=NOW + 3 * DAY) == 1
    assert days_of(plan)[-1] == date(2026, 12, 21)


def test_after_an_outage_the_last_of_those_missed_is_made_and_shown_as_overdue(dana, north):
    plan = make_plan(by=dana, zone=north, days_ahead=3)
    assert days_of(plan) == []
    later = NOW + 21 * DAY  # Wednesday, 9 December
    assert actions.make_maintenance_visits(now=later) == 1
    assert days_of(plan) == [date(2026, 12, 7)]
    assert actions.make_maintenance_visits(now=later + timedelta(hours=1)) == 0


def test_a_plan_that_began_long_ago_makes_nothing_of_its_past(dana, north):
    plan = make_plan(by=dana, zone=north, starts_on=date(2020, 1, 6))
    assert days_of(plan) == MONDAYS


def test_one_that_has_ended_makes_no_more(dana, north):
    plan = make_plan(by=dana, zone=north, ends_on=MONDAYS[1])
    assert days_of(plan) == MONDAYS[:2]


def test_nine_in_the_morning_stays_so_when_the_clocks_change(dana, north):
    with time_machine.travel(datetime(2026, 10, 25, 15, tzinfo=UTC), tick=False):
        plan = make_plan(by=dana, zone=north, window_starts=NINE, window_ends=ELEVEN, days_ahead=10)
    assert [job.window_starts_at for job in jobs_of(plan)] == [
        datetime(2026, 10, 26, 13, tzinfo=UTC),
        datetime(2026, 11, 2, 14, tzinfo=UTC),
    ]
    with time_machine.travel(datetime(2027, 3, 5, 15, tzinfo=UTC), tick=False):
        plan = make_plan(
            by=dana, zone=north, rule="FREQ=DAILY", window_starts=time(2, 30), window_ends=time(4), days_ahead=3
        )
    local = [job.window_starts_at.astimezone(ZoneInfo("America/New_York")) for job in jobs_of(plan)]
    assert [(at.day, f"{at:%H:%M}") for at in local] == [(5, "02:30"), (6, "02:30"), (7, "02:30"), (8, "02:30")]
    with time_machine.travel(datetime(2027, 3, 12, 15, tzinfo=UTC), tick=False):
        actions.make_maintenance_visits(now=timezone.now())
    skipped_hour = plan.visits.get(due_on=date(2027, 3, 14)).job.window_starts_at
    assert skipped_hour == datetime(2027, 3, 14, 7, 30, tzinfo=UTC)  # 3:30 on that day


@timezone.override(ZoneInfo("America/New_York"))
def test_a_late_visit_in_another_zone_is_on_the_board_of_its_own_day(dana, north):
    """22:00 in Los Angeles is 1:00 of the next day where the business is."""
    plan = make_plan(by=dana, zone=north, time_zone="America/Los_Angeles", window_starts=time(22), window_ends=time(23))
    assert plan.visits.first().due_on == MONDAYS[0]
    assert jobs_of(plan)[0].scheduled_on == MONDAYS[0] + DAY


def test_today_is_the_day_of_the_plans_zone(dana, north):
    with time_machine.travel(datetime(2026, 11, 24, 2, tzinfo=UTC), tick=False):  # Monday evening in New York
        assert days_of(make_plan(by=dana, zone=north, days_ahead=1))[0] == date(2026, 11, 23)
        tokyo = make_plan(by=dana, zone=north, days_ahead=1, time_zone="Asia/Tokyo")
    assert days_of(tokyo) == []


def test_nothing_is_promised_by_sla_for_planned_work(plan, dana):
    """Made weeks ahead it would be late before its day; its time block is what is promised."""
    job = jobs_of(plan)[0]
    assert not hasattr(job, "response_clock")
    actions.edit_job(job, {"priority": Priority.URGENT}, by=dana, base_version=job.version)
    job = Job.objects.get(pk=job.pk)
    assert not hasattr(job, "response_clock")
    assert not hasattr(job, "resolution_clock")


@pytest.fixture
def working_tess(tess):
    for weekday in range(7):
        WorkingHours.objects.create(technician=tess, weekday=weekday, starts_at=time(8), ends_at=time(17))
    return tess


def test_the_usual_technician_gets_the_visits_and_is_told_once(dana, north, working_tess):
    plan = make_plan(by=dana, zone=north, technician=working_tess)
    assert {job.technician for job in jobs_of(plan)} == {working_tess}
    told = Notification.objects.get(kind=Kind.ASSIGNED)
    assert told.recipient == working_tess.user
    assert told.text.startswith("4 jobs assigned")
    assert not BoardAction.objects.exists()


def test_a_usual_technician_who_is_away_does_not_get_the_visit_and_it_says_why(dana, north, working_tess):
    off = {"starts_at": datetime(2026, 11, 30, 5, tzinfo=UTC), "ends_at": datetime(2026, 12, 1, 5, tzinfo=UTC)}
    working_tess.time_off.create(kind="vacation", **off)
    plan = make_plan(by=dana, zone=north, technician=working_tess)
    _, away, *_ = jobs_of(plan)
    assert [job.technician for job in jobs_of(plan)] == [working_tess, None, working_tess, working_tess]
    assert away.why_unassigned.startswith("Tess usually does this. ")


def test_a_usual_technician_without_the_skill_does_not_get_it(dana, north, working_tess):
    kind = JobTypeFactory(name="Lift service")
    kind.required_skills.create(skill=SkillFactory(name="Lift"))
    plan = make_plan(by=dana, zone=north, technician=working_tess, job_type=kind)
    assert {job.technician for job in jobs_of(plan)} == {None}
    assert "Lacks Lift" in jobs_of(plan)[0].why_unassigned


@pytest.mark.expects_error_logs
def test_a_broken_plan_does_not_stop_the_others(dana, north, plan, caplog):
    MaintenancePlan.objects.filter(pk=plan.pk).update(time_zone="Mars/Olympus", days_ahead=60)
    other = make_plan(by=dana, zone=north, name="Other")
    MaintenanceVisit.objects.filter(plan=other).delete()
    assert actions.make_maintenance_visits(now=NOW) == 4
    assert f"Maintenance plan {plan.pk} makes no visits" in caplog.text


def test_the_database_keeps_one_visit_a_day(plan):
    with pytest.raises(IntegrityError), transaction.atomic():
        MaintenanceVisit.objects.create(plan=plan, due_on=MONDAYS[0], made_at=NOW)


def test_many_plans_without_anything_to_do_take_as_many_queries_as_one(dana, north, plan):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert actions.make_maintenance_visits(now=NOW) == 0
        return len(found)

    one = queries()
    for number in range(5):
        make_plan(by=dana, zone=north, name=f"Plan {number}", rule="FREQ=MONTHLY;BYMONTHDAY=1")
    assert queries() == one


# Who may ------------------------------------------------------------------------------------------


def test_dispatcher_cannot_plan_outside_her_zones(dana, omar, south):
    with pytest.raises(actions.ActionRefused, match="where you do not dispatch"):
        make_plan(by=dana, zone=south)
    foreign = make_plan(by=omar, zone=south)
    assert not MaintenancePlan.objects.visible_to(dana).exists()
    with pytest.raises((PermissionDenied, actions.ActionRefused)):
        changed(foreign, by=dana, name="Mine now")
    with pytest.raises(PermissionDenied):
        actions.skip_visit(foreign, MONDAYS[0], "No", by=dana)


def test_dispatcher_cannot_move_a_plan_of_another_zone_into_hers(dana, omar, north, south):
    foreign = make_plan(by=omar, zone=south)
    mine = SiteFactory(latitude=40.1, longitude=-75.1)
    actions.locate_site(mine)
    with pytest.raises(PermissionDenied):
        changed(foreign, by=dana, site=mine)


def test_technicians_plan_nothing(tess, plan):
    for verb in (
        lambda: make_plan(by=tess.user),
        lambda: changed(plan, by=tess.user, name="x"),
        lambda: actions.skip_visit(plan, MONDAYS[0], "No", by=tess.user),
        lambda: actions.unskip_visit(plan, MONDAYS[0], by=tess.user),
    ):
        with pytest.raises(PermissionDenied):
            verb()


def test_a_rule_that_never_comes_true_is_refused(dana, north):
    with pytest.raises(actions.ActionRefused, match="ever"):
        make_plan(by=dana, zone=north, rule="FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1;BYMONTH=12")
    with pytest.raises(actions.ActionRefused, match="not understood"):
        make_plan(by=dana, zone=north, rule="FREQ=HOURLY")


# Changing -----------------------------------------------------------------------------------------


def test_a_change_that_matters_to_made_visits_asks_first(plan, dana):
    with pytest.raises(actions.MadeAlready) as asked:
        changed(plan, by=dana, rule="FREQ=WEEKLY;BYDAY=TU")
    assert [one.to for one in asked.value.consequences] == [day + DAY for day in MONDAYS]
    plan.refresh_from_db()
    assert plan.rule == "FREQ=WEEKLY;BYDAY=MO"


def test_one_that_does_not_matter_does_not_ask(plan, dana):
    after = changed(plan, by=dana, days_ahead=40)
    assert after.version == 2
    assert len(days_of(plan)) == 6  # and makes at once what is in reach now


def test_made_visits_follow_to_other_days(plan, dana):
    ids = [job.pk for job in jobs_of(plan)]
    changed(plan, by=dana, rule="FREQ=WEEKLY;BYDAY=TU", made=actions.FOLLOW)
    tuesdays = [day + DAY for day in MONDAYS]
    assert days_of(plan) == tuesdays
    assert [visit.due_on for visit in plan.visits.all()] == tuesdays
    assert [job.pk for job in jobs_of(plan)] == ids
    job = jobs_of(plan)[0]
    assert job.window_starts_at == datetime(2026, 11, 24, 14, tzinfo=UTC)
    assert job.field_changes.get().actor == dana
    assert tasks.make_maintenance_visits() == 0
    assert not BoardAction.objects.exists()


def test_made_visits_stay_when_told_so_and_none_is_made_beside_them_on_the_same_day(plan, dana):
    changed(plan, by=dana, rule="FREQ=WEEKLY;BYDAY=MO,TU", made=actions.STAY)
    expected = sorted([*MONDAYS, *(day + DAY for day in MONDAYS)])
    assert days_of(plan) == expected


def test_what_is_no_longer_due_is_cancelled(plan, dana):
    jobs = jobs_of(plan)
    changed(plan, by=dana, rule="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", made=actions.FOLLOW)
    assert days_of(plan) == [MONDAYS[1], MONDAYS[3]]
    cancelled = Job.objects.filter(status=Status.CANCELLED)
    assert {job.pk for job in cancelled} == {jobs[0].pk, jobs[2].pk}
    assert "maintenance plan “Boiler service” was changed" in cancelled[0].status_changes.last().note


def test_another_time_of_day_moves_the_block(plan, dana):
    changed(plan, by=dana, window_starts=time(13), window_ends=time(15), made=actions.FOLLOW)
    assert jobs_of(plan)[0].window_starts_at == datetime(2026, 11, 23, 18, tzinfo=UTC)


def test_details_follow_but_what_a_dispatcher_wrote_stays(plan, dana):
    first, second, *_ = jobs_of(plan)
    actions.edit_job(first, {"description": "Bring the ladder"}, by=dana, base_version=first.version)
    changed(plan, by=dana, description="Yearly check", duration_minutes=90, made=actions.FOLLOW)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.description, first.duration_minutes) == ("Bring the ladder", 90)
    assert (second.description, second.duration_minutes) == ("Yearly check", 90)


def test_another_type_brings_its_skills(plan, dana):
    kind = JobTypeFactory(name="Lift service")
    kind.required_skills.create(skill=SkillFactory(name="Lift"))
    changed(plan, by=dana, job_type=kind, made=actions.FOLLOW)
    assert {str(need.skill) for job in jobs_of(plan) for need in job.required_skills.all()} == {"Lift"}


def test_visits_that_somebody_moved_or_began_stay(plan, dana, working_tess):
    begun, moved, *_ = jobs_of(plan)
    begun = actions.assign_job(begun, working_tess, by=dana)
    actions.change_status(begun, Status.IN_PROGRESS, by=dana)
    actions.edit_job(moved, {"scheduled_on": date(2026, 12, 3)}, by=dana, base_version=moved.version)
    changed(plan, by=dana, rule="FREQ=WEEKLY;BYDAY=TU", made=actions.FOLLOW)
    moved.refresh_from_db()
    begun.refresh_from_db()
    assert moved.scheduled_on == date(2026, 12, 3)
    assert begun.scheduled_on == MONDAYS[0]


def test_another_usual_technician_gets_those_that_follow_and_both_are_told(dana, north, working_tess, tom, plan):
    tom.zones.add(north)
    for weekday in range(7):
        WorkingHours.objects.create(technician=tom, weekday=weekday, starts_at=time(8), ends_at=time(17))
    plan = changed(plan, by=dana, technician=working_tess, made=actions.FOLLOW)
    assert {job.technician for job in jobs_of(plan)} == {working_tess}
    plan = changed(plan, by=dana, technician=tom, made=actions.FOLLOW)
    assert {job.technician for job in jobs_of(plan)} == {tom}
    assert Notification.objects.filter(recipient=working_tess.user, kind=Kind.UNASSIGNED).count() == 1
    assert Notification.objects.filter(recipient=tom.user, kind=Kind.ASSIGNED).count() == 1


def test_who_edits_what_somebody_else_has_saved_is_told(plan, dana, omar):
    changed(plan, by=omar, days_ahead=20)
    with pytest.raises(actions.ActionRefused, match="Somebody has changed"):
        changed(plan, by=dana, days_ahead=10)


def test_a_paused_plan_makes_nothing_and_does_not_catch_up(plan, dana):
    paused = actions.set_maintenance_active(plan, False, made=actions.STAY, by=dana, now=NOW)
    assert days_of(plan) == MONDAYS
    later = NOW + 60 * DAY
    assert actions.make_maintenance_visits(now=later) == 0
    actions.set_maintenance_active(paused, True, by=dana, now=later)
    made_then = [day for day in days_of(plan) if day not in MONDAYS]
    assert min(made_then) >= later.date()


def test_pausing_may_cancel_what_is_made(plan, dana):
    with pytest.raises(actions.MadeAlready):
        actions.set_maintenance_active(plan, False, by=dana, now=NOW)
    actions.set_maintenance_active(plan, False, made=actions.FOLLOW, by=dana, now=NOW)
    assert days_of(plan) == []
    assert Job.objects.filter(status=Status.CANCELLED).count() == 4


# Skipping -----------------------------------------------------------------------------------------


def test_a_skipped_visit_cancels_its_job_and_is_not_made_again(plan, dana):
    visit = actions.skip_visit(plan, MONDAYS[1], "Customer on holiday", by=dana, now=NOW)
    assert (visit.is_skipped, visit.skipped_by) == (True, dana)
    assert visit.job.status_changes.last().note == "Visit skipped: Customer on holiday"
    assert days_of(plan) == [MONDAYS[0], *MONDAYS[2:]]
    assert tasks.make_maintenance_visits() == 0


def test_a_visit_that_is_far_ahead_can_be_skipped_before_it_is_made(plan, dana):
    far = date(2026, 12, 28)
    actions.skip_visit(plan, far, "Closed between the years", by=dana, now=NOW)
    actions.make_maintenance_visits(now=NOW + 20 * DAY)
    assert far not in days_of(plan)
    assert date(2026, 12, 21) in days_of(plan)


def test_who_skips_says_why_and_once_and_only_what_is_due(plan, dana, omar):
    with pytest.raises(actions.ActionRefused, match="Say why"):
        actions.skip_visit(plan, MONDAYS[0], " ", by=dana, now=NOW)
    with pytest.raises(actions.ActionRefused, match="No visit is due"):
        actions.skip_visit(plan, MONDAYS[0] + DAY, "No", by=dana, now=NOW)
    actions.skip_visit(plan, MONDAYS[0], "Moving house", by=omar, now=NOW)
    with pytest.raises(actions.ActionRefused, match="Omar has skipped this visit already: Moving house"):
        actions.skip_visit(plan, MONDAYS[0], "No", by=dana, now=NOW)


def test_a_visit_that_has_begun_cannot_be_skipped(plan, dana, working_tess):
    job = actions.assign_job(jobs_of(plan)[0], working_tess, by=dana)
    actions.change_status(job, Status.EN_ROUTE, by=dana)
    with pytest.raises(actions.ActionRefused, match="cannot be skipped"):
        actions.skip_visit(plan, MONDAYS[0], "No", by=dana, now=NOW)


def test_a_skip_is_taken_back(plan, dana):
    far = date(2026, 12, 28)
    actions.skip_visit(plan, MONDAYS[0], "No", by=dana, now=NOW)
    actions.skip_visit(plan, far, "No", by=dana, now=NOW)
    actions.unskip_visit(plan, MONDAYS[0], by=dana, now=NOW)
    actions.unskip_visit(plan, far, by=dana, now=NOW)
    assert days_of(plan) == MONDAYS
    assert not plan.visits.filter(due_on=far).exists()
    with pytest.raises(actions.ActionRefused, match="not skipped"):
        actions.unskip_visit(plan, far, by=dana, now=NOW)


def test_whoever_has_a_skipped_visit_is_told(dana, north, working_tess):
    plan = make_plan(by=dana, zone=north, technician=working_tess)
    actions.skip_visit(plan, MONDAYS[0], "Customer on holiday", by=dana, now=NOW)
    assert Notification.objects.get(kind=Kind.CANCELLED).recipient == working_tess.user


def test_a_change_leaves_skipped_days_alone(plan, dana):
    actions.skip_visit(plan, MONDAYS[1], "No", by=dana, now=NOW)
    changed(plan, by=dana, window_starts=time(13), window_ends=time(15), made=actions.FOLLOW)
    assert days_of(plan) == [MONDAYS[0], *MONDAYS[2:]]


def test_boards_hear_of_all_new_visits_at_once(dana, north, django_capture_on_commit_callbacks, monkeypatch):
    told = []
    monkeypatch.setattr("dispatch.realtime._publish_now", lambda *event: told.append(event))
    with django_capture_on_commit_callbacks(execute=True):
        plan = make_plan(by=dana, zone=north)
    created = [event for event in told if event[0] == "job-created"]
    assert [sorted(payload["jobs"]) for _, _, payload in created] == [[job.pk for job in jobs_of(plan)]]


def test_a_day_at_the_end_of_time_is_refused_without_counting_up_to_it(dana, north):
    plan = make_plan(by=dana, zone=north, rule="FREQ=DAILY", days_ahead=1)
    begun = monotonic()
    with pytest.raises(actions.ActionRefused, match="No visit is due"):
        actions.skip_visit(plan, date.max, "No", by=dana, now=NOW)
    assert monotonic() - begun < 0.5


def test_dispatcher_skips_no_visit_whose_job_has_gone_to_a_zone_of_others(plan, dana, south):
    job = jobs_of(plan)[0]
    there = SiteFactory(zone=south)
    Job.objects.filter(pk=job.pk).update(site=there, zone=south)
    with pytest.raises(actions.ActionRefused, match="where you do not dispatch"):
        actions.skip_visit(plan, MONDAYS[0], "No", by=dana, now=NOW)
    assert Job.objects.get(pk=job.pk).status == Status.CREATED


@pytest.mark.expects_error_logs
def test_a_plan_whose_visits_fail_does_not_stop_the_others(dana, north, plan, monkeypatch, caplog):
    other = make_plan(by=dana, zone=north, name="Other")
    first = min(plan.pk, other.pk)
    make = maintenance_visits._make

    def fail_for_the_first(plan, day, *, now):
        if plan.pk == first:
            raise IntegrityError("Something of this plan does not fit")
        return make(plan, day, now=now)

    monkeypatch.setattr(maintenance_visits, "_make", fail_for_the_first)
    assert actions.make_maintenance_visits(now=NOW + 7 * DAY) == 1
    assert "makes no visits" in caplog.text
