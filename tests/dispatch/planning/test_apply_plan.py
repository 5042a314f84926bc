"""Applying a plan: as if every job had been given to its technician by hand, but all at once or not at all."""

import json
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from dispatch import actions, realtime
from dispatch.actions.applying import goes_with
from dispatch.actions.plans import Kind, State
from dispatch.day.route_review import load_route_review
from dispatch.models import BoardAction, Job, Notification, Plan, Priority, Status, WebhookEvent
from dispatch.placement import Placement
from dispatch.planning.store import load_proposal
from technicians import attendance
from technicians.models import Proficiency, Skill, WorkingHours
from tests.factories import SiteFactory, TechnicianFactory, make_job
from tests.threads import at_the_same_time, winners_and_losers
from zones.access import grant_zones

DAY = date(2037, 12, 1)
NOW = timezone.make_aware(datetime.combine(date(2037, 11, 30), time(9)))

pytestmark = pytest.mark.django_db


def at(hour: int, minute: int = 0, day: date = DAY):
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


@pytest.fixture
def technician_of(north):
    def make(name, *, pause=None, **fields):
        technician = TechnicianFactory(user__username=name, zones=[north], **fields)
        for weekday in range(7):
            row = WorkingHours(technician=technician, weekday=weekday, starts_at=time(8), ends_at=time(17))
            row.break_starts_at, row.break_ends_at = pause or (None, None)
            row.save()
        return technician

    return make


@pytest.fixture
def ana(technician_of):
    return technician_of("ana", home_latitude=40.05, home_longitude=-75.2)


@pytest.fixture
def ben(technician_of):
    return technician_of("ben", home_latitude=40.05, home_longitude=-75.0)


@pytest.fixture
def job_at(dana, north):
    """A job so far east of Ana's home, in hundredths of a degree; Ben lives at 20."""

    def make(east: float = 1, technician=None, **fields):
        site = SiteFactory(latitude=40.05, longitude=-75.2 + east / 100, zone=north)
        fields = {"scheduled_on": DAY, "now": NOW, "by": dana, "site": site, **fields}
        if technician:
            fields |= {"status": Status.ASSIGNED, "technician": technician}
        return make_job(**fields)

    return make


def plan_of(people, *, by, kind=Kind.DAY, day=DAY, now=NOW, **options) -> Plan:
    plan = actions.ask_for_plan(kind, day, people, by=by, now=now, seconds=1, **options)
    return actions.work_out_plan(plan.pk, now=now, iterations=200)


def fresh(job) -> Job:
    return Job.objects.select_related("arrival", "technician").get(pk=job.pk)


@pytest.fixture
def told(monkeypatch):
    """The live events, as (name, what it is about)."""
    events = []

    def publish(event, *, groups, even_muted=False, **payload):
        if even_muted or not realtime.is_muted():
            events.append((event, payload))

    monkeypatch.setattr(realtime, "publish", publish)
    return events


# What it leaves behind ----------------------------------------------------------------------------


def test_jobs_are_left_as_if_each_had_been_given_by_hand(dana, ana, ben, job_at):
    """The same rows of the job and of its logs; the version counts once where by hand it counts twice."""
    planned, by_hand = job_at(1), job_at(1)
    Job.objects.filter(pk=by_hand.pk).update(scheduled_on=DAY + timedelta(days=1))
    plan = plan_of([ana], by=dana)
    actions.apply_plan(plan, by=dana, now=NOW)
    starts_at = fresh(planned).planned_starts_at
    Job.objects.filter(pk=by_hand.pk).update(scheduled_on=DAY)
    actions.place_job(
        by_hand, Placement(ana, DAY, starts_at), by=dana, on_conflict=actions.ANYWAY, note="Plan the day", now=NOW
    )
    rows = [Job.objects.filter(pk=job.pk).values().get() for job in (planned, by_hand)]
    for row in rows:
        for name in ("id", "site_id", "customer_id", "version", "created_at"):
            row.pop(name)
    assert rows[0] == rows[1]
    for log, ignored in (("status_changes", ()), ("field_changes", ("version",))):
        logs = [list(getattr(job, log).values()) for job in (planned, by_hand)]
        for row in (*logs[0], *logs[1]):
            for name in ("id", "job_id", *ignored):
                row.pop(name)
        assert logs[0][-1] == logs[1][-1]
        assert len(logs[0]) == len(logs[1])


