"""The door: who comes in by a customer's link, and that it leads nowhere else."""

import re
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from config.logs import hide_secret
from config.tokens import hash_of
from dispatch import actions
from dispatch.actions import customer_links
from dispatch.customer_link import door
from dispatch.customer_link.door import token_of
from dispatch.models import CustomerLink, DispatchSettings, Status
from tests.factories import CustomerFactory, SiteFactory, TechnicianFactory, make_job
from tests.pages import html_of, text_of

WRONG = "x" * 43


@pytest.fixture
def site(north):
    customer = CustomerFactory(name="Rivera", email="rivera@example.com")
    return SiteFactory(customer=customer, address="118 Ash St", latitude=40.1, longitude=-75.1)


@pytest.fixture
def job(dana, tess, site):
    return make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)


@pytest.fixture
def link(job) -> CustomerLink:
    return job.customer_links.get()


def url_of(link: CustomerLink, part: str = "") -> str:
    return f"/visit/{token_of(link)}/{part}"


def test_customer_sees_who_is_coming_without_logging_in(client, link):
    page = client.get(url_of(link))
    assert page.status_code == 200
    assert "Tess is on the way" in text_of(page)


def test_customer_of_a_wrong_link_an_expired_and_a_revoked_one_sees_the_same(client, link, dana, tom, south, omar):
    expired = make_job(Status.EN_ROUTE, by=omar, technician=tom, zone=south).customer_links.get()
    long_ago = timezone.now() - timedelta(days=9)
    CustomerLink.objects.filter(pk=expired.pk).update(created_at=long_ago, expires_at=long_ago + timedelta(days=1))
    actions.revoke_link(link.job, by=dana)
    answers = [client.get(url_of(link)), client.get(url_of(expired)), client.get(f"/visit/{WRONG}/")]
    answers += [client.get("/visit/x/"), client.post(f"/visit/{WRONG}/message/"), client.get(url_of(link, "rating/"))]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    ignored = {"X-Request-ID"}
    assert len({frozenset((k, v) for k, v in answer.headers.items() if k not in ignored) for answer in answers}) == 1


def test_wrong_expired_and_revoked_links_cost_the_same_queries(client, link, django_assert_num_queries, dana):
    with django_assert_num_queries(1):
        client.get(f"/visit/{WRONG}/")
    actions.revoke_link(link.job, by=dana)
    with django_assert_num_queries(1):
        client.get(url_of(link))
    now = timezone.now()
    CustomerLink.objects.update(revoked_at=None, expires_at=now, created_at=now - timedelta(days=1))
    with django_assert_num_queries(1):
        client.get(url_of(link))


def test_tokens_are_compared_in_the_same_time_whatever_they_are(client, link, monkeypatch, dana):
    compared = []

    def compare(one, other):
        compared.append((len(one), len(other)))
        return constant_time_compare(one, other)

    monkeypatch.setattr(door, "constant_time_compare", compare)
    client.get(url_of(link))
    client.get(f"/visit/{WRONG}/")
    client.get("/visit/x/")
    actions.revoke_link(link.job, by=dana)
    client.get(url_of(link))
    assert compared == [(64, 64)] * 4


def test_database_holds_nothing_that_opens_the_page(client, link):
    token = token_of(link)
    assert link.token_hash == hash_of(token)
    assert token not in (link.nonce, link.token_hash)
    for secret in (link.nonce, link.token_hash):
        assert client.get(f"/visit/{secret}/").status_code == 404


def test_whoever_guesses_is_told_to_wait_and_customers_known_still_pass(client, link):
    assert client.get(url_of(link)).status_code == 200
    answers = [client.get(f"/visit/{WRONG}{n}/").status_code for n in range(25)]
    assert answers == [404] * 20 + [429] * 5
    late = client.get(f"/visit/{WRONG}/")
    assert int(late.headers["Retry-After"]) > 0
    assert client.get(url_of(link)).status_code == 200
    assert client.get(f"/visit/{WRONG}/", REMOTE_ADDR="10.0.0.9").status_code == 404


