"""The page of a day's plan: how far it is, what it changes for whom, applying it, and what can come between."""

from datetime import datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import BoardAction, Job, Plan, Status
from dispatch.planning.problem import MANDATORY
from dispatch.roles import Role
from technicians.models import Proficiency, Skill, TechnicianSkill, WorkingHours
from tests.factories import SiteFactory, TechnicianFactory, UserFactory, make_job
from tests.pages import html_of, links_of, text_of
from zones.access import grant_zones

DAY = timezone.localdate() + timedelta(days=1)
HTMX = {"HX-Request": "true"}
ON_PAGE = HTMX | {"HX-Target": "plan"}
POLLING = HTMX | {"HX-Target": "plan-progress"}
State = Plan.State


def at(hour: int, minute: int = 0):
    return timezone.make_aware(datetime.combine(DAY, time(hour, minute)))


def technician_of(zone, name: str):
    technician = TechnicianFactory(user__username=name, zones=[zone], home_latitude=40.05, home_longitude=-75.2)
    for weekday in range(7):
        WorkingHours.objects.create(technician=technician, weekday=weekday, starts_at=time(8), ends_at=time(17))
    return technician


@pytest.fixture
def crew(north):
    return [technician_of(north, name) for name in ("ana", "ben", "cleo")]


@pytest.fixture
def job_at(dana, north):
    """A job so far east of the homes, in hundredths of a degree."""

    def make(east: float = 1, technician=None, **fields):
        site = SiteFactory(latitude=40.05, longitude=-75.2 + east / 100, zone=north)
        fields = {"scheduled_on": DAY, "by": dana, "site": site, **fields}
        if technician:
            fields |= {"status": Status.ASSIGNED, "technician": technician}
        return make_job(**fields)

    return make


def plan_of(people, *, by, kind="day", **options) -> Plan:
    plan = actions.ask_for_plan(kind, DAY, people, by=by, seconds=1, **options)
    return actions.work_out_plan(plan.pk, iterations=30)


def url_of(plan, name: str = "plan") -> str:
    return reverse(name, args=[plan.pk])


def fresh(row):
    return type(row).objects.get(pk=row.pk)


@pytest.fixture
def look(client, dana):
    """What Dana sees of a plan."""
    client.force_login(dana)
    return lambda plan, **more: client.get(url_of(plan), **more)


# While it is being worked out ---------------------------------------------------------------------


def test_waiting_plan_says_so_and_asks_for_itself(look, dana, crew):
    plan = actions.ask_for_plan("day", DAY, crew, by=dana)
    shown = html_of(look(plan))
    assert "Waiting for a worker" in shown
    assert 'hx-trigger="plan-progressed from:body delay:300ms, every 2s"' in shown
    assert "Give up" in shown


def test_fragment_is_part_of_the_page(look, dana, crew):
    plan = actions.ask_for_plan("day", DAY, crew, by=dana)
    fragment = html_of(look(plan, headers=POLLING))
    assert fragment.strip().startswith("<section")
    assert " ".join(fragment.split()[:6]) in " ".join(html_of(look(plan)).split())


def test_best_so_far_is_told_as_driving_beside_todays(look, dana, crew):
    plan = actions.ask_for_plan("day", DAY, crew, by=dana)
    running = {"state": State.RUNNING, "step": "Looking for the best plan", "done_percent": 40}
    Plan.objects.filter(pk=plan.pk).update(**running, first_cost=600_000, best_cost=450_000)
    shown = text_of(look(plan))
    assert "Today’s plan 1 h 40" in shown
    assert "Best so far 1 h 15 25 % better" in shown
    assert "Stop, and take the best so far" in shown


def test_what_cannot_be_served_at_all_is_left_out_of_the_costs(look, dana, crew):
    plan = actions.ask_for_plan("day", DAY, crew, by=dana)
    Plan.objects.filter(pk=plan.pk).update(state=State.RUNNING, first_cost=None, best_cost=MANDATORY + 450_000)
    shown = text_of(look(plan))
    assert "Best so far 1 h 15" in shown
    assert "cannot be compared" in shown