def test_other_systems_are_told_what_was_applied_and_of_each_job(dana, ada, ana, job_at):
    job = job_at(1)
    plan = plan_of([ana], by=dana)
    actions.add_webhook("https://erp.example.com/hook", by=ada)
    actions.apply_plan(plan, by=dana, now=NOW)
    told = {event.kind: event.content for event in WebhookEvent.objects.all()}
    assert told["plan.applied"] == {
        "plan_id": plan.pk,
        "kind": "day",
        "day": DAY.isoformat(),
        "technician_ids": [ana.pk],
        "job_ids": [job.pk],
    }
    assert told["job.status_changed"]["job"]["id"] == job.pk


def test_predictions_agree_with_what_the_plan_said(dana, technician_of, job_at):
    people = [technician_of(f"t{n}", pause=(time(12), time(12, 30))) for n in range(3)]
    for number in range(14):
        block = (
            {"window_starts_at": at(9 + number % 6), "window_ends_at": at(10 + number % 6)} if number % 3 == 0 else {}
        )
        job_at(number, duration_minutes=(30, 60, 95)[number % 3], **block)
    job_at(5, people[0], planned_starts_at=at(11, 30), is_fixed=True, duration_minutes=60)
    job_at(5, people[1], site=SiteFactory(), planned_starts_at=at(13))
    job_at(2, duration_minutes=5 * 60)
    plan = plan_of(people, by=dana)
    actions.apply_plan(plan, by=dana, now=NOW)
    seen = 0
    for route in load_proposal(plan, user=dana).routes:
        assert [stop.starts_at for stop in route.stops] == sorted(stop.starts_at for stop in route.stops)
        assert all(before.ends_at <= after.starts_at for before, after in pairwise(route.stops))
        for stop in route.stops:
            arrival, seen = fresh(stop.job).arrival, seen + 1
            assert (arrival.arrives_at, arrival.starts_at, arrival.ends_at) == (
                stop.arrives_at,
                stop.starts_at,
                stop.ends_at,
            )
            assert (arrival.late_minutes, arrival.travel_minutes) == (stop.late_minutes, stop.travel_minutes)
        assert sum(stop.km for stop in route.stops) == pytest.approx(route.after.km, abs=0.1)
    assert seen > 10


def test_jobs_pinned_to_the_same_time_are_predicted_as_the_plan_says(dana, ana, job_at):
    """Neither can be moved: they come in the order in which the board has them."""
    for east, urgent in ((9, 0), (1, 0), (5, 1)):
        priority = Priority.HIGH if urgent else Priority.NORMAL
        pinned = job_at(east, ana, planned_starts_at=at(9), priority=priority)
        actions.pin_job(pinned, time=True, technician=True, by=dana)
    plan = plan_of([ana], by=dana)
    actions.apply_plan(plan, by=dana, now=NOW)
    (stops,) = [route.stops for route in load_proposal(plan, user=dana).routes]
    assert len(stops) == 3
    assert [fresh(stop.job).arrival.starts_at for stop in stops] == [stop.starts_at for stop in stops]


