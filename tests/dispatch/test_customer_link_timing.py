"""By how long the answer takes nobody learns whether a link was nearly right, has expired or was revoked."""

import re
import time
from datetime import timedelta
from statistics import quantiles

import pytest
from django.utils import timezone

from config.rate_limits import Doorkeeper, Rate
from config.tokens import new_token
from dispatch import actions
from dispatch.customer_link import door
from dispatch.customer_link.door import token_of
from dispatch.models import CustomerLink, Status
from tests.factories import CustomerFactory, SiteFactory, make_job

pytestmark = pytest.mark.once

ROUNDS = 60
MOST_MS = 1  # between the lower quartiles, which other processes of the machine disturb least
TRIES = 4  # a machine may be busy once; what really leaks does so each time


@pytest.fixture
def tokens(dana, tess, monkeypatch) -> dict[str, str]:
    """One of each kind that must not be told apart, and no limit on trying them."""
    wide = Rate(at_once=10**6, per_second=10**6)
    monkeypatch.setattr(door, "DOORKEEPER", Doorkeeper("timing", known=wide, address=wide, everyone=wide))
    standing, expired, revoked = (token_of(new_link(dana, tess)) for _ in range(3))
    CustomerLink.objects.filter(token_hash=door.hash_of(expired)).update(
        created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now() - timedelta(days=1)
    )
    actions.revoke_link(CustomerLink.objects.get(token_hash=door.hash_of(revoked)).job, by=dana)
    return {"nearly right": f"{standing[:-1]}~", "random": new_token(), "expired": expired, "revoked": revoked}


def new_link(dana, tess) -> CustomerLink:
    site = SiteFactory(customer=CustomerFactory(email="rivera@example.com"), latitude=40.1, longitude=-75.1)
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site)
    actions.send_link(job, by=dana)
    return job.customer_links.get()


def differs_by(client, tokens: dict[str, str]) -> float:
    """Milliseconds between the quickest and the slowest kind; each is asked in turn, first in every other round."""
    took = {name: [] for name in tokens}
    names = list(tokens)
    for number in range(ROUNDS):
        for name in names if number % 2 else reversed(names):
            started = time.perf_counter()
            answer = client.get(f"/visit/{tokens[name]}/")
            took[name].append((time.perf_counter() - started) * 1000)
            assert answer.status_code == 404
    quartiles = [quantiles(times, n=4)[0] for times in took.values()]
    return max(quartiles) - min(quartiles)


def least_difference(client, tokens) -> float:
    best = float("inf")
    for _ in range(TRIES):
        best = min(best, differs_by(client, tokens))
        if best < MOST_MS:
            break
    return best


def test_time_tells_nothing_about_a_link_that_does_not_work(client, tokens):
    assert least_difference(client, tokens) < MOST_MS


@pytest.mark.parametrize("kind", ["nearly right", "revoked"])
def test_a_leak_of_two_milliseconds_would_be_seen(client, tokens, monkeypatch, kind):
    slow, find = tokens[kind], door.find_link

    def leak(token, **facts):
        if token == slow:
            time.sleep(0.002)
        return find(token, **facts)

    monkeypatch.setattr(door, "find_link", leak)
    assert differs_by(client, tokens) > MOST_MS


def test_links_that_do_not_work_cost_the_same_query_and_give_the_same_bytes(client, tokens, django_assert_num_queries):
    asked, answers = set(), set()
    for token in tokens.values():
        with django_assert_num_queries(1) as made:
            answer = client.get(f"/visit/{token}/")
        [query] = made.captured_queries
        asked.add(re.sub(r"'[^']+'", "…", query["sql"]))  # the hash and the instant
        headers = tuple((name, text) for name, text in answer.headers.items() if name != "X-Request-ID")
        answers.add((answer.status_code, answer.content, headers))
    assert (len(asked), len(answers)) == (1, 1)