def test_when_it_is_over_the_page_comes_anew(look, dana, crew, job_at):
    job_at()
    plan = plan_of(crew, by=dana)
    assert look(plan, headers=POLLING)["HX-Refresh"] == "true"


def test_giving_up_before_a_worker_has_it_discards_it(client, look, dana, crew):
    plan = actions.ask_for_plan("day", DAY, crew, by=dana)
    client.force_login(dana)
    answer = client.post(url_of(plan, "cancel_plan"), headers=POLLING)
    assert answer["HX-Refresh"] == "true"
    assert fresh(plan).state == State.DISCARDED
    assert "This plan was discarded" in text_of(look(plan))


def test_stopping_a_running_one_says_that_it_stops(client, dana, crew):
    plan = actions.ask_for_plan("day", DAY, crew, by=dana)
    Plan.objects.filter(pk=plan.pk).update(state=State.RUNNING)
    client.force_login(dana)
    assert "Stopping" in text_of(client.post(url_of(plan, "cancel_plan"), headers=POLLING))
    assert fresh(plan).is_cancel_asked
    assert client.post(url_of(plan, "cancel_plan")).url == url_of(plan)


def test_failed_one_says_why_and_offers_to_try_again(client, look, dana, crew):
    plan = actions.ask_for_plan("day", DAY, crew, by=dana)
    Plan.objects.filter(pk=plan.pk).update(state=State.FAILED, error="The worker stopped in the middle.")
    shown = text_of(look(plan))
    assert "The worker stopped in the middle." in shown
    assert "Nothing was changed" in shown
    again = client.post(url_of(plan, "recompute_plan"))
    assert again.url == url_of(Plan.objects.latest("pk"))


# The proposal -------------------------------------------------------------------------------------


def test_summary_comes_first_then_who_then_why_not(look, dana, crew, job_at):
    skill = Skill.objects.create(name="Asbestos")
    given = job_at()
    nobody = job_at(skills=[actions.SkillNeed(skill.pk, Proficiency.EXPERT)])
    shown = text_of(look(plan_of(crew, by=dana)))
    parts = ["Plans 1 more job", "Jobs planned", "Left out", "Who is affected", "1 new"]
    assert [shown.index(part) for part in parts] == sorted(shown.index(part) for part in parts)
    assert f"{given.number} {given.title}" in shown
    assert f"{nobody.number} {nobody.title}" in shown
    assert "Asbestos" in shown
    assert "2 keep the day as it is" in shown


def test_job_given_to_somebody_else_says_from_whom_to_whom_and_when(look, dana, crew, job_at):
    ana, ben, _ = crew
    moved = job_at(1, technician=ana, planned_starts_at=at(9))
    plan = plan_of([ben], by=dana, kind="absence", absent=ana, with_unassigned=False)
    shown = text_of(look(plan))
    assert "Ana is away" in shown
    assert "from Ana" in shown
    assert f"{moved.number} {moved.title} Normal Ana 09:00 to Ben 08:0" in shown


def test_day_that_cannot_be_bettered_says_so(look, dana, crew, job_at):
    plan = plan_of(crew, by=dana)
    shown = look(plan)
    assert "Today’s plan stays as it is." in text_of(shown)
    assert "Nobody’s day changes." in text_of(shown)


def test_unseen_zones_job_is_not_named(client, look, dana, omar, north, south, crew, job_at):
    both = technician_of(north, "dora")
    both.zones.add(south)
    site = SiteFactory(latitude=39.9, longitude=-75.1, zone=south)
    foreign = make_job(Status.ASSIGNED, by=omar, technician=both, site=site, scheduled_on=DAY, planned_starts_at=at(9))
    job_at()
    shown = text_of(look(plan_of([both], by=dana)))
    assert foreign.number not in shown
    assert foreign.customer.name not in shown
    assert "A job in another zone" in shown


