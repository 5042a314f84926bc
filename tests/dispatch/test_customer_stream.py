"""Live news for a customer's page: only that there is some, only of that visit, and only as long as the link stands."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.db import OperationalError
from django.utils import timezone

from config.asgi import application
from dispatch import actions, realtime
from dispatch.actions.moves import publish_moves
from dispatch.customer_link import stream
from dispatch.customer_link.door import token_of
from dispatch.models import Status
from technicians.models import Technician
from tests.factories import CustomerFactory, SiteFactory, TechnicianFactory, make_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def alone(monkeypatch, settings):
    monkeypatch.setattr(stream, "MOVED_EVERY_SECONDS", 0)
    stream._open_pages.clear()
    settings.LIVE_HEARTBEAT_SECONDS = 0.2


@pytest.fixture
def job(dana, tess, north):
    site = SiteFactory(customer=CustomerFactory(email="r@example.com"), latitude=40.1, longitude=-75.1)
    return make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site)


@pytest.fixture
def token(job) -> str:
    return token_of(job.customer_links.get())


class Page:
    """One open stream."""

    def __init__(self, token: str):
        scope = {"type": "http", "method": "GET", "path": f"/visit/{token}/events/", "query_string": b"", "headers": []}
        self.door = ApplicationCommunicator(application, scope | {"http_version": "1.1", "client": ["10.0.0.1", 1]})

    async def open(self) -> int:
        await self.door.send_input({"type": "http.request", "body": b"", "more_body": False})
        self.start = await self.door.receive_output(timeout=5)
        return self.start["status"]

    async def hears(self, word: str, seconds: float = 5) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while word not in (await self.door.receive_output(timeout=seconds)).get("body", b"").decode():
                    pass
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        await self.door.send_input({"type": "http.disconnect"})
        await self.door.wait(timeout=5)


def while_listening(token: str, *happens, expect: list[bool]) -> None:
    """Does one after the other and looks each time whether the page hears of it."""

    async def play():
        page = Page(token)
        assert await page.open() == 200
        assert await page.hears("retry")
        heard = []
        for happen in happens:
            await sync_to_async(happen)()
            heard.append(await page.hears("data: news", seconds=5 if expect[len(heard)] else 0.7))
            if len(heard) < len(happens) and heard != expect[: len(heard)]:
                break
        await page.close()
        return heard

    assert asyncio.run(play()) == expect


def test_customers_page_hears_of_its_visit_and_of_no_other(job, token, dana, north):
    others = make_job(by=dana, zone=north)
    while_listening(
        token,
        lambda: actions.add_note(others, "Nothing to you", by=dana),
        lambda: actions.add_note(job, "Something", by=dana),
        expect=[False, True],
    )


def test_customers_page_hears_that_whoever_comes_has_moved_but_of_nobody_else(job, token, tess, north):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    Technician.objects.update(latitude=40.2, longitude=-75.2, position_at=timezone.now())
    while_listening(token, lambda: publish_moves([uma.pk]), lambda: publish_moves([tess.pk]), expect=[False, True])


def test_customers_page_hears_of_no_move_before_somebody_sets_out(job, dana, token, tess):
    actions.change_status(job, Status.ASSIGNED, by=dana)
    Technician.objects.update(latitude=40.2, longitude=-75.2, position_at=timezone.now())
    while_listening(token, lambda: publish_moves([tess.pk]), expect=[False])


def test_news_says_nothing_but_that_there_is_some(job, token, dana):
    async def play():
        page = Page(token)
        await page.open()
        await page.hears("retry")
        await sync_to_async(actions.add_note)(job, "Secret", by=dana)
        bodies = []
        while not bodies or b"news" not in bodies[-1]:
            bodies.append((await page.door.receive_output(timeout=5))["body"])
        await page.close()
        return bodies

    assert set(asyncio.run(play())) <= {b"data: news\n\n", b": beat\n\n"}


def test_stream_ends_when_the_link_is_revoked_and_opens_no_more(job, token, dana):
    async def play():
        page = Page(token)
        await page.open()
        await page.hears("retry")
        await sync_to_async(actions.revoke_link)(job, by=dana)
        assert await page.hears("data: news")
        await page.close()
        return await Page(token).open()

    assert asyncio.run(play()) == 404


def test_wrong_links_stream_is_as_little_there_as_its_page():
    async def play():
        answers = []
        for n in range(22):
            answers.append(await Page(f"{'x' * 42}{n}").open())
        return answers

    assert asyncio.run(play()) == [404] * 20 + [429] * 2


def test_one_link_holds_only_a_few_connections(job, token):
    async def play():
        pages = [Page(token) for _ in range(stream.MOST_PAGES + 1)]
        answers = [await page.open() for page in pages]
        for page in pages[:-1]:
            await page.close()
        return answers

    assert asyncio.run(play()) == [200] * stream.MOST_PAGES + [204]
    assert not stream._open_pages, "they are free again"


def test_page_is_served_while_redis_is_away(job, token, client, monkeypatch):
    async def fail(*args, **kwargs):
        raise OSError("Redis is away")

    monkeypatch.setattr(realtime, "_send", fail)
    assert client.get(f"/visit/{token}/").status_code == 200


def test_stream_outlives_a_database_that_is_away_for_a_moment(job, token, dana, monkeypatch):
    def be_away(*args, **kwargs):
        raise OperationalError("The server closed the connection.")

    def come_back():
        monkeypatch.undo()
        actions.add_note(job, "Another", by=dana)

    def go_away():
        monkeypatch.setattr(stream, "find_link", be_away)
        actions.add_note(job, "Something", by=dana)

    while_listening(token, go_away, come_back, expect=[True, True])
