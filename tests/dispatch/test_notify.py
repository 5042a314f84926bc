"""What people are told of, on which channels, and once. What actions mean for technicians: test_technician_notices.py."""

import json
import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions, realtime
from dispatch.models import Delivery, LiveVersion, Notification, NotificationPreference, PushSubscription, Status
from dispatch.notices.notify import DEFAULTS, HEADLINES, Channel, Kind, dispatchers_of, kinds_for, notify
from dispatch.roles import Role
from dispatch.tasks import forget_old_data
from tests.dispatch.test_push import KEY
from tests.factories import TechnicianFactory, UserFactory, make_job
from tests.pages import html_of, text_of
from tests.threads import at_the_same_time
from zones.access import grant_zones

TECHNICIANS_KINDS = {"assigned", "unassigned", "changed", "cancelled", "day_reordered", "day_sent"}


@pytest.fixture
def all_channels(settings):
    """E-mail and push are set up."""
    settings.EMAIL_HOST = "mail.example"
    settings.VAPID_PRIVATE_KEY = KEY


def reachable(user):
    """Somebody with an e-mail address and a device."""
    type(user).objects.filter(pk=user.pk).update(email=f"{user.username}@example.com")
    user.refresh_from_db()
    user.push_subscriptions.create(endpoint=f"https://web.push.apple.com/{user.pk}")
    return user


def channels_of(notice) -> set[str]:
    outside = set(notice.deliveries.values_list("channel", flat=True))
    return outside | {"in_app"} if notice.is_in_app else outside


def prefer(user, kind, channel, is_on):
    user.notification_preferences.create(kind=kind, channel=channel, is_on=is_on)


# Channels and preferences -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_defaults_and_a_headline_and_reaches_its_channels(tess, all_channels, kind):
    [notice] = notify([reachable(tess.user)], kind, "Something")
    assert channels_of(notice) == DEFAULTS[kind]
    assert HEADLINES[kind]


def test_ones_own_answer_counts_more_than_the_default(tess, all_channels):
    user = reachable(tess.user)
    prefer(user, Kind.ASSIGNED, Channel.PUSH, False)
    prefer(user, Kind.ASSIGNED, Channel.EMAIL, True)
    prefer(user, Kind.CANCELLED, Channel.IN_APP, False)
    [assigned] = notify([user], Kind.ASSIGNED, "x")
    [cancelled] = notify([user], Kind.CANCELLED, "x")
    assert (channels_of(assigned), channels_of(cancelled)) == ({"in_app", "email"}, {"push"})
    assert list(Notification.objects.shown_to(user)) == [assigned]


def test_answers_of_others_and_of_other_kinds_change_nothing(tess, tom, all_channels):
    prefer(tom.user, Kind.ASSIGNED, Channel.PUSH, False)
    prefer(tess.user, Kind.CANCELLED, Channel.PUSH, False)
    [notice] = notify([reachable(tess.user)], Kind.ASSIGNED, "x")
    assert notice.deliveries.get().channel == "push"


def test_without_a_mail_server_or_an_address_no_mail_is_queued(tess, tom, settings):
    notify([reachable(tess.user)], Kind.DAY_SENT, "x")
    settings.EMAIL_HOST = "mail.example"
    notify([tom.user], Kind.DAY_SENT, "x")
    assert not Delivery.objects.exists()


def test_many_people_cost_as_many_queries_as_one(north, all_channels):
    counts = []
    for number in (1, 20):
        people = [reachable(TechnicianFactory(zones=[north]).user) for _ in range(number)]
        with CaptureQueriesContext(connection) as queries:
            notify(people, Kind.ASSIGNED, "x")
        counts.append(len(queries))
    assert counts == [3, 3]


# Once ---------------------------------------------------------------------------------------------


def test_the_same_key_tells_each_person_once(tess, tom):
    assert len(notify([tess.user], Kind.STUCK, "x", once_key="stuck:1")) == 1
    assert [notice.recipient for notice in notify([tess.user, tom.user], Kind.STUCK, "x", once_key="stuck:1")] == [
        tom.user
    ]
    assert len(notify([tess.user], Kind.STUCK, "x", once_key="stuck:2")) == 1
    assert len(notify([tess.user, tess.user], Kind.STUCK, "x", once_key="stuck:3")) == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_tell_at_once_tell_once(tess, tom, all_channels):
    people = [reachable(tess.user), reachable(tom.user)]

    def tell(order):
        return notify(order, Kind.URGENT_UNASSIGNED, "x", once_key="urgent:1")

    outcomes = at_the_same_time(*[lambda: tell(people), lambda: tell(people[::-1])] * 2)
    assert sorted(map(len, outcomes)) == [0, 0, 0, 2]
    assert (Notification.objects.count(), Delivery.objects.count()) == (2, 2)