# Applying -----------------------------------------------------------------------------------------


@pytest.fixture
def proposal(dana, crew, job_at):
    """Ana and Ben get one job each."""
    skills = [Skill.objects.create(name=name) for name in ("Gas", "Lifts")]
    jobs = []
    for technician, skill in zip(crew[:2], skills, strict=True):
        TechnicianSkill.objects.create(technician=technician, skill=skill, level=Proficiency.EXPERT)
        jobs.append(job_at(skills=[actions.SkillNeed(skill.pk, Proficiency.BEGINNER)]))
    return plan_of(crew, by=dana), jobs


def test_dispatcher_applies_one_technicians_route_and_later_the_other(client, dana, crew, proposal):
    plan, (first, second) = proposal
    client.force_login(dana)
    answer = client.post(url_of(plan, "apply_plan"), {"technician": crew[0].pk}, headers=ON_PAGE)
    assert answer.status_code == 200
    assert "1 route is applied: 1 job changed" in text_of(answer)
    assert "<main" not in html_of(answer)
    assert (fresh(first).technician, fresh(second).technician) == (crew[0], None)
    assert f'value="{crew[0].pk}" id="take-' not in html_of(answer)
    assert f'value="{crew[1].pk}" id="take-{crew[1].pk}"' in html_of(answer)
    answer = client.post(url_of(plan, "apply_plan"), {"technician": crew[1].pk})
    assert answer.url == url_of(plan)
    assert fresh(second).technician == crew[1]


def test_all_routes_are_one_board_action_that_one_undo_takes_back(client, dana, crew, proposal):
    plan, jobs = proposal
    client.force_login(dana)
    before = BoardAction.objects.count()
    answer = client.post(url_of(plan, "apply_plan"), {"technician": [one.pk for one in crew[:2]]}, headers=ON_PAGE)
    assert "2 routes are applied: 2 jobs changed" in text_of(answer)
    assert "data-undo" in html_of(answer)
    assert BoardAction.objects.count() == before + 1
    client.post(reverse("undo_last"), headers=HTMX)
    assert {fresh(job).technician for job in jobs} == {None}


def test_undo_is_offered_as_long_as_it_takes_the_plan_back(look, dana, crew, proposal):
    plan, (job, _) = proposal
    assert "data-undo" not in html_of(look(plan))
    actions.apply_plan(plan, by=dana)
    assert "data-undo" in html_of(look(plan)), "though the page was opened anew"
    actions.hold_job(fresh(job), reason="Parts", by=dana)
    assert "data-undo" not in html_of(look(plan)), "it would take something else back"


def test_working_a_changed_day_out_again_does_not_apply_it(look, omar, proposal):
    """The button stands inside the form that applies, where no form of its own may be."""
    plan, (job, _) = proposal
    actions.hold_job(job, reason="Parts", by=omar)
    shown = html_of(look(plan))
    assert '<button class="button primary" form="work-out-again">' in shown
    assert f'<form id="work-out-again" method="post" action="{url_of(plan, "recompute_plan")}">' in shown


def test_nobody_ticked_is_asked_about(client, dana, proposal):
    plan, jobs = proposal
    client.force_login(dana)
    answer = client.post(url_of(plan, "apply_plan"), headers=ON_PAGE)
    assert answer.status_code == 422
    assert "Tick the technicians" in text_of(answer)
    assert {fresh(job).technician for job in jobs} == {None}


