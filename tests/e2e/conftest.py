"""Every test here has `live_site`: real servers on a clean database. Write `from tests.e2e.live import log_in`."""

import re
from datetime import time
from time import monotonic, sleep

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from playwright.sync_api import expect
from redis import Redis

from technicians.models import WorkingHours
from tests.e2e.live import LiveSite
from tests.factories import TechnicianFactory
from tests.services import find_chromium

PATIENCE = 10_000  # ms: two browsers and their servers share the machine
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    quiet = ["background-networking", "component-update", "sync", "quic", "gpu", "dev-shm-usage"]
    return browser_type_launch_args | {
        "executable_path": find_chromium(),
        "args": ["--no-sandbox", "--no-first-run", *(f"--disable-{part}" for part in quiet)],
    }


@pytest.fixture(scope="session")
def web_processes(pytestconfig, tmp_path_factory, first_rows, django_db_blocker):
    """One process on SQLite; two on PostgreSQL, where events must cross between them."""
    wanted = 2 if pytestconfig.getoption("setup") == "postgres" else 1
    site = LiveSite(tmp_path_factory.mktemp("live"), processes_wanted=wanted)
    with django_db_blocker.unblock():
        site.start_web()
    yield site
    site.stop()


@pytest.fixture(scope="session")
def first_rows(django_db_setup, django_db_blocker) -> str:
    """What migrations put into the database, under the ids that the web processes remember."""
    with django_db_blocker.unblock():
        return connection.creation.serialize_db_to_string()


@pytest.fixture(autouse=True)
def own_files(settings, web_processes):
    """Where the servers look for uploaded files."""
    settings.MEDIA_ROOT = web_processes.folder / "files"
    return settings.MEDIA_ROOT


@pytest.fixture
def _empty_database(first_rows, django_db_blocker):
    with django_db_blocker.unblock():
        call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)
        # pytest-django leaves it on another connection object than the one seen while Playwright's loop runs.
        connection._test_serialized_contents = first_rows


@pytest.fixture(autouse=True)
def live_site(request, web_processes, _empty_database, transactional_db, django_db_serialized_rollback):
    """Set up before any browser and so taken down after it, when no page asks the servers for anything."""
    Redis.from_url(settings.REDIS_URL).flushdb()
    list(web_processes.new_errors())
    yield web_processes
    web_processes.stop_workers()
    wait_until_servers_rest()
    connections.close_all()
    errors = list(web_processes.new_errors())
    if not request.node.get_closest_marker("expects_error_logs"):
        assert not errors, "\n".join(["logged by a server:", *errors])


def wait_until_servers_rest() -> None:
    """What a closed page had still asked for holds locks, which emptying the tables would run into."""
    busy = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
    deadline = monotonic() + 5
    while connection.vendor == "postgresql" and monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(busy)
            if cursor.fetchone() is None:
                return
        sleep(0.05)


LEFT_BEHIND = r"^htmx:(sendAbort|afterRequest), "  # a page that is left gives up what it had asked for


class BrowserErrors:
    def __init__(self):
        self.seen: list[str] = []
        self.allowed: list[str] = [LEFT_BEHIND]

    def allow(self, pattern: str) -> None:
        """For a test that provokes it: Chromium reports every refused request (409, 422, ...) as an error."""
        self.allowed.append(pattern)

    def watch(self, context) -> None:
        context.on("console", lambda message: message.type == "error" and self.seen.append(_told(message)))
        context.on("weberror", lambda error: self.seen.append(str(error.error)))

    @property
    def unexpected(self) -> list[str]:
        return [text for text in self.seen if not any(re.search(pattern, text) for pattern in self.allowed)]


def _told(message) -> str:
    return f"{message.text} ({message.location.get('url', '')})"


@pytest.fixture
def browser_errors():
    errors = BrowserErrors()
    yield errors
    assert not errors.unexpected, "\n".join(["in the browser:", *errors.unexpected])


@pytest.fixture
def new_context(new_context, browser_errors):
    """Every page of every context is watched: an error in its console fails the test."""

    def create(**options):
        context = new_context(**options)
        context.set_default_timeout(PATIENCE)
        browser_errors.watch(context)
        return context

    return create


@pytest.fixture
def crew(dana, omar, north, tess):
    """Tess and Uma work in North, from 8 to 17; Dana and Omar may send them."""
    uma = TechnicianFactory(user__username="uma", zones=[north])
    for technician in (tess, uma):
        for weekday in range(7):
            WorkingHours.objects.create(technician=technician, weekday=weekday, starts_at=time(8), ends_at=time(17))
    return tess, uma