def test_guesses_from_many_addresses_are_limited_together(client, link):
    assert client.get(url_of(link)).status_code == 200
    keeper = door.DOORKEEPER
    waits = [keeper.enter(f"h{n}", address=f"10.{n // 250}.0.{n % 250}").wait for n in range(2000)]
    assert (waits[0], waits[-1]) == (0, 1)
    assert client.get(f"/visit/{WRONG}/", REMOTE_ADDR="10.9.9.9").status_code == 429
    assert client.get(url_of(link), REMOTE_ADDR="10.9.9.9").status_code == 200


def test_guesser_is_refused_before_the_database_is_asked(client, link, django_assert_num_queries):
    for n in range(20):
        client.get(f"/visit/{WRONG}{n}/")
    with django_assert_num_queries(0):
        assert client.get(url_of(link)).status_code == 429


def test_one_link_cannot_be_asked_without_end(link):
    keeper = door.DOORKEEPER
    keeper.learn(keeper.enter(link.token_hash, address="a"), is_known=True)
    waits = [keeper.enter(link.token_hash, address="a").wait for _ in range(700)]
    assert (waits[0], waits[-1]) == (0, 1)


def test_page_is_discreet(client, link):
    page = client.get(url_of(link))
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert "no-store" in page.headers["Cache-Control"]
    assert page.headers["X-Frame-Options"] == "DENY"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not client.cookies
    own = re.findall(r'(?:src|href|action)="([^"]*)"', html_of(page))
    assert all(urlsplit(url).netloc == "" for url in own)


def test_foreign_page_can_make_no_browser_do_anything(link, dana):
    """Without cookies there is nothing to ride on: whoever can post knows the link, and nobody's login counts."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(dana)
    sent = client.post(url_of(link, "message/"), {"kind": "message", "text": "Hello"}, HTTP_ORIGIN="null")
    assert sent.status_code == 302
    assert client.post(f"/visit/{WRONG}/message/", {"kind": "message", "text": "x"}).status_code == 404


def test_colleague_who_looks_is_not_the_customer_opening_it(client, link, dana):
    client.force_login(dana)
    client.get(url_of(link))
    link.refresh_from_db()
    assert link.first_opened_at is None
    client.logout()
    client.get(url_of(link), HTTP_X_LIVE="1")
    link.refresh_from_db()
    assert link.first_opened_at is None
    client.get(url_of(link))
    link.refresh_from_db()
    assert link.first_opened_at is not None


def test_log_names_no_link(link):
    assert token_of(link) not in hide_secret(f"GET {url_of(link, 'message/')} 200")


def crawl(client, start: str) -> dict[str, str]:
    """Every address that a page leads to by link, source or form, and its text; forms are sent with all they hold."""
    seen, waiting = {}, [start]
    while waiting:
        url = urlsplit(waiting.pop())._replace(fragment="").geturl()
        if url in seen or url.startswith(("tel:", "mailto:", django_settings.STATIC_URL, "/static/")):
            continue
        response = client.get(url, follow=True)
        seen[url] = text_of(response) if response.status_code == 200 else str(response.status_code)
        html = html_of(response)
        found = re.findall(r"""(?:\shref|\ssrc|\sformaction|\shx-get|data-page)=["']([^"']*)""", html)
        waiting += [urljoin(url, one) for one in found]
        for action in re.findall(r"""\saction=["']([^"']*)""", html):
            fields = {
                "kind": "message",
                "text": "Hi",
                "stars": "5",
                "day": "2030-01-01",
                "begins": "8:00",
                "ends": "12:00",
            }
            answer = client.post(urljoin(url, action), fields)
            seen[urljoin(url, action)] = text_of(answer)
            if answer.status_code == 302:
                waiting.append(urljoin(url, answer.url))
    return seen


@pytest.mark.parametrize("status", ["created", "held", "assigned", "en_route", "in_progress", "completed", "cancelled"])
def test_crawler_with_one_link_reaches_nothing_else(client, dana, tess, site, status):
    DispatchSettings.objects.update_or_create(pk=1, defaults={"customer_link_from": "assigned"})
    tess.home_address = "5 Home Lane"
    tess.phone = "555-7777"
    tess.save()
    tess.user.last_name = "Moreau"
    tess.user.save()
    other = CustomerFactory(name="Okafor", email="okafor@example.com", phone="555-8888")
    elsewhere = SiteFactory(customer=other, address="9 Mill Rd", latitude=40.15, longitude=-75.15)
    foreign = make_job(Status.ASSIGNED, by=dana, technician=tess, site=elsewhere, description="Secret boiler")
    job = make_job(by=dana, site=site, description="Do not tell: slow payer")
    actions.assign_job(job, tess, by=dana)
    if status == "cancelled":
        actions.change_status(job, status, by=dana, note="Changed their mind")
    elif status == "created":
        actions.unassign_job(job, by=dana, note="Changed their mind")
    elif status == "held":
        actions.hold_job(job, "Changed their mind", by=dana)
    elif status != "assigned":
        for step in ("en_route", "in_progress", "completed")[
            : ("en_route", "in_progress", "completed").index(status) + 1
        ]:
            actions.change_status(job, step, by=dana)
    link = job.customer_links.get()
    pages = crawl(client, url_of(link))
    assert len(pages) >= 2 or status in ("completed", "cancelled")
    assert all(url.startswith(url_of(link)) for url in pages), list(pages)
    said = " ".join(pages.values())
    for secret in ("Okafor", "9 Mill Rd", "Secret boiler", foreign.number, "Home Lane", "555-7777", "Moreau", "slow payer",
                   "Changed their mind", token_of(foreign.customer_links.get())):  # fmt: skip
        assert secret not in said, secret


def test_every_page_of_a_customer_takes_the_same_queries_however_much_goes_on(
    client, dana, tess, site, django_assert_max_num_queries
):
    def queries(job) -> int:
        link = job.customer_links.get()
        client.get(url_of(link))
        with django_assert_max_num_queries(20) as few:
            client.get(url_of(link))
        return len(few)

    job = make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)
    before = queries(job)
    for n in range(12):
        make_job(Status.ASSIGNED, by=dana, technician=tess, site=SiteFactory(latitude=40.1 + n / 100, longitude=-75.1))
        job.customer_messages.create(customer=job.customer, kind="message", text=f"Message {n}", sent_at=timezone.now())
    assert queries(job) == before