def test_changed_day_is_said_and_nothing_is_applied(client, dana, omar, crew, proposal):
    plan, (first, second) = proposal
    actions.hold_job(first, reason="Parts", by=omar)
    client.force_login(dana)
    banner = client.get(url_of(plan, "plan_changes"))
    assert f"{first.number} was put on hold by Omar" in text_of(banner)
    assert "Work it out again" in text_of(banner)
    ticked = {"technician": [one.pk for one in crew[:2]]}
    answer = client.post(url_of(plan, "apply_plan"), ticked, headers=ON_PAGE)
    assert answer.status_code == 409
    assert f"{first.number} was put on hold by Omar" in text_of(answer)
    assert fresh(second).technician is None
    assert fresh(plan).state == State.PROPOSED


def test_working_it_out_again_gives_the_old_one_up(client, dana, crew, proposal):
    plan, _ = proposal
    client.force_login(dana)
    answer = client.post(url_of(plan, "recompute_plan"), headers=HTMX)
    again = Plan.objects.latest("pk")
    assert answer["HX-Redirect"] == url_of(again)
    assert (fresh(plan).state, again.state) == (State.DISCARDED, State.QUEUED)
    assert set(again.technicians.all()) == set(crew)


def test_giver_without_taker_is_refused_and_the_ticks_stay(client, dana, crew, job_at):
    ana, ben, _ = crew
    gas = Skill.objects.create(name="Gas")
    TechnicianSkill.objects.create(technician=ben, skill=gas, level=Proficiency.EXPERT)
    job_at(technician=ana, planned_starts_at=at(9), skills=[actions.SkillNeed(gas.pk, Proficiency.BEGINNER)])
    plan = plan_of([ana, ben], by=dana)
    client.force_login(dana)
    assert "1 given away" in text_of(client.get(url_of(plan)))
    answer = client.post(url_of(plan, "apply_plan"), {"technician": ana.pk}, headers=ON_PAGE)
    assert answer.status_code == 409
    assert "apply Ben's route too" in text_of(answer)
    assert f'data-with="{ben.pk}" data-name="Ana" checked' in html_of(answer)
    assert 'data-name="Ben" checked' not in html_of(answer)


def test_discarded_plan_changes_nothing_and_leads_back_to_the_board(client, dana, proposal):
    plan, jobs = proposal
    client.force_login(dana)
    assert client.post(url_of(plan, "discard_plan")).url == f"/board/?day={DAY.isoformat()}"
    assert fresh(plan).state == State.DISCARDED
    assert {fresh(job).technician for job in jobs} == {None}
    assert client.post(url_of(plan, "discard_plan"), headers=HTMX)["HX-Refresh"] == "true"
    assert client.post(url_of(plan, "apply_plan"), {"technician": 1}, headers=HTMX)["HX-Refresh"] == "true"


def test_applied_plan_can_be_looked_at_and_has_no_ticks(look, dana, crew, proposal):
    plan, _ = proposal
    actions.apply_plan(plan, by=dana)
    shown = look(plan)
    assert "Applied" in text_of(shown)
    assert 'name="technician"' not in html_of(shown)


def test_nobody_sees_or_applies_anothers_plan_but_who_dispatches_everywhere(client, dana, omar, north, crew, proposal):
    other = UserFactory(username="olga", role=Role.DISPATCHER)
    grant_zones(other, [north])
    plan, _ = proposal
    client.force_login(other)
    for name in ("plan", "plan_changes", "plan_map"):
        assert client.get(url_of(plan, name)).status_code == 404
    for name in ("apply_plan", "cancel_plan", "discard_plan", "recompute_plan"):
        assert client.post(url_of(plan, name), {"technician": crew[0].pk}).status_code == 404
    client.force_login(omar)
    assert client.get(url_of(plan)).status_code == 200


@pytest.mark.parametrize("text", ["9" * 30, "9" * 5000, "\0", "-1", "²", "x"])
def test_odd_ticks_are_as_good_as_none(client, dana, crew, proposal, text):
    plan, jobs = proposal
    client.force_login(dana)
    answer = client.post(url_of(plan, "apply_plan"), {"technician": text}, headers=ON_PAGE)
    assert answer.status_code in (409, 422)
    assert {fresh(job).technician for job in jobs} == {None}