def test_replan_from_now_agrees_with_the_predictions_too(dana, ana, job_at):
    now = at(10, 7)
    attendance.clock_in(ana, now=at(8))
    begun = job_at(6, ana, planned_starts_at=at(9), duration_minutes=90)
    for status, minute in ((Status.EN_ROUTE, 5), (Status.IN_PROGRESS, 20)):
        actions.change_status(begun, status, by=ana.user, now=at(9, minute))
    jobs = [job_at(east, ana, planned_starts_at=at(hour)) for east, hour in ((18, 11), (2, 13), (17, 14))]
    plan = plan_of([ana], by=dana, kind=Kind.REPLAN, now=now, stability=0)
    (route,) = load_proposal(plan, user=dana).routes
    assert begun.pk not in [stop.job_id for stop in route.stops]
    assert route.stops[0].starts_at >= at(10, 50), "what goes on is done first"
    actions.apply_plan(plan, by=dana, now=now)
    for stop in route.stops:
        assert fresh(stop.job).arrival.starts_at == stop.starts_at
    assert route.after.minutes < route.before.minutes
    assert {job.pk for job in jobs} == {stop.job_id for stop in route.stops}


def test_one_action_one_event_one_undo_and_one_word_to_each_technician(
    dana, ana, ben, job_at, told, django_capture_on_commit_callbacks
):
    jobs = [job_at(1, ben, planned_starts_at=at(9)), job_at(2), job_at(18, ana, planned_starts_at=at(10)), job_at(19)]
    before = {job.pk: Job.objects.filter(pk=job.pk).values().get() for job in jobs}
    plan = plan_of([ana, ben], by=dana, stability=0)
    told.clear()
    actions.apply_plan(plan, by=dana, now=NOW)
    boards = [payload for event, payload in told if event == "job-changed"]
    assert [set(payload["jobs"]) for payload in boards] == [{job.pk for job in jobs}]
    kinds = Notification.objects.filter(recipient__in=[ana.user, ben.user], created_at=NOW).exclude(text="")
    told_now = kinds.order_by("pk").values_list("recipient", "kind")
    assert len(told_now) == len(set(told_now)), "each once for each kind of news"
    action = BoardAction.objects.latest("pk")
    assert (action.label, action.done_by) == ("Planned Tue 1 Dec of 2 technicians", dana)
    actions.undo_action(action, by=dana, now=NOW)
    for job in jobs:
        row = Job.objects.filter(pk=job.pk).values().get()
        assert {**row, "version": 0, "assigned_at": 0} == {**before[job.pk], "version": 0, "assigned_at": 0}


def test_nothing_is_written_where_nothing_changes(dana, ana, ben, job_at, told):
    job = job_at(1, ana, planned_starts_at=at(9))
    plan = plan_of([ana], by=dana, stability=100)
    before = BoardAction.objects.count()
    told.clear()
    assert actions.apply_plan(plan, by=dana, now=NOW) == []
    assert fresh(job).version == job.version
    assert BoardAction.objects.count() == before
    assert "job-changed" not in [event for event, _ in told]
    assert Plan.objects.get(pk=plan.pk).state == State.APPLIED


def test_overdue_job_comes_to_the_day_with_its_block(dana, ana, job_at):
    yesterday = DAY - timedelta(days=1)
    job = job_at(
        1,
        scheduled_on=yesterday,
        window_starts_at=at(13, day=yesterday),
        window_ends_at=at(15, day=yesterday),
        now=at(7, day=yesterday),
    )
    plan = plan_of([ana], by=dana, now=at(7))
    actions.apply_plan(plan, by=dana, now=at(7))
    job = fresh(job)
    assert (job.scheduled_on, job.technician) == (DAY, ana)
    assert (job.window_starts_at, job.window_ends_at) == (at(13), at(15))


def test_overdue_job_whose_block_is_over_today_too_is_done_all_the_same(dana, ana, job_at):
    """Its block comes along, and by that it is late: what the plan says is what is predicted afterwards."""
    yesterday, now = DAY - timedelta(days=1), at(14)
    block = {"window_starts_at": at(8, day=yesterday), "window_ends_at": at(10, day=yesterday)}
    job = job_at(1, scheduled_on=yesterday, now=at(7, day=yesterday), **block)
    attendance.clock_in(ana, now=at(8))
    plan = plan_of([ana], by=dana, now=now)
    assert (plan.result["left_out"], plan.result["left_aside"]) == ([], [])
    ((stop,),) = [route.stops for route in load_proposal(plan, user=dana).routes]
    actions.apply_plan(plan, by=dana, now=now)
    arrival = fresh(job).arrival
    assert (arrival.starts_at, arrival.late_minutes) == (stop.starts_at, stop.late_minutes)
    assert stop.starts_at < at(15)
    assert (fresh(job).window_starts_at, fresh(job).window_ends_at) == (at(8), at(10))


