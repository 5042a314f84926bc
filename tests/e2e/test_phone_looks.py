"""Gloves and sunlight: every target of the phone's pages is large, and every text stands out from what is behind it."""

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import CustomerMessage, Status
from tests.e2e.live import give_session, in_thread
from tests.factories import SiteFactory, make_job

pytestmark = pytest.mark.looks

SMALL_PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
GLOVE = 56  # px
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff & Sons Refrigeration Wholesale"

# What is wrong on the page. Links within a line of text are read first and have a button beside them.
SHORT_TARGETS = """(least) => {
  const targets = [...document.querySelectorAll("button, a[href], summary, textarea, input:not([type=hidden])")];
  const isShown = (one) => one.getClientRects().length && !one.closest(".visually-hidden, .skip-link");
  const small = (one) => one.getBoundingClientRect().height < least - 0.5 || one.getBoundingClientRect().width < least - 0.5;
  const wanted = targets.filter((one) => isShown(one) && !one.matches(".inline-link, .skip-link"));
  return wanted.filter(small).map((one) => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 30)} ${one.getBoundingClientRect().height}`);
}"""
FAINT_TEXTS = """() => {
  const parse = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((part, i) => part * a + below[i] * (1 - a));
  const behind = (one) => {
    if (!one) return [255, 255, 255];
    const colour = parse(getComputedStyle(one).backgroundColor);
    return colour[3] === 0 ? behind(one.parentElement) : colour[3] === undefined ? colour : over(colour, behind(one.parentElement));
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one) => {
    const ground = behind(one);
    const [high, low] = [light(over(parse(getComputedStyle(one).color), ground)), light(ground)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const hasText = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const isShown = (one) => one.getClientRects().length && !one.closest(".visually-hidden, .skip-link, :disabled");
  // What has to be read to find the way and to do the work, at arm's length in the sun.
  const isMain = (one) => one.closest("h1, h2:not(.overline), .big, .now p, .access, .job-what b, .job-time, .check-button, .notes p") && !one.closest("small");
  const faint = [];
  for (const one of document.querySelectorAll("body *")) {
    const least = isMain(one) ? 7 : 4.5;
    if (hasText(one) && isShown(one) && contrast(one) < least) faint.push(`${contrast(one).toFixed(2)} < ${least}: ${one.tagName}.${one.className} ${one.textContent.trim().slice(0, 30)}`);
  }
  return faint;
}"""


@pytest.fixture
def job(omar, tess):
    """A day with much to it: names that are too long, a customer who writes, what was left over, what waits."""

    def make():
        site = SiteFactory(
            address="1284 Upper Saint-Constantinople Boulevard, Rear Building, Unit 14B, Pittsburgh, PA 15232",
            access_notes="Gate code 4471, ring twice",
            customer__name=LONG_NAME,
        )
        now = timezone.now()
        job = make_job(Status.ASSIGNED, by=omar, technician=tess, site=site, priority=4, description="No heat upstairs")
        job.job_type.checklist.create(text="Gas shut-off tested", is_required=True)
        CustomerMessage.objects.create(
            job=job, customer=job.customer, kind="access", text="Side door, key safe 0912", sent_at=now
        )
        actions.add_note(job, "Key is under the mat", by=omar)
        held = make_job(Status.ASSIGNED, by=omar, technician=tess, site=SiteFactory(customer__name=LONG_NAME))
        actions.hold_job(held, "Waiting for parts", by=omar)
        window = {"window_starts_at": now - timezone.timedelta(hours=2), "window_ends_at": now}
        for _ in range(12):
            make_job(Status.ASSIGNED, by=omar, technician=tess, site=SiteFactory(), **window)
        make_job(Status.COMPLETED, by=omar, technician=tess)
        return job

    return in_thread(make)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_phone_is_for_gloves_and_sunlight(new_context, live_site, job, tess, theme, browser_errors):
    browser_errors.allow("ERR_INTERNET_DISCONNECTED")
    page = new_context(**SMALL_PHONE, color_scheme=theme).new_page()
    give_session(page.context, live_site.url, tess.user)
    for path in (reverse("phone"), reverse("phone_job", args=[job.pk])):
        page.goto(live_site.url + path)
        expect(page.locator("[data-phone-root][data-waiting]")).to_be_visible()
        page.context.set_offline(True)
        page.get_by_role("button", name="30 min").click()
        expect(page.locator("#phone-bar")).to_contain_text("waits to be sent")
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert page.evaluate(SHORT_TARGETS, GLOVE) == []
        assert page.evaluate(FAINT_TEXTS) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= SMALL_PHONE["viewport"]["width"]
        page.context.set_offline(False)
        expect(page.locator("[data-phone-root][data-waiting='0']")).to_be_visible()
