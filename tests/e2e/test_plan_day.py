"""Planning a day with a real worker: the slider, one technician at a time, a day that changes, a browser that closes."""

from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Plan, PlanningSettings, Status
from technicians.models import Proficiency, Skill, TechnicianSkill
from tests.e2e.boards import PHONE, at, fresh, in_lane, make_job, open_board, tomorrow
from tests.e2e.live import in_thread, log_in
from tests.e2e.test_accessibility import check
from tests.factories import SiteFactory

pytestmark = [pytest.mark.browser, pytest.mark.interaction]

WORKER = 30_000  # ms: it has to start


@pytest.fixture(autouse=True)
def quick_planner(live_site):
    in_thread(PlanningSettings.objects.update_or_create, pk=1, defaults={"day_seconds": 1})


@pytest.fixture
def people(crew):
    """Tess lives in the west of North, Uma in the east; each can do what the other cannot."""
    for technician, east, skill in zip(crew, (2, 18), ("Gas", "Lifts"), strict=True):
        technician.home_latitude, technician.home_longitude = 40.02, -75.2 + east / 100
        technician.save()
        row = Skill.objects.create(name=skill)
        TechnicianSkill.objects.create(technician=technician, skill=row, level=Proficiency.EXPERT)
    return crew


@pytest.fixture
def job_at(dana, people):
    def make(east, status=Status.CREATED, *, skill="", **fields):
        site = in_thread(SiteFactory, latitude=40.02, longitude=-75.2 + east / 100)
        needs = [actions.SkillNeed(Skill.objects.get(name=skill).pk, Proficiency.BEGINNER)] if skill else []
        return make_job(status, by=dana, site=site, duration_minutes=30, skills=needs, **fields)

    return make


@pytest.fixture
def one_each(job_at):
    """Two jobs that nobody has, one for each of them."""
    return job_at(4, skill="Gas"), job_at(16, skill="Lifts")


def proposed(people, dana) -> Plan:
    def propose():
        plan = actions.ask_for_plan(Plan.Kind.DAY, tomorrow(), people, by=dana)
        return actions.work_out_plan(plan.pk, iterations=20)

    return in_thread(propose)


def open_plan(new_context, live_site, plan, **options):
    return open_board(new_context(**options), live_site.url, "dana", reverse("plan", args=[plan.pk]))


def test_slider_decides_what_moves(live_site, new_context, dana, people, job_at):
    """Uma has a job at Tess's door. With the slider on the right it stays hers, on the left it goes to Tess."""
    tess, uma = people
    job = job_at(3, Status.ASSIGNED, technician=uma, planned_starts_at=at(9))
    live_site.start_worker()
    page = open_board(new_context(), live_site.url, "dana", f"/board/?day={tomorrow().isoformat()}")
    for stability, said in (("100", "Today’s plan stays as it is."), ("0", "from Uma")):
        page.keyboard.press("p")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("2 technicians with 1 job")
        page.get_by_label("How much of today's plan is kept").fill(stability)
        expect(dialog).to_contain_text({"100": "Nothing is touched", "0": "any job may go to anybody"}[stability])
        page.get_by_role("button", name="Work out a plan").click()
        expect(page.locator("#plan")).to_be_visible(timeout=WORKER)
        if stability == "100":
            expect(page.locator("#plan")).to_contain_text(said)
            page.get_by_role("button", name="Discard").click()
            page.wait_for_url("**/board/?day=*")
            expect(page.locator("[data-live-text]")).to_have_text("Live")
    page.locator(f"[data-plan-person='{tess.pk}'] > summary").click()
    expect(page.locator(f"[data-stop='{job.pk}']")).to_contain_text("from Uma")
    assert fresh(job).technician == uma, "nothing changes before it is applied"
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-said]")).to_contain_text("1 job changed")
    assert fresh(job).technician == tess


def test_one_technicians_route_is_applied_and_a_colleague_sees_it(live_site, new_context, dana, omar, people, one_each):
    tess, uma = people
    first, second = one_each
    path = f"/board/?day={tomorrow().isoformat()}"
    colleague = open_board(new_context(), live_site.urls[-1], "omar", path)
    page = open_plan(new_context, live_site, proposed(people, dana))
    check(page)
    expect(page.locator("[data-apply]")).to_have_text("Apply all 2")
    page.get_by_label("Apply the route of Uma").uncheck()
    expect(page.locator("[data-apply]")).to_have_text("Apply 1 route")
    page.locator("[data-apply]").click()
    expect(page.locator("[data-said]")).to_contain_text("1 route is applied")
    assert (fresh(first).technician, fresh(second).technician) == (tess, None)
    expect(in_lane(colleague, tess, first)).to_be_visible()
    expect(page.locator("[data-apply]")).to_have_text("Apply 1 route")
    page.locator("[data-apply]").click()
    expect(in_lane(colleague, uma, second)).to_be_visible()
    expect(page.locator(".plan-state")).to_have_text("Applied")
    page.keyboard.press("Control+z")
    expect(page.locator("[data-said]")).to_contain_text("Taken back")
    expect(in_lane(colleague, uma, second)).to_have_count(0)
    assert (fresh(first).technician, fresh(second).technician) == (tess, None)


def test_day_that_changes_is_said_at_once_and_worked_out_again(
    live_site, new_context, browser_errors, dana, omar, people, one_each
):
    first, second = one_each
    page = open_plan(new_context, live_site, proposed(people, dana))
    page.locator("#plan").evaluate("plan => plan.dataset.same = 'yes'")
    in_thread(actions.hold_job, first, "Waits for parts", by=omar)
    expect(page.locator("#plan-changes")).to_contain_text(f"{first.number} was put on hold by Omar")
    expect(page.locator("#plan[data-same]")).to_be_visible()  # the page has not jumped
    browser_errors.allow("409")
    page.locator("[data-apply]").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was applied")
    assert fresh(second).technician is None
    live_site.start_worker()
    page.locator("#plan-changes").get_by_role("button", name="Work it out again").click()
    expect(page.locator("[data-apply]")).to_have_text("Apply 1 route", timeout=WORKER)
    page.locator("[data-apply]").click()
    expect(page.locator("[data-said]")).to_be_visible()
    assert fresh(first).technician is None
    assert fresh(second).technician == people[1]


def test_plan_goes_on_while_the_browser_is_closed_and_can_be_stopped(live_site, new_context, dana, people, one_each):
    in_thread(PlanningSettings.objects.update, day_seconds=60)
    context = new_context(viewport=PHONE)
    page = context.new_page()
    log_in(page, live_site.url, "dana")
    page.goto(f"{live_site.url}/plan-day/?day={tomorrow().isoformat()}")
    check(page)
    page.get_by_role("button", name="Work out a plan").click()
    expect(page.locator("#plan-progress")).to_contain_text("Waiting for a worker")
    check(page)
    own = context.storage_state()
    context.close()
    live_site.start_worker()

    page = new_context(viewport=PHONE, storage_state=own).new_page()
    page.goto(f"{live_site.url}/plans/")
    page.get_by_role("link", name="Plan the day").nth(1).click()
    page.get_by_role("button", name="Stop, and take the best so far").click(timeout=WORKER)
    expect(page.locator("#plan")).to_contain_text("Stopped early", timeout=WORKER)
    check(page)
    plan = in_thread(Plan.objects.get)
    assert plan.ended_at - plan.created_at < timedelta(seconds=45)
    assert {fresh(job).technician for job in one_each} == {None}
