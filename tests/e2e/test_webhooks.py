"""Other systems in a browser: a webhook tested while one watches, and a calendar made on the phone."""

from urllib.request import urlopen

import pytest
from django.utils import timezone
from icalendar import Calendar
from playwright.sync_api import expect

from dispatch import actions
from dispatch.models import Status, WebhookDelivery
from tests.e2e.axe import objections
from tests.e2e.live import in_thread, log_in, log_in_by_form
from tests.factories import make_job
from tests.webhook_receiver import WebhookReceiver, is_signed

pytestmark = pytest.mark.interaction

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture
def receiver(settings):
    receiver = WebhookReceiver()
    settings.WEBHOOK_HOSTS = [receiver.host]
    yield receiver
    receiver.down()


def test_admin_tests_a_webhook_and_sees_it_fail_and_then_arrive(new_context, live_site, ada, receiver):
    endpoint = in_thread(actions.add_webhook, receiver.url, by=ada)
    page = new_context().new_page()
    log_in(page, live_site.url, "ada")
    page.goto(f"{live_site.url}/settings/webhooks/")
    assert objections(page) == []
    page.get_by_role("link", name=receiver.url).click()
    page.get_by_role("link", name="Secret…").click()
    secret = page.locator("[data-secret]").inner_text()
    assert objections(page) == []
    page.get_by_role("link", name="Done").click()
    page.goto(f"{live_site.url}/settings/webhooks/{endpoint.pk}/secret/")  # as after adding one
    page.get_by_role("link", name="Done").click()
    receiver.status = 500
    page.get_by_role("button", name="Send a test event").click()
    row = page.locator("[data-delivery]")
    expect(row).to_contain_text("Not tried yet")
    in_thread(actions.deliver_webhooks, endpoint.pk)
    expect(row).to_contain_text("500 ok")  # by itself
    receiver.status = 200
    in_thread(actions.deliver_webhooks, endpoint.pk, now=timezone.now() + timezone.timedelta(hours=1))
    expect(row).to_contain_text("Delivered")
    assert objections(page) == []
    row.get_by_role("link", name="webhook.test").click()
    expect(page.locator(".attempts li")).to_have_count(2)
    assert objections(page) == []
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("[data-delivery]")).to_contain_text("Waiting")
    assert in_thread(WebhookDelivery.objects.get).state == "queued"
    assert is_signed(receiver.calls[0], secret=secret, at=timezone.now().timestamp())
    assert len({call.event_id for call in receiver.calls}) == 1


def test_technician_makes_a_calendar_on_the_phone_that_a_program_can_read(new_context, live_site, omar, tess):
    job = in_thread(make_job, Status.ASSIGNED, by=omar, technician=tess)
    page = new_context(**PHONE).new_page()
    log_in_by_form(page, live_site.url, "tess")
    page.locator(".duty summary").click()
    page.get_by_role("link", name="Calendar").click()
    page.get_by_role("button", name="Make an address").click()
    assert objections(page) == []
    with urlopen(page.locator("[data-address]").inner_text()) as answer:  # noqa: S310
        [event] = Calendar.from_ical(answer.read()).walk("VEVENT")
    assert job.number in str(event["SUMMARY"])
    page.goto(f"{live_site.url}/technicians/{tess.pk}/calendar/")
    expect(page.get_by_text("Never yet")).to_have_count(0)
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_role("button", name="Make an address")).to_be_visible()