def test_overdue_job_that_does_not_fit_any_more_says_no_time_of_another_day(dana, ana, job_at):
    yesterday, now = DAY - timedelta(days=1), at(15)
    block = {"window_starts_at": at(14, day=yesterday), "window_ends_at": at(16, day=yesterday)}
    job = job_at(1, scheduled_on=yesterday, now=at(7, day=yesterday), duration_minutes=180, **block)
    attendance.clock_in(ana, now=at(8))
    plan = plan_of([ana], by=dana, now=now)
    ((row,),) = [plan.result["left_out"]]
    assert row["job"] == job.pk
    (reason,) = row["reasons"]
    assert reason["text"] == "Ana could begin at 15:02, but would end the day at 18:02 instead of 17:00."


def test_job_that_nobody_can_do_goes_back_to_the_tray(dana, ana, job_at):
    skill = Skill.objects.create(name="Gas")
    job = job_at(1, ana, skills=[actions.SkillNeed(skill.pk, Proficiency.EXPERT)], planned_starts_at=at(9))
    plan = plan_of([ana], by=dana)
    assert [move.job for move in load_proposal(plan, user=dana).unassigned] == [job]
    actions.apply_plan(plan, by=dana, now=NOW)
    job = fresh(job)
    assert (job.status, job.technician, job.scheduled_on, job.planned_starts_at) == (Status.CREATED, None, DAY, None)


def test_pinned_and_fixed_jobs_are_never_touched(dana, ana, ben, job_at):
    pinned = job_at(19, ana, planned_starts_at=at(9))
    actions.pin_job(pinned, time=True, technician=True, by=dana)
    fixed = job_at(18, ana, planned_starts_at=at(11), is_fixed=True)
    clash = job_at(1, ana, planned_starts_at=at(9, 10), duration_minutes=60)
    actions.pin_job(clash, time=True, technician=True, by=dana)
    plan = plan_of([ana, ben], by=dana, stability=0)
    actions.apply_plan(plan, by=dana, now=NOW)
    for job in (pinned, clash):
        assert (fresh(job).technician, fresh(job).planned_starts_at) == (ana, job.planned_starts_at)
    assert fresh(fixed).planned_starts_at == at(11)


# By technician ------------------------------------------------------------------------------------


@pytest.fixture
def crossed(dana, ana, ben, job_at):
    """Each has a job next to the other's home, and each gets a new one."""
    return job_at(19, ana, planned_starts_at=at(9)), job_at(1, ben, planned_starts_at=at(9)), job_at(2), job_at(18)


def test_route_that_gives_a_job_away_is_applied_with_the_one_that_gets_it(dana, ana, ben, crossed):
    to_ben, to_ana, *_ = crossed
    plan = plan_of([ana, ben], by=dana, stability=0)
    with pytest.raises(actions.ActionRefused) as refused:
        actions.apply_plan(plan, technician_ids=[ana.pk], by=dana, now=NOW)
    assert refused.value.reason == f"{to_ben.number} goes from Ana to Ben: apply Ben's route too, or nobody has it."
    assert fresh(to_ana).technician == ben
    assert goes_with(plan, [ana.pk]) == {ana.pk, ben.pk}
    actions.apply_plan(plan, technician_ids=[ana.pk, ben.pk], by=dana, now=NOW)
    assert (fresh(to_ana).technician, fresh(to_ben).technician) == (ana, ben)