# Live ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_persons_own_pages_hear_of_it_even_while_the_board_is_muted(tess):
    with realtime.muted():
        notify([tess.user], Kind.ASSIGNED, "x")
    assert LiveVersion.objects.get(pk=f"user.{tess.user_id}").number == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_not_wanted_in_the_app_rings_no_bell(tess):
    prefer(tess.user, Kind.ASSIGNED, Channel.IN_APP, False)
    notify([tess.user], Kind.ASSIGNED, "x")
    assert not LiveVersion.objects.filter(pk=f"user.{tess.user_id}").exists()


# E-mail -------------------------------------------------------------------------------------------


def test_mail_says_it_in_one_line_and_comes_once(tess, all_channels):
    user = reachable(tess.user)
    prefer(user, Kind.CANCELLED, Channel.EMAIL, True)
    [notice] = notify([user], Kind.CANCELLED, "Cancelled: J-000001 Boiler\nrepair, 5 Elm St")
    delivery = notice.deliveries.get(channel="email")
    assert [actions.deliver(delivery.pk), actions.deliver(delivery.pk)] == ["sent", ""]
    [letter] = mail.outbox
    assert (letter.to, letter.subject) == (
        ["tess@example.com"],
        "Job cancelled: Cancelled: J-000001 Boiler repair, 5 Elm St",
    )
    assert "5 Elm St" in letter.body


def test_mail_of_the_day_has_every_job(tess, omar, all_channels):
    reachable(tess.user)
    jobs = [make_job(Status.ASSIGNED, by=omar, technician=tess) for _ in range(2)]
    actions.send_day(timezone.localdate(), by=omar)
    delivery = Delivery.objects.get(channel="email", notification__kind=Kind.DAY_SENT)
    assert actions.deliver(delivery.pk) == "sent"
    assert all(job.number in mail.outbox[0].body for job in jobs)