def test_queries_do_not_grow_with_jobs_and_technicians(look, dana, north, crew, job_at):
    def count(plan) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert look(plan).status_code == 200
        return len(queries)

    job_at()
    plan = plan_of(crew, by=dana)
    count(plan)
    few = count(plan)
    people = [*crew, *(technician_of(north, f"t{number}") for number in range(7))]
    [job_at(number / 2) for number in range(20)]
    many = plan_of(people, by=dana)
    count(many)  # whoever asked has seen it now
    assert count(many) <= few


def test_every_technician_that_changes_can_be_reached_on_the_map(client, look, dana, crew, proposal):
    plan, _ = proposal
    assert 'data-url="' + url_of(plan, "plan_map") in html_of(look(plan))
    assert len(client.get(url_of(plan, "plan_map")).json()["routes"]) == 3


# Where it is reached from -------------------------------------------------------------------------


def test_board_review_palette_and_help_lead_to_it(client, dana, crew):
    client.force_login(dana)
    for name in ("board", "board_list", "calendar_week", "map", "morning_review"):
        assert any(link.startswith("/plan-day/") for link in links_of(client.get(reverse(name)))), name
    assert "/plan-day/" in html_of(client.get(reverse("palette"), {"q": "plan the"}, headers=HTMX))
    assert "Plan the day" in text_of(client.get(reverse("keyboard_help")))


def test_review_says_what_became_of_the_plan(client, dana, crew, proposal):
    plan, _ = proposal
    client.force_login(dana)
    url = f"{reverse('morning_review')}?day={DAY.isoformat()}"
    assert "A plan waits to be looked at" in text_of(client.get(url))
    actions.apply_plan(plan, by=dana)
    assert "✓ Planned" in text_of(client.get(url))


def test_sick_technicians_jobs_can_be_given_to_the_planner(client, dana, crew, job_at):
    job_at(technician=crew[0], planned_starts_at=at(9))
    away = actions.mark_sick(crew[0], starts_at=at(0), ends_at=at(23), by=dana)
    client.force_login(dana)
    shown = client.get(reverse("redistribute", args=[away.pk]))
    assert "Let the planner share them out" in text_of(shown)
    answer = client.post(reverse("plan_absence", args=[away.pk]), {"day": DAY.isoformat()})
    plan = actions.work_out_plan(Plan.objects.get().pk, iterations=30)
    assert answer.url == url_of(plan)
    client.post(url_of(plan, "apply_plan"), {"technician": [one.pk for one in crew[1:]]}, headers=ON_PAGE)
    assert Job.objects.get().technician in crew[1:]


def test_day_that_is_over_is_refused_with_the_reason(client, dana, crew):
    client.force_login(dana)
    yesterday = timezone.localdate() - timedelta(days=1)
    data = {"day": yesterday.isoformat(), "kind": "day", "technician": crew[0].pk, "preset": "usual"}
    answer = client.post(reverse("plan_day"), data)
    assert answer.status_code == 409
    assert "is over" in text_of(answer)


@pytest.mark.parametrize("kind", ["day", "route"])
def test_technician_who_was_deleted_leaves_a_page_behind(client, dana, north, crew, job_at, kind):
    gone = TechnicianFactory(user__username="gone", zones=[north])
    plan = plan_of([gone, *crew] if kind == "day" else [gone], by=dana, kind=kind)
    gone.delete()
    client.force_login(dana)
    for name in ("plan", "plan_map", "plan_changes", "plans"):
        assert client.get(reverse(name, args=[plan.pk] if name != "plans" else [])).status_code == 200
    answer = client.post(reverse("apply_plan", args=[plan.pk]), {"technician": [gone.pk]})
    assert answer.status_code == 302
    assert Plan.objects.get(pk=plan.pk).state == Plan.State.PROPOSED