def test_link_lives_until_a_week_after_the_visit_and_longer_when_that_is_put_off(client, link, dana):
    now = timezone.now()
    assert timedelta(days=7) < link.expires_at - now <= timedelta(days=8)
    job = link.job
    actions.change_status(job, Status.ASSIGNED, by=dana)
    later = timezone.localdate() + timedelta(days=20)
    actions.edit_job(job, {"scheduled_on": later}, by=dana, base_version=10_000)
    client.get(url_of(link))
    link.refresh_from_db()
    assert timedelta(days=27) < link.expires_at - now <= timedelta(days=28)


def test_two_who_mint_at_once_share_one_link(job):
    now = timezone.now()
    assert customer_links.make_link(job, now=now) == job.customer_links.get()


def test_preview_is_for_dispatchers_of_the_zone_and_sends_nothing(client, link, dana, tom, omar, south):
    client.force_login(dana)
    page = client.get(reverse("preview_visit", args=[link.job_id]))
    assert "This is what the customer sees" in text_of(page)
    assert token_of(link) not in html_of(page)
    assert html_of(page).count("<button") == html_of(page).count(" disabled>")
    foreign = make_job(Status.EN_ROUTE, by=omar, technician=tom, zone=south)
    assert client.get(reverse("preview_visit", args=[foreign.pk])).status_code == 404
    link.refresh_from_db()
    assert link.first_opened_at is None


def test_technician_without_a_last_name_is_called_by_the_first(client, dana, site, north):
    uma = TechnicianFactory(user__username="uma", user__last_name="Patel", zones=[north])
    job = make_job(Status.EN_ROUTE, by=dana, technician=uma, site=site)
    assert "Uma P. is on the way" in text_of(client.get(url_of(job.customer_links.get())))
