"""axe-core on each page as a dispatcher has it before her, in light and dark, on a desk and on a phone."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.actions import SkillNeed
from dispatch.models import AssignmentRule, Status
from dispatch.notices.notify import Kind, notify
from technicians.models import Proficiency
from tests import factories
from tests.e2e.axe import objections
from tests.e2e.live import in_thread, log_in, log_in_by_form
from tests.factories import SkillFactory, TechnicianFactory

pytestmark = pytest.mark.looks

SIZES = [{"width": 1440, "height": 900}, {"width": 390, "height": 844}]


@pytest.fixture
def job(omar, tess, north):
    """One of each state is on the board; this one has everything that can be shown."""
    return in_thread(make_full_day, omar, tess, north)


def make_full_day(omar, tess, north):
    hvac, gas = SkillFactory(name="HVAC"), SkillFactory(name="Gas")
    for status in Status:
        factories.make_job(status, by=omar, technician=TechnicianFactory(zones=[north]), zone=north, description=status)
    for priority in (1, 3, 4):
        factories.make_job(by=omar, priority=priority, scheduled_on=None)
    now = timezone.now()
    job = factories.make_job(
        by=omar,
        zone=north,
        scheduled_on=timezone.localdate(now) - timezone.timedelta(days=2),
        window_starts_at=now - timezone.timedelta(days=2, hours=1),
        window_ends_at=now - timezone.timedelta(days=2),
        planned_starts_at=now - timezone.timedelta(days=2),
        is_fixed=True,
        description="No heat upstairs\nThe tenant is in from nine",
        skills=[SkillNeed(hvac.pk, Proficiency.ADVANCED), SkillNeed(gas.pk, Proficiency.EXPERT)],
    )
    actions.assign_job(job, tess, by=omar)
    actions.add_note(job, "Key is under the mat", by=omar)
    actions.edit_job(job, {"priority": 4}, by=omar, base_version=99)
    return actions.hold_job(job, "Waiting for parts", by=omar)


@pytest.fixture(params=SIZES, ids=["desk", "phone"])
def size(request):
    return request.param


@pytest.fixture
def browsing(new_context, size, live_site):
    """A page without motion, so that nothing is measured while it fades in."""
    return new_context(viewport=size, reduced_motion="reduce", base_url=live_site.url).new_page()


@pytest.fixture
def dispatching(browsing, live_site, dana):
    log_in(browsing, live_site.url, "dana")
    return browsing


def check(page, what=""):
    """All that axe objects to in either theme, each with the elements, in one message."""
    told = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        told += [f"{theme}, {objection}" for objection in objections(page)]
    assert not told, "\n".join([what, *told])


def test_login_is_accessible(browsing, dana):
    browsing.goto(reverse("login"))
    check(browsing)
    browsing.locator("main [type=submit]").click()
    browsing.fill("[name=username]", "dana")
    browsing.fill("[name=password]", "wrong")
    browsing.locator("main [type=submit]").click()
    expect(browsing.get_by_text("correct username and password")).to_be_visible()
    check(browsing, "with an error")


def opened(page, what):
    expect(page.locator("#dialog")).to_be_visible()
    check(page, what)
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()


def show_filters(page):
    """On a phone they are behind a button."""
    button = page.get_by_role("button", name="Filters")
    if button.is_visible():
        button.click()


def test_list_and_its_dialogs_are_accessible(dispatching, job):
    page = dispatching
    page.goto(reverse("board_list"))
    expect(page.locator("[data-live-text]")).to_have_text("Live")
    check(page, "list")
    show_filters(page)
    page.locator(".filters summary", has_text="More").click()
    check(page, "with an open menu")
    page.keyboard.press("Escape")
    row = page.locator(f"#job-row-{job.pk}")
    for name in ("change the status", "reassign"):
        row.get_by_role("button", name=re.compile(name)).click()
        opened(page, name)
    row.locator("[data-select-job]").check()
    check(page, "with the bar of the selected")
    for verb in ("assign", "reschedule", "cancel"):
        page.locator(f"#bulk-bar [value={verb}]").click()
        opened(page, f"bulk {verb}")
    row.locator(".job-link").click()
    expect(page.locator(f"#job-drawer-{job.pk}")).to_be_visible()
    check(page, "drawer")
    page.locator("#drawer").get_by_role("link", name="Release").click()
    opened(page, "release")


def test_notifications_are_accessible(dispatching, dana, job):
    for kind in (Kind.STUCK, Kind.URGENT_UNASSIGNED):
        in_thread(notify, [dana], kind, "Something to know", job=job)
    page = dispatching
    for name in ("notifications", "notification_preferences"):
        page.goto(reverse(name))
        check(page, name)
    page.locator("[data-bell]").click()
    expect(page.locator("#bell-panel .notice-row")).to_have_count(2)
    check(page, "panel")


def test_lanes_and_what_opens_on_them_are_accessible(dispatching, omar, tess, north):
    later = timezone.now() + timezone.timedelta(hours=1)
    day = timezone.localdate(later)
    waiting = in_thread(factories.make_job, by=omar, zone=north, priority=4, scheduled_on=day)
    planned = in_thread(
        factories.make_job,
        Status.ASSIGNED,
        by=omar,
        technician=tess,
        zone=north,
        scheduled_on=day,
        planned_starts_at=later,
    )
    page = dispatching
    page.goto(f"{reverse('board')}?day={day}")
    expect(page.locator("[data-live-text]")).to_have_text("Live")
    expect(page.locator(f".tray [data-job='{waiting.pk}']")).to_be_visible()
    check(page, "lanes")
    show_filters(page)
    page.get_by_role("link", name="Recent actions").click()
    opened(page, "recent actions")
    page.locator(f".lane [data-job='{planned.pk}'] .job-link").focus()
    page.keyboard.press("Shift+F10")
    expect(page.locator("#job-menu [role=menuitem]").first).to_be_visible()
    check(page, "job menu")
    page.get_by_role("menuitem", name="Move to another day").click()
    opened(page, "place")
    page.locator(f".lane [data-job='{planned.pk}'] .job-link").press("Enter")
    expect(page.locator(f"#job-drawer-{planned.pk}")).to_be_visible()
    check(page, "drawer beside the lanes")


def make_waiting_jobs(omar, north):
    AssignmentRule.objects.update(mode=AssignmentRule.Mode.SUGGEST)
    needs = [SkillNeed(SkillFactory(name="Asbestos").pk, Proficiency.EXPERT)]
    hopeless = factories.make_job(by=omar, zone=north, skills=needs)
    waiting = factories.make_job(by=omar, zone=north, priority=4)
    for job in (hopeless, waiting):
        actions.dispatch_new_job(job.pk)
    return hopeless, waiting


def test_smart_dispatch_is_accessible(dispatching, dana, omar, tess, north):
    """A suggestion, a job for which nobody is eligible, the ranked candidates, the rules and a proposal."""
    hopeless, waiting = in_thread(make_waiting_jobs, omar, north)
    page = dispatching
    page.goto(reverse("board"))
    expect(page.locator(f".tray [data-job='{waiting.pk}']")).to_contain_text("Assign")
    check(page, "tray")
    page.get_by_role("button", name=re.compile(f"Dismiss the suggestion for {waiting.number}")).click()
    opened(page, "dismiss")
    page.locator(f".tray [data-job='{waiting.pk}'] .job-link").click()
    expect(page.locator("#drawer").get_by_text("Best matches")).to_be_visible()
    check(page, "drawer")
    page.goto(reverse("assign_job", args=[waiting.pk]))
    check(page, "ranked candidates")
    page.goto(reverse("assignment_settings"))
    check(page, "rules")
    page.goto(reverse("auto_assign"))
    check(page, "Auto-Assign")
    run = in_thread(actions.ask_for_auto_assign, [hopeless.pk, waiting.pk], by=dana)
    page.goto(reverse("auto_assign_run", args=[run.pk]))
    expect(page.get_by_role("progressbar")).to_be_visible()
    check(page, "how far it is")
    in_thread(actions.work_out_auto_assign, run.pk, seconds=1)
    expect(page.get_by_role("table")).to_be_visible()
    check(page, "proposal")


def test_matches_of_a_new_job_are_accessible(dispatching, north, tess):
    uma, now = TechnicianFactory(user__username="uma", zones=[north]), timezone.now()
    off = {"starts_at": now - timezone.timedelta(days=1), "ends_at": now + timezone.timedelta(days=1)}
    uma.time_off.create(kind="sick", **off)
    in_thread(actions.clock_in, tess)
    dispatching.goto(reverse("new_job"))
    expect(dispatching.get_by_role("button", name="Choose Tess")).to_be_visible()
    dispatching.get_by_text("What speaks against").click()
    check(dispatching)


def test_devices_and_tracks_are_accessible(dispatching, tess):
    page = dispatching
    in_thread(put_on_the_road, tess)
    page.goto(reverse("track", args=[tess.pk]))
    expect(page.locator("#track-map path.track-line")).to_be_attached()
    check(page, "track")
    page.goto(reverse("devices", args=[tess.pk]))
    check(page, "no device")
    page.get_by_role("button", name="Add Traccar Client").click()
    expect(page.locator(".qr-frame svg")).to_be_visible()
    page.get_by_text("By hand").click()
    check(page, "set-up")
    page.get_by_role("link", name="Done").click()
    check(page, "devices")
    page.get_by_role("link", name=re.compile("Revoke Traccar")).click()
    opened(page, "revoke")


def test_technicians_own_pages_are_accessible(browsing, live_site, omar, tess, north):
    in_thread(put_on_the_road, tess)
    in_thread(
        factories.make_job,
        Status.ASSIGNED,
        by=omar,
        technician=tess,
        zone=north,
        scheduled_on=timezone.localdate(),
    )
    page = browsing
    log_in_by_form(page, live_site.url, "tess")
    page.locator(".duty summary").click()
    check(page, "my day with its menu")
    for name, args in (("own_track", []), ("devices", [tess.pk]), ("notification_preferences", [])):
        page.goto(reverse(name, args=args))
        check(page, name)


def put_on_the_road(technician):
    now = timezone.now()
    actions.clock_in(technician, now=now - timezone.timedelta(minutes=5))
    for minute in range(3):
        at = now - timezone.timedelta(minutes=minute)
        technician.positions.create(recorded_at=at, received_at=at, latitude=40 + minute / 100, longitude=-75.1)


def test_empty_board_with_filters_is_accessible(dispatching):
    dispatching.goto(reverse("board_list") + "?q=nothing&priority=9&day=2026-01-01")
    expect(dispatching.get_by_text("No job matches these filters")).to_be_visible()
    check(dispatching)


def test_calendar_is_accessible(dispatching, job):
    for name in ("calendar_week", "calendar_month"):
        dispatching.goto(reverse(name))
        expect(dispatching.locator("[data-live-text]")).to_have_text("Live")
        check(dispatching, name)


def test_new_job_is_accessible_empty_and_with_errors(dispatching, job, browser_errors):
    browser_errors.allow("422")
    page = dispatching
    page.goto(reverse("new_job"))
    check(page, "empty")
    page.fill("[name=customer-name]", job.customer.name)
    page.locator(".result").first.click()
    expect(page.locator("[name=site]").first).to_be_visible()
    check(page, "with a chosen customer")
    page.goto(reverse("new_job"))
    page.eval_on_selector("#job-form", "form => { form.noValidate = true; }")
    page.fill("[name=customer-phone]", job.customer.phone)
    page.get_by_role("button", name="Save job").first.click()
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    check(page, "with errors")


def test_pages_of_a_job_are_accessible(dispatching, job):
    for name, pk in (
        ("job", job.pk),
        ("edit_job", job.pk),
        ("edit_site", job.site_id),
        ("assign_job", job.pk),
        ("change_status", job.pk),
        ("hold_job", job.pk),
    ):
        dispatching.goto(reverse(name, args=[pk]))
        check(dispatching, name)


def test_account_pages_are_accessible(dispatching):
    dispatching.goto(reverse("password_change"))
    check(dispatching, "password")
    dispatching.locator(".usermenu summary").click()
    check(dispatching, "menu of the account")


def test_palette_help_and_menus_of_the_list_are_accessible(dispatching, job, dana, browser_errors):
    browser_errors.allow("409")
    page = dispatching
    dana.saved_views.create(name="Late", page="board_list", query="late=true")
    page.goto(reverse("board_list") + "?day=all")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette [aria-selected=true]")).to_be_visible()
    page.keyboard.type("heat")
    expect(page.locator("#palette").get_by_text("No heat upstairs")).to_be_visible()
    check(page, "palette")
    page.keyboard.type(" of nobody")
    expect(page.get_by_text("Nothing found.")).to_be_visible()
    check(page, "empty palette")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()
    check(page, "help")
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()
    show_filters(page)
    for menu in ("Display", "Views"):
        page.get_by_text(f"{menu} ▾").click()
        check(page, menu)
    page.get_by_text("Save this view…").click()
    page.locator("#dialog [name=name]").fill("Late")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You have a view “Late” already")).to_be_visible()
    check(page, "view that exists")


def test_day_sheets_and_saved_views_are_accessible(dispatching, job, dana, tess):
    view = dana.saved_views.create(name="Late", page="board_list", query="late=true")
    for url in (
        reverse("day_sheets"),
        reverse("day_sheet", args=[tess.pk]),
        reverse("saved_views"),
        reverse("save_view"),
        reverse("rename_view", args=[view.pk]),
        reverse("keyboard_help"),
    ):
        dispatching.goto(url)
        check(dispatching, url)


def test_pages_of_the_day_are_accessible(dispatching, job, omar, tess):
    page, now = dispatching, timezone.now()
    in_thread(actions.clock_in, tess)
    off = {"starts_at": now - timezone.timedelta(hours=1), "ends_at": now + timezone.timedelta(days=1)}
    away = tess.time_off.create(kind="sick", **off)
    for name, args in (
        ("technicians", []),
        ("dashboard", []),
        ("morning_review", []),
        ("close_out", []),
        ("redistribute", [away.pk]),
        ("mark_sick", [tess.pk]),
        ("clock_out_for", [tess.pk]),
    ):
        page.goto(reverse(name, args=args))
        check(page, name)
    page.goto(reverse("morning_review"))
    page.locator("#send-day").click()
    expect(page.get_by_role("heading", name="told")).to_be_visible()
    check(page, "sent")
    page.goto(reverse("dashboard"))
    for figures in page.get_by_text("Figures").all():
        figures.click()
    page.locator(".decision .job-link").first.click()
    expect(page.locator("#drawer > *")).to_be_visible()
    check(page, "dashboard with drawer and figures")


def make_clocks(by, zone, tess):
    """One breached, one at risk, one paused, one breached and acknowledged."""
    now = timezone.now()
    jobs = [
        factories.make_job(by=by, zone=zone, priority=3, created_at=now - ago, now=now - ago)
        for ago in (timezone.timedelta(hours=hours) for hours in (5, 3.5, 1, 6))
    ]
    actions.hold_job(jobs[2], "Waiting for parts", by=by)
    actions.check_sla()
    known, breached = jobs[3].violations.get(), jobs[0].violations.get()
    actions.acknowledge_violations([known.pk], note="The van broke down", by=by)
    return breached


def test_sla_pages_are_accessible(dispatching, omar, north, tess):
    violation = in_thread(make_clocks, omar, north, tess)
    page = dispatching
    for url in (
        reverse("sla"),
        reverse("violations"),
        reverse("violations") + "?state=acknowledged",
        reverse("violations") + "?q=nothing",
        reverse("violation", args=[violation.pk]),
        reverse("acknowledge_violations") + f"?violations={violation.pk}",
        reverse("job", args=[violation.job_id]),
    ):
        page.goto(url)
        check(page, url)
    page.goto(reverse("sla"))
    page.locator(".decisions .job-link").first.click()
    expect(page.locator("#drawer .sla-timeline").first).to_be_visible()
    check(page, "drawer")


def test_maintenance_pages_are_accessible(dispatching, omar, north):
    plan = in_thread(factories.make_plan, by=omar, zone=north)
    first = plan.visits.first()
    in_thread(actions.skip_visit, plan, first.due_on, "Moving house", by=omar)
    page = dispatching
    for url in (
        reverse("maintenance_plans"),
        reverse("maintenance_plan", args=[plan.pk]),
        reverse("edit_maintenance_plan", args=[plan.pk]),
        reverse("new_maintenance_plan") + "?q=ash",
        reverse("pause_maintenance", args=[plan.pk]),
        reverse("skip_visit", args=[plan.pk]) + f"?day={first.due_on}",
        reverse("job", args=[first.job_id]),
    ):
        page.goto(url)
        check(page, url)


def test_countdowns_of_every_state_are_accessible(dispatching, omar, north, tess):
    in_thread(make_clocks, omar, north, tess)
    page = dispatching
    for url in (reverse("board_list"), reverse("board"), reverse("dashboard")):
        page.goto(url)
        expect(page.locator(".chip.sla[data-state='breached']:visible").first).to_be_visible()
        check(page, url)
    page.goto(reverse("map") + "?colour=sla")
    expect(page.locator(".map-pin, .map-cluster").first).to_be_visible()
    check(page, "map by SLA")


def test_map_is_accessible(dispatching, job, tess):
    dispatching.goto(reverse("map"))
    expect(dispatching.locator(".map-pin, .map-cluster").first).to_be_visible()
    dispatching.locator("[data-map-technicians] button", has_text="Tess").click()
    expect(dispatching.locator(f"[data-technician-panel='{tess.pk}']")).to_be_visible()
    check(dispatching)
