"""Real web processes and workers, by the production commands, on the tests' database and Redis."""

import json
import os
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from django.db import connection
from django.test import Client

from config import processes
from config.processes import Child
from tests.factories import PASSWORD

QUEUES = ("default", "planning", "background")  # one worker does all


def log_in(page, url: str, username: str, *, password: str = PASSWORD) -> None:
    """Without drawing the form and the page behind it, which would cost every test a second; the page stays blank."""
    requests = page.context.request
    requests.get(f"{url}/login/")
    token = next(cookie["value"] for cookie in page.context.cookies(url) if cookie["name"] == "csrftoken")
    form = {"username": username, "password": password, "csrfmiddlewaretoken": token}
    assert requests.post(f"{url}/login/", form=form, max_redirects=0).status == 302


def log_in_by_form(page, url: str, username: str, *, password: str = PASSWORD) -> None:
    """Afterwards the page is where that role works."""
    page.goto(f"{url}/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", password)
    with page.expect_navigation(url=lambda reached: "/login/" not in reached):
        page.locator("form:has([name=password]) [type=submit]").click()


def give_session(context, url: str, user) -> None:
    """Logged in without the second that checking a password takes."""
    client = Client()
    in_thread(client.force_login, user)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])


def in_thread(function, *args, **kwargs):
    """Calls it where Playwright's event loop does not run: the actions publish through a loop of their own."""

    def call():
        try:
            return function(*args, **kwargs)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(call).result()


class LiveSite:
    """`url` for who needs one process; `urls` has one a process, so that two users can sit on different ones."""

    def __init__(self, folder: Path, *, processes_wanted: int):
        self.folder = folder
        self.ports = [_free_port() for _ in range(processes_wanted)]
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self.url = self.urls[0]
        self.web: list[Child] = []
        self.workers: list[Child] = []
        self._seen: dict[Path, int] = {}

    @property
    def env(self) -> dict[str, str]:
        return os.environ | {
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": "only-for-development-and-tests-" + "x" * 32,
            "STATIC_FROM_PACKAGES": "1",
            "VAPID_PRIVATE_KEY": "OIJSkGHhgCo3-DD-veUjW8tyTrZ2pU_KfG-9flVTYpg",
            "TRUCKROLL_VAR": str(self.folder),
            "LIVE_HEARTBEAT_SECONDS": "1",
            "LOG_FORMAT": "json",
            "PYTHONUNBUFFERED": "1",
        }

    def start_web(self) -> None:
        for number, port in enumerate(self.ports):
            command = processes.web(host="127.0.0.1", port=port, processes=1)
            self.web.append(Child.start(f"web{number}", command, env=self.env, log_dir=self.folder))
        for child, port in zip(self.web, self.ports, strict=True):
            _wait_until_listening(child, port)

    def start_worker(self) -> Child:
        """Runs until the test ends, or until the test kills it."""
        number = len(list(self.folder.glob("worker*.log")))
        worker = Child.start(f"worker{number}", processes.worker(*QUEUES), env=self.env, log_dir=self.folder)
        self.workers.append(worker)
        return worker

    def work_off(self) -> None:
        """A worker that ends when the queue is empty."""
        worker = self.start_worker_in_burst()
        if worker.process.wait(timeout=60):
            raise AssertionError(f"The worker {worker.exit_reason}:\n{worker.log.read_text()}")

    def start_worker_in_burst(self) -> Child:
        return Child.start("burst", [*processes.worker(*QUEUES), "--burst"], env=self.env, log_dir=self.folder)

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.workers.clear()

    def stop(self) -> None:
        self.stop_workers()
        processes.stop(self.web)

    def new_errors(self) -> Iterator[str]:
        """What the processes logged as an error since the last call, and those that have died."""
        for path in self.folder.glob("*.log"):
            text = path.read_text()
            fresh, self._seen[path] = text[self._seen.get(path, 0) :], len(text)
            yield from (line for line in fresh.splitlines() if _is_error(line))
        yield from (f"{child.name} {child.exit_reason}" for child in self.web if not child.is_running)


def _is_error(line: str) -> bool:
    if line.startswith(("ERROR:", "CRITICAL:")):  # uvicorn's own
        return True
    with suppress(ValueError, AttributeError):
        return json.loads(line).get("level") in ("ERROR", "CRITICAL")
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_listening(child: Child, port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and child.is_running:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"{child.name} does not listen:\n{child.log.read_text()}")


def database_url() -> str:
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return re.sub(r"/[^/?]*(\?|$)", rf"/{name}\1", os.environ["DATABASE_URL"], count=1)
