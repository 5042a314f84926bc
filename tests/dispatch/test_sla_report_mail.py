"""The managers' weekly e-mail: who gets it, when, and what it says."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.urls import reverse

from dispatch import actions, tasks
from dispatch.models import Delivery, Notification, Priority, Status
from dispatch.notices.notify import Channel, Kind
from dispatch.roles import Role
from sla.models import Violation
from tests.factories import JobTypeFactory, UserFactory, make_job
from tests.pages import html_of, links_of, text_of

WEEK = reverse("sla_report_week")
MONDAY = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)  # five past seven in New York
HOUR = timedelta(hours=1)
KEY = "sla-report:2026-11-16"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday_morning():
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def mail_server(settings):
    settings.EMAIL_HOST, settings.SITE_URL = "mail.example", "https://dispatch.example.com"


@pytest.fixture
def omar(omar):
    omar.email = "omar@example.com"
    omar.save(update_fields=["email"])
    return omar


@pytest.fixture
def do_job(omar, tess):
    """On Wednesday of last week. High: a response within 4 hours, a resolution within 24."""

    def do(*, takes, ago=5 * 24 * HOUR, **fields):
        begin = MONDAY - ago
        job = make_job(by=omar, priority=Priority.HIGH, created_at=begin, now=begin, **fields)
        job = actions.change_status(job, Status.ASSIGNED, technician=tess, by=omar, now=begin)
        for status in (Status.EN_ROUTE, Status.IN_PROGRESS, Status.COMPLETED):
            job = actions.change_status(job, status, by=omar, now=begin + takes)
        return job

    return do


@pytest.fixture
def week(do_job):
    """Of two responses one was breached; all resolutions were met. The week before all was met."""
    do_job(takes=HOUR)
    do_job(takes=5 * HOUR, job_type=JobTypeFactory(name="Gas & leaks"))
    do_job(takes=HOUR, ago=12 * 24 * HOUR)
    Notification.objects.all().delete()


def told() -> list[str]:
    notices = Notification.objects.filter(kind=Kind.SLA_REPORT)
    return list(notices.order_by("recipient__username").values_list("recipient__username", flat=True))


def deliver(mailoutbox):
    """Brings what is queued to people; returns the last e-mail."""
    for delivery in Delivery.objects.filter(state=Delivery.State.QUEUED, notification__kind=Kind.SLA_REPORT):
        assert actions.deliver(delivery.pk) == Delivery.State.SENT
    return mailoutbox[-1]


# Who is told, and when ----------------------------------------------------------------------------


def test_managers_and_admins_are_told_and_nobody_else(week, omar, ada, dana, tess, nick):
    UserFactory(username="gone", role=Role.MANAGER, is_active=False)
    actions.send_due_sla_report()
    assert told() == ["ada", "omar"]


def test_each_is_told_once_however_often_it_runs(week, omar, ada):
    assert tasks.send_due_sla_report() == 2
    assert tasks.send_due_sla_report() == 0
    UserFactory(username="olga", role=Role.MANAGER)
    assert tasks.send_due_sla_report() == 1
    assert told() == ["ada", "olga", "omar"]


@pytest.mark.parametrize(
    ("hours", "is_sent"),
    [(-2, False), (-0.1, False), (0, True), (16, True), (40, True), (41, False), (24 * 7 - 1, False)],
    ids=["Monday at five", "before seven", "seven", "Monday night", "Tuesday night", "Wednesday", "next Monday early"],
)
def test_it_goes_out_on_monday_from_seven_and_catches_up_on_tuesday(week, monday_morning, hours, is_sent):
    monday_morning.move_to(MONDAY + hours * HOUR)
    assert bool(actions.send_due_sla_report()) is is_sent


def test_the_hour_is_the_businesss_own_after_the_clocks_went_back(do_job, monday_morning):
    do_job(takes=HOUR, ago=26 * 24 * HOUR)
    for half_past, sent in ((11, 0), (12, 1)):  # six, then seven in New York; a week earlier it would have been seven
        monday_morning.move_to(datetime(2026, 11, 2, half_past, 30, tzinfo=UTC))
        assert actions.send_due_sla_report() == sent


def test_a_week_without_targets_is_no_news(omar):
    assert actions.send_due_sla_report() == 0
    assert told() == []


def test_who_wants_no_email_of_it_gets_none(week, omar, ada):
    omar.notification_preferences.create(kind=Kind.SLA_REPORT, channel=Channel.EMAIL, is_on=False)
    omar.notification_preferences.create(kind=Kind.SLA_REPORT, channel=Channel.IN_APP, is_on=True)
    actions.send_due_sla_report()
    assert not Delivery.objects.filter(notification__recipient=omar).exists()
    notice = Notification.objects.shown_to(omar).get()
    assert notice.text == "16–22 Nov 2026: response 50 %, resolution 100 %, 1 breach, 1 not acknowledged"
    assert notice.url == f"{reverse('sla_report')}?from=2026-11-16&to=2026-11-22"


def test_managers_can_choose_how_they_hear_of_it(client, omar, dana):
    page = reverse("notification_preferences")
    client.force_login(omar)
    assert "SLA compliance of the week" in text_of(client.get(page))
    client.force_login(dana)
    assert "SLA compliance of the week" not in text_of(client.get(page))


# What it says -------------------------------------------------------------------------------------


def test_the_email_says_the_figures_and_leads_to_the_report(week, omar, mailoutbox):
    actions.send_due_sla_report()
    mail = deliver(mailoutbox)
    assert mail.to == ["omar@example.com"]
    assert mail.subject == (
        "SLA compliance 16–22 Nov 2026: response 50 %, resolution 100 %, 1 breach, 1 not acknowledged"
    )
    html = mail.alternatives[0].content
    for words in (
        "Response: 50 % (−50.0 points), 1 met, 1 breached",
        "Resolution: 100 % (unchanged)",
        "Gas & leaks (1)",
    ):
        assert words in mail.body
    assert "https://dispatch.example.com/reports/sla/?from=2026-11-16&to=2026-11-22" in mail.body
    assert "Gas &amp; leaks (1)" in html
    assert 'href="https://dispatch.example.com/reports/sla/?from=2026-11-16&amp;to=2026-11-22"' in html
    assert re.search(r'href="https://dispatch.example.com/reports/sla/jobs/\?[^"]*acknowledged=false"', html)


def test_without_an_address_of_the_site_it_says_where_to_look(week, omar, mailoutbox, settings):
    settings.SITE_URL = ""
    actions.send_due_sla_report()
    mail = deliver(mailoutbox)
    assert "Reports > SLA compliance" in mail.body
    assert "href" not in mail.alternatives[0].content


def test_what_was_acknowledged_meanwhile_is_not_called_waiting(week, omar, mailoutbox):
    actions.send_due_sla_report()
    violations = list(Violation.objects.values_list("pk", flat=True))
    actions.acknowledge_violations(violations, note="Snow", by=omar)
    assert "0 of 1 breach nobody has acknowledged" in deliver(mailoutbox).body


def test_a_good_week_says_so(do_job, omar, mailoutbox):
    do_job(takes=HOUR)
    actions.send_due_sla_report()
    mail = deliver(mailoutbox)
    assert "0 breaches" in mail.subject
    assert "No target was breached." in mail.body


# By hand ------------------------------------------------------------------------------------------


def test_a_week_can_be_sent_by_hand(week, omar, capsys):
    call_command("send_sla_report", "--week", "2026-11-18")
    assert capsys.readouterr().out == "Week of 16–22 Nov 2026: 1 told, 1 of them by e-mail.\n"
    call_command("send_sla_report")
    assert "0 told" in capsys.readouterr().out
    assert Notification.objects.get(kind=Kind.SLA_REPORT).once_key == KEY


def test_a_week_that_is_not_over_is_refused(week, omar):
    with pytest.raises(CommandError, match="not over yet"):
        call_command("send_sla_report", "--week", "2026-11-23")


def test_the_command_says_when_no_email_can_be_sent(week, omar, capsys, settings):
    settings.EMAIL_HOST = ""
    call_command("send_sla_report")
    assert "No e-mail is sent: EMAIL_HOST is not set." in capsys.readouterr().out


# The preview --------------------------------------------------------------------------------------


def test_manager_reads_beforehand_what_will_be_sent(client, week, omar):
    client.force_login(omar)
    response = client.get(WEEK)
    text = text_of(response)
    assert "Subject SLA compliance 16–22 Nov 2026: response 50 %" in text
    assert "Sent No" in text
    assert f"{reverse('sla_report')}?from=2026-11-16&to=2026-11-22" in links_of(response)
    assert {"?week=2026-11-09", "?week=2026-11-23"} <= set(links_of(response))
    actions.send_due_sla_report()
    assert "Sent Mon 23 Nov 2026 07:05, to Omar" in text_of(client.get(WEEK))


def test_the_running_week_can_be_looked_at_and_nothing_after_it(client, omar):
    client.force_login(omar)
    response = client.get(WEEK, {"week": "2026-11-25"})
    assert "The week is not over yet." in text_of(response)
    assert "no e-mail is sent" in text_of(response)
    assert "?week=2026-11-30" not in html_of(response)


def test_a_week_that_is_no_date_is_refused(client, omar):
    client.force_login(omar)
    assert client.get(WEEK, {"week": "soon"}).status_code == 422


def test_dispatchers_have_no_preview(client, dana):
    client.force_login(dana)
    assert client.get(WEEK).status_code == 403
    assert WEEK not in links_of(client.get(reverse("sla_report")))