def test_a_mail_server_in_trouble_is_tried_again(tess, all_channels, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_PORT = 1
    user = reachable(tess.user)
    prefer(user, Kind.ASSIGNED, Channel.EMAIL, True)
    notify([user], Kind.ASSIGNED, "x")
    delivery = Delivery.objects.get(channel="email")
    assert actions.deliver(delivery.pk) == "queued"
    delivery.refresh_from_db()
    assert "refused" in delivery.error


def test_an_address_taken_away_meanwhile_gets_no_mail(tess, all_channels):
    user = reachable(tess.user)
    notify([user], Kind.DAY_SENT, "x", once_key="day:2026-01-05")
    type(user).objects.update(email="")
    delivery = Delivery.objects.get(channel="email")
    assert actions.deliver(delivery.pk) == "failed"


# Who dispatches -----------------------------------------------------------------------------------


def test_dispatchers_of_a_zone_are_those_granted_it_and_those_of_all(dana, omar, ada, tess, nick, north, south):
    both = UserFactory(role=Role.DISPATCHER)
    UserFactory(role=Role.MANAGER, is_active=False)
    southerner = UserFactory(role=Role.DISPATCHER)
    grant_zones(southerner, [south])
    assert set(dispatchers_of(north.pk)) == {dana, omar, ada, both}
    assert set(dispatchers_of(south.pk)) == {southerner, omar, ada, both}
    assert set(dispatchers_of(None)) == {dana, southerner, omar, ada, both}


def test_finding_dispatchers_takes_one_query(dana, omar, north, django_assert_num_queries):
    for _ in range(5):
        UserFactory(role=Role.DISPATCHER)
    with django_assert_num_queries(1):
        dispatchers_of(north.pk)


def without_tokens(html: str) -> str:
    """Django masks its token differently each time."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", html).strip()


# The pages ----------------------------------------------------------------------------------------


@pytest.fixture
def her(client, dana):
    client.force_login(dana)
    return client


def test_the_bell_counts_what_is_unread_and_leads_to_it(her, dana, omar, north):
    job = make_job(by=omar, zone=north)
    [notice] = notify([dana], Kind.URGENT_UNASSIGNED, "Urgent: nobody has J-000001", job=job)
    assert "Notifications 1 unread" in text_of(her.get(reverse("dashboard")))
    shown = her.get(reverse("notifications"))
    assert "Urgent: nobody has J-000001" in text_of(shown)
    assert reverse("open_notice", args=[notice.pk]) in html_of(shown)
    opened = her.get(reverse("open_notice", args=[notice.pk]))
    assert opened.url == reverse("job", args=[job.pk])
    notice.refresh_from_db()
    assert notice.read_at
    assert "hidden" in html_of(her.get(reverse("dashboard"))).partition("data-bell-count")[2][:20]


def test_the_bell_tells_what_is_new_since_the_page_was_made(her, dana):
    old, *new = [notify([dana], Kind.STUCK, f"Number {number}")[0] for number in range(6)]
    answer = her.get(reverse("bell"), {"after": old.pk}).json()
    assert (answer["unread"], answer["latest"], answer["more"]) == (6, new[-1].pk, 1)
    assert [one["text"] for one in answer["fresh"]] == ["Number 5", "Number 4", "Number 3"]
    assert answer["fresh"][0]["title"] == "No progress"
    assert her.get(reverse("bell"), {"after": new[-1].pk}).json()["fresh"] == []


@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 40, "²"])
def test_a_bell_that_is_asked_nonsense_shows_no_toast(her, dana, after):
    notify([dana], Kind.STUCK, "x")
    answer = her.get(reverse("bell"), {"after": after})
    assert (answer.status_code, answer.json()["fresh"]) == (200, [])


def test_one_or_all_are_marked_as_read_and_only_ones_own(her, dana, omar):
    first, second = (notify([dana], Kind.STUCK, text)[0] for text in "ab")
    [his] = notify([omar], Kind.STUCK, "c")
    assert her.post(reverse("read_notice", args=[first.pk])).url == reverse("notifications")
    assert her.post(reverse("read_notice", args=[his.pk])).status_code == 404
    assert her.get(reverse("open_notice", args=[his.pk])).status_code == 404
    assert list(Notification.objects.unread().order_by("pk")) == [second, his]
    response = her.post(reverse("read_notices"), headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Trigger"]) == (204, "live-notified")
    assert list(Notification.objects.unread()) == [his]


def test_the_panel_has_the_newest_and_the_list_has_pages(her, dana):
    for number in range(45):
        notify([dana], Kind.STUCK, f"Number {number}.")
    panel = her.get(reverse("notifications"), headers={"HX-Request": "true", "HX-Target": "bell-panel"})
    assert html_of(panel).count("<li ") == 12
    assert "Number 44." in text_of(panel)
    page = her.get(reverse("notifications"))
    assert "Page 1 of 2" in text_of(page)
    assert html_of(page).count("data-notice=") == 40
    assert html_of(her.get(reverse("notifications"), {"page": "2"})).count("data-notice=") == 5
    fragment = her.get(reverse("notifications"), headers={"HX-Request": "true", "HX-Target": "notices"})
    assert without_tokens(html_of(fragment)) in without_tokens(html_of(page))


def test_the_list_costs_the_same_queries_for_many(her, dana):
    counts = []
    for more in (2, 30):
        for _ in range(more):
            notify([dana], Kind.STUCK, "x")
        with CaptureQueriesContext(connection) as queries:
            her.get(reverse("notifications"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_job_that_has_gone_to_somebody_else_opens_the_technicians_day(client, tess, tom, omar):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    notice = Notification.objects.get(recipient=tess.user, kind=Kind.ASSIGNED)
    client.force_login(tess.user)
    assert client.get(reverse("open_notice", args=[notice.pk])).url == reverse("phone_job", args=[job.pk])
    actions.assign_job(job, tom, by=omar)
    assert client.get(reverse("open_notice", args=[notice.pk])).url == reverse("phone")


def test_kinds_are_those_of_ones_role(tess, dana, omar, ada, nick):
    assert set(kinds_for(tess.user)) == TECHNICIANS_KINDS
    admins = {Kind.IMPORT_DONE, Kind.WEBHOOK_STOPPED}
    assert set(kinds_for(dana)) == set(Kind) - TECHNICIANS_KINDS - admins - {Kind.SLA_REPORT}
    assert set(kinds_for(omar)) == set(Kind) - TECHNICIANS_KINDS - admins
    assert set(kinds_for(ada)) == set(Kind) - TECHNICIANS_KINDS
    assert kinds_for(nick) == []


def test_everybody_chooses_among_the_kinds_of_their_role(her, dana, all_channels):
    page = html_of(her.get(reverse("notification_preferences")))
    assert 'name="stuck-email"' in page
    assert "assigned-push" not in page.replace("urgent_unassigned-push", "")
    data = {"urgent_unassigned-in_app": "on", "stuck-email": "on", "assigned-email": "on"}
    her.post(reverse("notification_preferences"), data)
    [urgent] = notify([reachable(dana)], Kind.URGENT_UNASSIGNED, "x")
    [stuck] = notify([dana], Kind.STUCK, "x")
    assert (urgent.is_in_app, urgent.deliveries.count()) == (True, 0)
    assert (stuck.is_in_app, stuck.deliveries.get().channel) == (False, "email")
    assert not NotificationPreference.objects.filter(kind=Kind.ASSIGNED).exists()
    again = html_of(her.get(reverse("notification_preferences")))
    assert again.count(" checked") == 2


def test_choosing_the_defaults_keeps_nothing(her, dana):
    data = {f"{kind}-{channel}": "on" for kind in kinds_for(dana) for channel in DEFAULTS[kind]}
    her.post(reverse("notification_preferences"), data)
    assert not NotificationPreference.objects.exists()


def test_whoever_has_no_role_is_told_that_there_is_nothing(client, nick):
    client.force_login(nick)
    assert "no role yet" in text_of(client.get(reverse("notification_preferences")))


def test_the_button_of_a_device_knows_ones_own_endpoints_only_by_their_fingerprints(client, tess, all_channels):
    reachable(tess.user)
    client.force_login(tess.user)
    for name in ("phone", "notification_preferences"):
        page = html_of(client.get(reverse(name)))
        assert "data-push " in page
        assert "web.push.apple.com" not in page
        known = page.partition('data-known="')[2].partition('"')[0].replace("&quot;", '"')
        assert [len(one) for one in json.loads(known)] == [64]


def test_the_job_page_says_who_was_told_and_what_became_of_it(her, tess, omar, north, all_channels):
    reachable(tess.user)
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north)
    PushSubscription.objects.update(device="Chrome on Android")
    Delivery.objects.filter(channel="push").update(state="failed", error="The push service answered 403")
    shown = text_of(her.get(reverse("job", args=[job.pk])))
    assert "New job to Tess" in shown
    assert "In the app: not read yet" in shown
    assert "Push to Chrome on Android: failed, The push service answered 403" in shown


def test_what_several_people_were_told_at_once_is_one_line_of_the_job_page(her, dana, omar, north):
    job = make_job(by=omar, zone=north)
    first, _ = notify([dana, omar], Kind.STUCK, "No nearer for 16 min.", job=job)
    notify([omar], Kind.STUCK, "No nearer for 30 min.", job=job)
    Notification.objects.filter(pk=first.pk).update(read_at=timezone.now())
    page = her.get(reverse("job", args=[job.pk]))
    assert text_of(page).count("No nearer for 16 min.") == 1
    assert "Who has it: 1 of 2 read" in text_of(page)
    assert text_of(page).count("No nearer for 30 min.") == 1
    assert len(page.context["notices"]) == 2


def test_the_job_page_costs_the_same_queries_for_many_notices(her, tess, omar, north, all_channels):
    job, counts = make_job(by=omar, zone=north), []
    user = reachable(tess.user)
    her.get(reverse("job", args=[job.pk]))  # what is remembered from now on
    for more in (1, 10):
        for _ in range(more):
            notify([user], Kind.ASSIGNED, "x", job=job)
        with CaptureQueriesContext(connection) as queries:
            her.get(reverse("job", args=[job.pk]))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_page_asks_for_the_bell_once_and_a_fragment_never(her, dana, omar, north):
    job = make_job(by=omar, zone=north)

    def bells(**headers):
        with CaptureQueriesContext(connection) as queries:
            her.get(reverse("job", args=[job.pk]), headers=headers)
        return sum("MAX(" in query["sql"] and "dispatch_notification" in query["sql"] for query in queries)

    assert (bells(), bells(**{"HX-Request": "true"})) == (1, 0)


def test_what_was_read_long_ago_is_forgotten(dana):
    old, recent, unread = (notify([dana], Kind.STUCK, text)[0] for text in "abc")
    long_ago = timezone.now() - timedelta(days=91)
    Notification.objects.filter(pk=old.pk).update(read_at=long_ago)
    Notification.objects.filter(pk=unread.pk).update(created_at=long_ago)
    Notification.objects.filter(pk=recent.pk).update(read_at=timezone.now())
    assert forget_old_data()["notifications"] == 1
    assert set(Notification.objects.all()) == {recent, unread}