def test_routes_are_applied_one_after_the_other(dana, ana, ben, job_at):
    hers, his = job_at(1), job_at(19)
    plan = plan_of([ana, ben], by=dana, stability=0)
    actions.apply_plan(plan, technician_ids=[ana.pk], by=dana, now=NOW)
    plan.refresh_from_db()
    assert (fresh(hers).technician, fresh(his).technician) == (ana, None)
    assert (plan.state, [route.is_applied for route in load_proposal(plan, user=dana).routes]) == (
        State.PROPOSED,
        [True, False],
    )
    with pytest.raises(actions.ActionRefused, match="not applied yet"):
        actions.apply_plan(plan, technician_ids=[ana.pk], by=dana, now=NOW)
    actions.change_status(hers, Status.CANCELLED, by=dana, note="No", now=NOW)
    actions.apply_plan(plan, technician_ids=[ben.pk], by=dana, now=NOW)
    plan.refresh_from_db()
    assert (fresh(his).technician, plan.state) == (ben, State.APPLIED)


def test_taking_a_job_over_needs_only_the_route_that_gets_it(dana, ana, ben, job_at):
    job = job_at(19, ana, planned_starts_at=at(9))
    job_at(1, ana, planned_starts_at=at(11))
    plan = plan_of([ana, ben], by=dana, stability=0)
    actions.apply_plan(plan, technician_ids=[ben.pk], by=dana, now=NOW)
    assert fresh(job).technician == ben
    plan.refresh_from_db()
    actions.apply_plan(plan, technician_ids=[ana.pk], by=dana, now=NOW)


def test_change_at_one_technicians_does_not_hold_up_the_others(dana, omar, ana, ben, job_at):
    hers, his = job_at(1, ana), job_at(19)
    plan = plan_of([ana, ben], by=dana, stability=0)
    actions.change_status(hers, Status.CANCELLED, by=omar, note="No", now=NOW)
    actions.apply_plan(plan, technician_ids=[ben.pk], by=dana, now=NOW)
    assert fresh(his).technician == ben
    with pytest.raises(actions.PlanOutdated):
        actions.apply_plan(plan, technician_ids=[ana.pk], by=dana, now=NOW)


def test_jobs_of_who_is_away_are_shared_out(dana, ana, ben, job_at):
    job = job_at(3, ana, planned_starts_at=at(9))
    skill = Skill.objects.create(name="Gas")
    nobody = job_at(4, ana, planned_starts_at=at(10), skills=[actions.SkillNeed(skill.pk, Proficiency.EXPERT)])
    plan = plan_of([ben], by=dana, kind=Kind.ABSENCE, absent=ana, with_unassigned=False)
    assert [route.technician for route in load_proposal(plan, user=dana).routes] == [ben]
    actions.apply_plan(plan, by=dana, now=NOW)
    assert fresh(job).technician == ben
    assert fresh(nobody).technician is None, "somebody has to look at it: it waits in the tray"
    assert BoardAction.objects.latest("pk").label == "Shared out the jobs of Ana"


# All or nothing -----------------------------------------------------------------------------------


def test_failure_in_the_middle_leaves_nothing_half_applied(dana, ana, job_at, monkeypatch):
    jobs = [job_at(n) for n in range(3)]
    plan = plan_of([ana], by=dana)

    def fails(*args, **kwargs):
        raise RuntimeError("the database went away")

    monkeypatch.setattr("dispatch.actions.applying.publish_jobs", fails)
    with pytest.raises(RuntimeError):
        actions.apply_plan(plan, by=dana, now=NOW)
    assert {fresh(job).status for job in jobs} == {Status.CREATED}
    plan = Plan.objects.get(pk=plan.pk)
    assert (plan.state, plan.result["routes"][0]["applied_at"]) == (State.PROPOSED, None)


