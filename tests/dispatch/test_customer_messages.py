"""What customers say through their link, and what becomes of it."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from dispatch import actions
from dispatch.actions import ActionRefused, PlacementConflict
from dispatch.customer_link.door import token_of
from dispatch.models import CustomerDelivery, CustomerLink, CustomerMessage, Job, Notification, Rating, Status
from tests.factories import CustomerFactory, SiteFactory, make_job
from tests.pages import html_of, text_of


@pytest.fixture
def site(north):
    customer = CustomerFactory(name="Rivera", email="rivera@example.com")
    return SiteFactory(customer=customer, address="118 Ash St", latitude=40.1, longitude=-75.1)


@pytest.fixture
def job(dana, tess, site):
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site)
    actions.send_link(job, by=dana)
    return job


@pytest.fixture
def link(job):
    return job.customer_links.get()


def url_of(link, part="") -> str:
    return f"/visit/{token_of(link)}/{part}"


def in_days(days: int, hour: int) -> datetime:
    return timezone.make_aware(datetime.combine(timezone.localdate() + timedelta(days=days), time(hour)))


def told(user, kind) -> list[str]:
    return list(Notification.objects.filter(recipient=user, kind=kind).values_list("text", flat=True))


# Saying -----------------------------------------------------------------------------------------------


def test_gate_code_reaches_the_technician_and_the_office(client, link, job, tess, dana):
    sent = client.post(url_of(link, "message/"), {"kind": "access", "text": "Gate 4711"}, follow=True)
    assert "Sent. Thank you." in text_of(sent)
    assert "Gate 4711" in text_of(sent)
    for user in (tess.user, dana):
        assert told(user, "customer_wrote") == [f"{job.number} Rivera: Gate 4711"]
    client.force_login(dana)
    assert "Gate 4711" in text_of(client.get(f"/jobs/{job.pk}/"))
    assert "Gate 4711" in text_of(client.get(f"/jobs/{job.pk}/drawer/"))
    client.force_login(tess.user)
    assert "Gate 4711" in text_of(client.get(f"/my-day/jobs/{job.pk}/"))


def test_customer_is_ready_once_and_the_office_is_left_in_peace(client, link, tess, dana):
    for _ in range(2):
        client.post(url_of(link, "message/"), {"kind": "ready"})
    assert CustomerMessage.objects.count() == 1
    assert len(told(tess.user, "customer_wrote")) == 1
    assert told(dana, "customer_wrote") == []
    assert "I am ready" not in html_of(client.get(url_of(link))).split('id="visit-forms"')[1]


@pytest.mark.parametrize(
    ("data", "status"),
    [({"kind": "message", "text": " "}, 409), ({"kind": "other_time"}, 422), ({"kind": "message", "text": "x" * 1001}, 422),
     ({"kind": "message", "text": "a\x00b"}, 422), ({}, 422)],
)  # fmt: skip
def test_message_that_says_nothing_or_too_much_is_not_sent(client, link, data, status):
    assert client.post(url_of(link, "message/"), data).status_code == status
    assert not CustomerMessage.objects.exists()


def test_what_customers_write_is_text_and_nothing_else(client, link, job, dana):
    client.post(url_of(link, "message/"), {"kind": "message", "text": "<script>alert(1)</script>"})
    client.force_login(dana)
    for page in (url_of(link), f"/jobs/{job.pk}/"):
        assert "<script>alert" not in html_of(client.get(page))


@pytest.mark.parametrize(
    "sent",
    [{"data": {"kind": "message", "text": "x" * 11_000_000}}, {"data": {f"f{n}": "x" for n in range(1500)}},
     {"data": b"what?", "content_type": "multipart/form-data"}, {"data": {"kind": "message", "text": "x" * 100_000}}],
    ids=["11 MB", "1500 fields", "no form", "100 kB"],
)  # fmt: skip
def test_form_that_no_page_sends_is_refused_on_a_customers_page(client, link, sent):
    answer = client.post(url_of(link, "message/"), **sent)
    assert answer.status_code == 413
    assert "That is too long" in text_of(answer)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert not CustomerMessage.objects.exists()


@pytest.mark.parametrize("text", ["👩‍👩‍👧‍👦" * 40, "\u202eevil", "مرحبا بالعالم", "{{ 7*7 }}", "a\u0300" * 400])
def test_customers_write_in_any_script(client, link, job, dana, text):
    assert client.post(url_of(link, "message/"), {"kind": "message", "text": text}).status_code == 302
    assert text in html_of(client.get(url_of(link)))
    client.force_login(dana)
    assert text in html_of(client.get(f"/jobs/{job.pk}/"))


def test_hundred_taps_on_send_are_one_message(client, link):
    answers = {client.post(url_of(link, "message/"), {"kind": "message", "text": "?"}).status_code for _ in range(100)}
    assert (answers, CustomerMessage.objects.count()) == ({302}, 1)


def test_second_tap_on_send_is_no_second_message(client, link):
    for _ in range(2):
        client.post(url_of(link, "message/"), {"kind": "message", "text": "Ring twice"})
    assert CustomerMessage.objects.count() == 1


def test_customer_cannot_flood_the_office(client, link):
    answers = [
        client.post(url_of(link, "message/"), {"kind": "message", "text": f"{n}"}).status_code for n in range(14)
    ]
    assert answers == [302] * 12 + [409] * 2


def test_nothing_can_be_said_once_the_visit_is_over(client, link, job, dana):
    actions.change_status(job, Status.CANCELLED, by=dana, note="x")
    assert client.post(url_of(link, "message/"), {"kind": "message", "text": "Hello?"}).status_code == 409
    assert not CustomerMessage.objects.exists()


# Another time -------------------------------------------------------------------------------------------


def ask(client, link, *, days=3, begins="10:00", ends="12:00", text=""):
    day = (timezone.localdate() + timedelta(days=days)).isoformat()
    return client.post(url_of(link, "time/"), {"day": day, "begins": begins, "ends": ends, "text": text})


def test_wish_changes_nothing_and_goes_to_the_dispatchers(client, link, job, dana, tess):
    before = Job.objects.values().get(pk=job.pk)
    assert ask(client, link, text="At work").status_code == 302
    after = Job.objects.values().get(pk=job.pk)
    assert {name for name in before if before[name] != after[name]} == {"version"}
    assert "asks for" in told(dana, "other_time")[0]
    assert told(tess.user, "other_time") == []
    client.force_login(dana)
    page = text_of(client.get(f"/jobs/{job.pk}/drawer/"))
    assert "At work" in page
    assert "Accept…" in page


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"days": -1}, 409), ({"days": 300}, 409), ({"begins": "12:00", "ends": "10:00"}, 422), ({"ends": "10:10"}, 422),
     ({"begins": "later"}, 422)],
)  # fmt: skip
def test_wish_for_a_time_that_makes_no_sense_is_refused(client, link, changes, status):
    assert ask(client, link, **changes).status_code == status
    assert not CustomerMessage.objects.exists()


def test_who_asks_for_a_day_too_far_off_is_told_how_far_they_may_go(client, link):
    answer = ask(client, link, days=400)
    assert answer.status_code == 409
    assert "Choose a day within the next six months" in answer.content.decode()


def test_customer_asks_for_one_other_time_at_a_time(client, link):
    ask(client, link)
    assert ask(client, link, days=4).status_code == 409
    assert CustomerMessage.objects.count() == 1


def test_customer_cannot_move_whoever_is_on_the_way(client, link, job, dana):
    actions.change_status(job, Status.EN_ROUTE, by=dana)
    assert ask(client, link).status_code == 409


@pytest.fixture
def wish(client, link) -> CustomerMessage:
    ask(client, link)
    return CustomerMessage.objects.get()


def test_dispatcher_takes_the_customers_time_and_can_undo_it(client, dana, job, wish):
    was = Job.objects.get(pk=job.pk)
    client.force_login(dana)
    answer = client.post(f"/customer-messages/{wish.pk}/accept/", {"anyway": "1"})
    assert answer.status_code == 302
    job.refresh_from_db()
    assert (job.window_starts_at, job.window_ends_at) == (in_days(3, 10), in_days(3, 12))
    assert (job.scheduled_on, job.planned_starts_at) == (timezone.localdate() + timedelta(days=3), in_days(3, 10))
    wish.refresh_from_db()
    assert (wish.answer, wish.answered_by) == ("accepted", dana)
    actions.undo_action(actions.last_to_undo(dana), by=dana)
    job.refresh_from_db()
    assert (job.scheduled_on, job.window_starts_at) == (was.scheduled_on, None)


def test_dispatcher_is_asked_when_something_speaks_against_it(client, dana, tess, job, wish):
    busy = SiteFactory(latitude=40.1, longitude=-75.1)
    make_job(
        Status.ASSIGNED, by=dana, technician=tess, site=busy, scheduled_on=wish.wanted_starts_at.date(),
        planned_starts_at=wish.wanted_starts_at, duration_minutes=120,
    )  # fmt: skip
    with pytest.raises(PlacementConflict):
        actions.accept_other_time(wish, by=dana)
    wish.refresh_from_db()
    job.refresh_from_db()
    assert (wish.answer, job.window_starts_at) == ("", None), "nothing half-done"
    client.force_login(dana)
    page = client.post(f"/customer-messages/{wish.pk}/accept/", HTTP_HX_REQUEST="true")
    assert page.status_code == 409
    assert "Do it anyway" in text_of(page)


def test_customer_reads_that_the_wish_was_taken_and_is_told(client, settings, dana, job, link, wish):
    settings.EMAIL_HOST, settings.SITE_URL = "mail.example", "https://x.example"
    actions.accept_other_time(wish, by=dana, anyway=True)
    assert "Accepted. Your visit is at the time that you asked for." in text_of(client.get(url_of(link)))
    actions.deliver_due_to_customers(now=timezone.now() + timedelta(minutes=3))
    assert [letter.subject for letter in mail.outbox] == ["About the time of your visit"]
    assert "moved as you asked" in mail.outbox[0].body
    actions.undo_action(actions.last_to_undo(dana), by=dana)
    assert "The time has changed since" in text_of(client.get(url_of(link)))


def test_wish_that_nobody_answered_is_over_with_the_visit(client, dana, tess, job, link, wish):
    client.force_login(dana)
    assert f'data-wish="{wish.pk}"' in html_of(client.get(f"/jobs/{job.pk}/"))
    actions.change_status(job, Status.EN_ROUTE, by=tess.user)
    actions.change_status(job, Status.IN_PROGRESS, by=tess.user)
    actions.change_status(job, Status.COMPLETED, by=tess.user)
    assert "data-wish" not in html_of(client.get(f"/jobs/{job.pk}/"))
    assert "We answer here" not in text_of(client.get(url_of(link)))


def test_customer_reads_why_the_wish_was_declined(client, settings, dana, job, link, wish):
    settings.EMAIL_HOST, settings.SITE_URL = "mail.example", "https://x.example"
    client.force_login(dana)
    assert client.post(f"/customer-messages/{wish.pk}/decline/", {"text": ""}).status_code == 422
    answer = client.post(
        f"/customer-messages/{wish.pk}/decline/", {"text": "We are full. Thursday?"}, HTTP_HX_REQUEST="true"
    )
    assert "close-dialog" in json.loads(answer.headers["HX-Trigger"])
    page = text_of(client.get(f"{url_of(link)}?done=time"))
    assert "Not possible. We are full. Thursday?" in page
    assert "We will answer here" not in page
    actions.deliver_due_to_customers(now=timezone.now() + timedelta(minutes=3))
    assert "We are full. Thursday?" in mail.outbox[0].body


def test_second_dispatcher_sees_who_has_answered(dana, omar, wish):
    actions.decline_other_time(wish, "No", by=dana)
    with pytest.raises(ActionRefused, match="Dana has answered this already: Declined"):
        actions.accept_other_time(wish, by=omar)


def test_wish_of_another_zones_job_does_not_exist(client, dana, omar, tom, south):
    job = make_job(Status.ASSIGNED, by=omar, technician=tom, zone=south)
    actions.send_link(job, by=omar)
    wish = actions.ask_other_time(job.customer_links.get(), starts_at=in_days(3, 10), ends_at=in_days(3, 12))
    client.force_login(dana)
    for verb in ("accept", "decline"):
        assert client.post(f"/customer-messages/{wish.pk}/{verb}/", {"text": "x"}).status_code == 404
    for verb in ("send", "revoke"):
        assert client.post(f"/jobs/{job.pk}/customer-link/{verb}/").status_code == 404


# Rating -------------------------------------------------------------------------------------------------


@pytest.fixture
def finished(job, dana):
    actions.change_status(job, Status.IN_PROGRESS, by=dana)
    return actions.change_status(job, Status.COMPLETED, by=dana)


def test_customer_rates_the_visit_and_may_think_again(client, link, finished, dana):
    client.post(url_of(link, "rating/"), {"stars": "3", "comment": "Late"})
    page = client.post(url_of(link, "rating/"), {"stars": "5", "comment": "But friendly"}, follow=True)
    assert "You gave 5 of 5" in text_of(page)
    assert (Rating.objects.get().stars, Rating.objects.get().comment) == (5, "But friendly")
    client.force_login(dana)
    assert "But friendly" in text_of(client.get(f"/jobs/{finished.pk}/"))


@pytest.mark.parametrize("stars", ["0", "6", "many", ""])
def test_rating_is_one_to_five_stars(client, link, finished, stars):
    assert client.post(url_of(link, "rating/"), {"stars": stars}).status_code == 422
    assert not Rating.objects.exists()


def test_visit_that_is_not_done_cannot_be_rated(client, link):
    assert client.post(url_of(link, "rating/"), {"stars": "5"}).status_code == 409


def test_visit_cannot_be_rated_once_the_link_has_ended(client, link, finished):
    CustomerLink.objects.update(created_at=timezone.now() - timedelta(days=30), expires_at=timezone.now())
    assert client.post(url_of(link, "rating/"), {"stars": "5"}).status_code == 404
    assert not Rating.objects.exists()


# Dispatchers -------------------------------------------------------------------------------------------


def test_dispatcher_sees_when_the_customer_opened_the_link(client, link, job, dana):
    client.force_login(dana)
    assert "not opened yet" in text_of(client.get(f"/jobs/{job.pk}/"))
    client.logout()
    client.get(url_of(link))
    client.force_login(dana)
    assert "· opened " in text_of(client.get(f"/jobs/{job.pk}/"))


def test_dispatcher_makes_copies_and_revokes_a_link(client, dana, tess, site):
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site)
    client.force_login(dana)
    client.post(f"/jobs/{job.pk}/customer-link/send/")
    link = job.customer_links.get()
    assert f'data-copy="{url_of(link)}"' in html_of(client.get(f"/jobs/{job.pk}/"))
    client.post(f"/jobs/{job.pk}/customer-link/revoke/")
    page = client.get(f"/jobs/{job.pk}/")
    assert "Link revoked" in text_of(page)
    assert token_of(link) not in html_of(page)
    assert "customer link" in text_of(page), "the edits say who did it"
    client.logout()
    assert client.get(url_of(link)).status_code == 404


def test_job_page_takes_the_same_queries_with_many_messages_and_deliveries(
    client, job, link, dana, django_assert_max_num_queries
):
    client.force_login(dana)

    def queries() -> int:
        with django_assert_max_num_queries(90) as made:
            client.get(f"/jobs/{job.pk}/drawer/")
        return len(made)

    now = timezone.now()
    job.customer_messages.create(customer=job.customer, kind="message", text="x", sent_at=now)
    queries()
    few = queries()
    for n in range(30):
        job.customer_messages.create(
            customer=job.customer, kind="other_time", sent_at=now, wanted_starts_at=now, wanted_ends_at=now + timedelta(hours=1),
            answer="declined", answered_by=dana, answered_at=now, answer_text="no",
        )  # fmt: skip
        CustomerDelivery.objects.create(
            link=link, kind="coming", channel="email", to="x@example.com", once_key=str(n), queued_at=now, due_at=now
        )
    assert queries() == few


def test_words_of_a_former_customer_are_not_the_present_ones(client, dana, job, link, tess):
    starts_at = in_days(2, 9)
    actions.write_as_customer(link, "access", "Gate 4711")
    wish = actions.ask_other_time(link, starts_at=starts_at, ends_at=starts_at + timedelta(hours=2))
    other = SiteFactory(latitude=40.1, longitude=-75.1, zone=job.zone)
    job.refresh_from_db()
    actions.edit_job(job, {"customer": other.customer, "site": other}, by=dana, base_version=job.version)
    client.force_login(dana)
    page = html_of(client.get(f"/jobs/{job.pk}/drawer/"))
    assert "Gate 4711</q>" not in page
    assert f'data-wish="{wish.pk}"' not in page
    wish.refresh_from_db()
    with pytest.raises(ActionRefused, match="another customer's by now: Rivera asked for this"):
        actions.accept_other_time(wish, by=dana, anyway=True)
    client.force_login(tess.user)
    assert "4711" not in text_of(client.get(f"/my-day/jobs/{job.pk}/"))


# Turns ------------------------------------------------------------------------------------------------


def test_accepted_time_that_was_taken_back_is_not_told(settings, dana, job, wish):
    settings.EMAIL_HOST, settings.SITE_URL = "mail.example", "https://dispatch.example.com"
    actions.accept_other_time(wish, by=dana, anyway=True)
    actions.undo_action(actions.last_to_undo(dana), by=dana)
    actions.deliver_due_to_customers(now=timezone.now() + timedelta(minutes=3))
    answer = CustomerDelivery.objects.get(kind="answer", channel="email")
    assert (answer.state, answer.error) == ("failed", "Not sent: something newer had happened.")


def test_same_rating_again_is_no_news(link, finished):
    first = actions.rate_visit(link, 4, "Fine")
    version = Job.objects.get(pk=finished.pk).version
    again = actions.rate_visit(link, 4, "Fine ")
    assert (again.rated_at, Job.objects.get(pk=finished.pk).version) == (first.rated_at, version)


def test_new_link_begins_anew_with_what_was_said(client, link, job, dana):
    actions.write_as_customer(link, "ready")
    actions.ask_other_time(link, starts_at=in_days(3, 9), ends_at=in_days(3, 11), text="By whoever found the link")
    actions.revoke_link(job, by=dana)
    actions.send_link(job, by=dana)
    new = job.customer_links.get(revoked_at=None)
    page = client.get(url_of(new))
    assert "whoever found" not in text_of(page)
    assert "I am ready for the visit" in text_of(page)
    actions.write_as_customer(new, "ready")
    actions.ask_other_time(new, starts_at=in_days(4, 9), ends_at=in_days(4, 11))
    assert job.customer_messages.count() == 4


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_wishes_at_once_one_is_taken(link):
    ready = Barrier(2)

    def ask(hour: int) -> str:
        ready.wait()
        try:
            actions.ask_other_time(link, starts_at=in_days(2, hour), ends_at=in_days(2, hour + 1))
        except ActionRefused as refused:
            return refused.reason
        finally:
            connection.close()
        return "asked"

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, (9, 14)))
    assert sorted(answers) == ["You have asked for another time already: we answer it first.", "asked"]
    assert CustomerMessage.objects.count() == 1