def test_plan_is_applied_once(dana, ana, job_at):
    job_at(1)
    plan = plan_of([ana], by=dana)
    actions.apply_plan(plan, by=dana, now=NOW)
    with pytest.raises(actions.ActionRefused, match="applied already"):
        actions.apply_plan(plan, by=dana, now=NOW)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_who_apply_at_the_same_moment_one_does(dana, omar, ana, job_at):
    job = job_at(1)
    plan = plan_of([ana], by=dana)
    done, refused = winners_and_losers(
        at_the_same_time(*(lambda by=by: actions.apply_plan(plan, by=by, now=NOW) for by in (dana, omar)))
    )
    assert (len(done), "applied already" in refused[0].reason) == (1, True)
    assert fresh(job).status_changes.filter(to_status=Status.ASSIGNED).count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_who_takes_a_job_while_the_plan_is_applied_finds_it_whole(dana, omar, ana, ben, job_at):
    jobs = [job_at(n) for n in range(5)]
    plan = plan_of([ana], by=dana)

    def cancel():
        return actions.change_status(jobs[2], Status.CANCELLED, by=omar, note="No", now=NOW)

    outcomes = at_the_same_time(lambda: actions.apply_plan(plan, by=dana, now=NOW), cancel)
    states = [fresh(job).status for job in jobs]
    if isinstance(outcomes[0], actions.PlanOutdated):
        assert states == ["created", "created", "cancelled", "created", "created"]
    else:
        assert states == ["assigned", "assigned", "cancelled", "assigned", "assigned"]


def test_route_whose_giver_was_undone_is_out_of_date(dana, ana, ben, job_at):
    """What the other's route took is back: the rest was not planned around it."""
    job = job_at(19, ana, planned_starts_at=at(9))
    job_at(1, ana, planned_starts_at=at(11))
    plan = plan_of([ana, ben], by=dana, stability=0)
    actions.apply_plan(plan, technician_ids=[ben.pk], by=dana, now=NOW)
    assert fresh(job).technician == ben
    actions.undo_action(BoardAction.objects.latest("pk"), by=dana, now=NOW)
    with pytest.raises(actions.PlanOutdated, match=f"{job.number} was given to Ana by Dana"):
        actions.apply_plan(plan, technician_ids=[ana.pk], by=dana, now=NOW)


def test_who_may_not_dispatch_there_any_more_applies_nothing(dana, north, south, ana, job_at):
    job = job_at(1)
    plan = plan_of([ana], by=dana)
    grant_zones(dana, [south])
    with pytest.raises(actions.ActionRefused, match="where you do not dispatch"):
        actions.apply_plan(plan, by=dana, now=NOW)
    assert fresh(job).status == Status.CREATED


def test_jobs_of_other_zones_stay_where_they_are(dana, omar, south, ana, ben, job_at):
    """An overdue one, and one of somebody who is away: they are for whoever dispatches there."""
    for technician in (ana, ben):
        technician.zones.add(south)
    given = {"by": omar, "zone": south, "status": Status.ASSIGNED, "technician": ana, "now": NOW - timedelta(days=2)}
    overdue = make_job(scheduled_on=NOW.date(), planned_starts_at=NOW, **given)
    hers = make_job(scheduled_on=DAY, planned_starts_at=at(15), **given)
    job_at(1, ana, planned_starts_at=at(13))
    before = list(Job.objects.filter(pk__in=[overdue.pk, hers.pk]).order_by("pk").values())
    actions.apply_plan(plan_of([ana, ben], by=dana, now=at(7)), by=dana, now=at(7))
    actions.apply_plan(
        plan_of([ben], by=dana, kind=Kind.ABSENCE, absent=ana, with_unassigned=False, now=at(7)), by=dana, now=at(7)
    )
    assert list(Job.objects.filter(pk__in=[overdue.pk, hers.pk]).order_by("pk").values()) == before


def test_old_result_without_what_was_seen_is_out_of_date(dana, ana, job_at):
    job = job_at(1)
    plan = plan_of([ana], by=dana)
    del plan.result["seen"]
    plan.save()
    with pytest.raises(actions.PlanOutdated):
        actions.apply_plan(plan, by=dana, now=NOW)
    assert fresh(job).status == Status.CREATED


def test_order_made_by_a_manager_names_only_what_the_asker_may_see(dana, omar, south, ana, job_at):
    ana.zones.add(south)
    given = {"by": omar, "zone": south, "scheduled_on": DAY, "status": Status.ASSIGNED, "technician": ana, "now": NOW}
    hidden = make_job(planned_starts_at=at(10), **given)
    job = job_at(1, ana, duration_minutes=200)
    plan = plan_of([ana], by=dana, kind=Kind.ROUTE)
    actions.adjust_route(plan, ana, [job.pk, hidden.pk], by=omar, now=NOW)
    plan.refresh_from_db()
    assert hidden.number not in json.dumps(plan.result)
    review = load_route_review(plan, user=dana)
    assert (len(review.stops[1].faults), review.faults) == (1, []), "it stands beside the stop"


# Ordered by hand ----------------------------------------------------------------------------------


def test_route_is_ordered_by_hand_and_the_times_follow(dana, ana, job_at):
    for east in (2, 6, 10):
        job_at(east, ana, planned_starts_at=at(8 + east))
    plan = plan_of([ana], by=dana, kind=Kind.ROUTE)
    (before,) = load_proposal(plan, user=dana).routes
    order = [stop.job_id for stop in before.stops][::-1]
    actions.adjust_route(plan, ana, order, by=dana, now=NOW)
    plan.refresh_from_db()
    (route,) = load_proposal(plan, user=dana).routes
    assert [stop.job_id for stop in route.stops] == order
    assert route.is_adjusted
    assert route.before == before.before
    assert route.after.km > before.after.km
    assert [stop.starts_at for stop in route.stops] == sorted(stop.starts_at for stop in route.stops)
    actions.apply_plan(plan, by=dana, now=NOW)
    for stop in route.stops:
        assert fresh(stop.job).arrival.starts_at == stop.starts_at


def test_order_by_hand_may_break_rules_and_says_which(dana, ana, job_at):
    fixed, long = job_at(1, ana, planned_starts_at=at(9), is_fixed=True), job_at(2, ana, duration_minutes=120)
    plan = plan_of([ana], by=dana, kind=Kind.ROUTE)
    actions.adjust_route(plan, ana, [long.pk, fixed.pk], by=dana, now=NOW)
    plan.refresh_from_db()
    (route,) = load_proposal(plan, user=dana).routes
    assert [stop.job for stop in route.stops] == [long, fixed]
    assert [fixed.number in fault for fault in route.stops[1].faults] == [True]


def test_order_by_hand_of_jobs_that_come_from_others(dana, ana, ben, crossed):
    plan = plan_of([ana, ben], by=dana, stability=0)
    route = load_proposal(plan, user=dana).route_of(ana.pk)
    order = [stop.job_id for stop in route.stops][::-1]
    actions.adjust_route(plan, ana, order, by=dana, now=NOW)
    plan.refresh_from_db()
    adjusted = load_proposal(plan, user=dana).route_of(ana.pk)
    changes = {stop.job_id: stop.change for stop in route.stops}
    assert {stop.job_id: stop.change for stop in adjusted.stops} == changes
    actions.apply_plan(plan, by=dana, now=NOW)
    assert all(fresh(stop.job).technician == ana for stop in adjusted.stops)


def test_order_of_other_jobs_is_refused(dana, ana, job_at):
    job = job_at(1, ana)
    plan = plan_of([ana], by=dana, kind=Kind.ROUTE)
    with pytest.raises(actions.ActionRefused, match="other jobs"):
        actions.adjust_route(plan, ana, [job.pk, 999], by=dana, now=NOW)
    actions.change_status(job, Status.CANCELLED, by=dana, note="No", now=NOW)
    with pytest.raises(actions.PlanOutdated):
        actions.adjust_route(plan, ana, [job.pk], by=dana, now=NOW)
