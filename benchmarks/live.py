"""200 boards, 5 changes a second for 30 seconds: from a commit to the row on every board, beside a bare fan-out.

python benchmarks/live.py [--boards 200] [--seconds 30] [--smoke]
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import psutil
import stage

HOST = "127.0.0.1"
CHANGES_PER_SECOND = 5
PARTS = Path(stage.__file__).parent
SETTLE_SECONDS = 10  # after the last change: a heartbeat, and a whole board again


class Cpu:
    """Processor seconds that a process and all its children take from here on."""

    def __init__(self, pid: int):
        self.process = psutil.Process(pid)
        self.before = self._total()

    @property
    def seconds(self) -> float:
        return round(self._total() - self.before, 1)

    def _total(self) -> float:
        times = [process.cpu_times() for process in (self.process, *self.process.children(recursive=True))]
        ended = sum(time.children_user + time.children_system for time in times)
        return ended + sum(time.user + time.system for time in times)


@contextmanager
def server(folder: Path, application: str):
    """The production command, two processes. Gives its port."""
    from config import processes
    from tests.e2e.live import _free_port, _wait_until_listening

    port = _free_port()
    command = processes.web(host=HOST, port=port, processes=2)
    command[command.index("config.asgi:application")] = application
    environment = os.environ | {"PYTHONPATH": str(PARTS.parent)}
    child = processes.Child.start("web", command, env=environment, log_dir=folder)
    try:
        _wait_until_listening(child, port)
        time.sleep(3)  # the other process
        yield port, child
        for line in child.log.read_text().splitlines():
            if line.startswith(("WARNING", "ERROR", "Traceback")):
                print(line, file=sys.stderr)
    finally:
        processes.stop([child])


def log_in(user) -> str:
    """The cookie of a session that was begun in the database."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"sessionid={session.session_key}"


class Program:
    """One of the stage's programs in a process of its own: runs until it is told to end, then gives what it saw."""

    def __init__(self, folder: Path, name: str, *arguments: object):
        self.result = folder / f"{name}.json"
        command = [sys.executable, str(PARTS / f"{name}.py"), *map(str, arguments[:3]), str(self.result)]
        environment = os.environ | {"PYTHONPATH": str(stage.PROJECT)}
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit(f"{name}.py did not get ready.")
        self.cpu = Cpu(self.process.pid)

    def end(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        if self.process.wait(timeout=60):
            raise SystemExit(f"{self.result.stem}.py failed.")
        return json.loads(self.result.read_text())


# The floor ----------------------------------------------------------------------------------------


def measure_fanout(folder: Path, options) -> dict:
    with server(folder, "stage.fanout:application") as (port, web):
        listeners = Program(folder, "listeners", HOST, port, options.boards)
        cpu = Cpu(web.process.pid)
        asyncio.run(_send_ticks(options.seconds))
        time.sleep(1)
        figures = {"server_cpu_seconds": cpu.seconds}
        took = listeners.end()
    expected = options.boards * options.seconds * CHANGES_PER_SECOND
    return {"received": len(took), "expected": expected, "ms": stage.percentiles_ms(took, 50, 95, 99), **figures}


async def _send_ticks(seconds: int) -> None:
    from channels.layers import get_channel_layer

    layer = get_channel_layer()
    for _ in range(seconds * CHANGES_PER_SECOND):
        await layer.group_send("bare", {"type": "tick", "sent_at": time.time()})
        await asyncio.sleep(1 / CHANGES_PER_SECOND)
    await layer.flush()


# Ours ---------------------------------------------------------------------------------------------


def prepare(folder: Path, options) -> None:
    """Writes the cookies of as many dispatchers, half with every zone granted singly, and the jobs that will change."""
    from stage.company import Company

    company = Company(customers=500 if options.smoke else 5000)
    company.dispatcher("omar", zones=None)
    company.add_jobs(1000 if options.smoke else 10_000, open_today=200 if options.smoke else 2000)
    users = [
        company.dispatcher(f"dispatcher{number}", zones=company.zones if number % 2 else None)
        for number in range(options.boards)
    ]
    (folder / "cookies.json").write_text(json.dumps([log_in(user) for user in users]))
    (folder / "jobs.json").write_text(json.dumps(jobs_to_change(users[0])))


def jobs_to_change(user) -> list[int]:
    """Those on the first page, the same on every board, that can be assigned and taken back."""
    from django.test import RequestFactory

    from dispatch.board.board_list import load_board_list
    from dispatch.models import Job, Status

    request = RequestFactory().get("/board/list/")
    request.user = user
    shown = [pk for pk, *_ in load_board_list(request).page.object_list]
    return list(
        Job.objects.filter(pk__in=shown, status__in=(Status.CREATED, Status.ASSIGNED)).values_list("pk", flat=True)
    )


def measure_boards(folder: Path, options, postgres, redis) -> dict:
    prepare(folder, options)
    with server(folder, "config.asgi:application") as (port, web):
        boards = Program(folder, "boards", HOST, port, folder / "cookies.json")
        watched = {
            "server": Cpu(web.process.pid),
            "postgresql": Cpu(postgres.process.pid),
            "redis": Cpu(redis.process.pid),
            "boards_program": boards.cpu,
        }
        changes = make_changes(folder, options)
        cpu = {f"{name}_cpu_seconds": meter.seconds for name, meter in watched.items()}
        time.sleep(SETTLE_SECONDS)
        stories = boards.end()
    return {**cpu, **describe(stories, changes, options)}


def make_changes(folder: Path, options) -> list[tuple[int, int, float]]:
    result = folder / "changes.json"
    arguments = [folder / "jobs.json", result, options.seconds, CHANGES_PER_SECOND]
    environment = os.environ | {"PYTHONPATH": str(stage.PROJECT)}
    subprocess.run([sys.executable, PARTS / "changes.py", *map(str, arguments)], env=environment, check=True)
    return [tuple(change) for change in json.loads(result.read_text())]


def describe(stories: list[dict], changes: list[tuple[int, int, float]], options) -> dict:
    from dispatch.models import Job

    truth = dict(Job.objects.values_list("pk", "version"))
    shown = [delay for story in stories for delay in delays_until_shown(story, changes)]
    heard = [delay for story in stories for delay in delays_until_heard(story, changes)]
    took = [seconds for story in stories for seconds in story["took"]]
    requests = {kind: sum(story["requests"].get(kind, 0) for story in stories) for kind in ("rows", "page")}
    requests["page"] -= len(stories)  # the first
    return {
        "boards": len(stories),
        "boards_equal_to_database": sum(is_true(story, truth) for story in stories),
        "changes": len(changes),
        "shown": len(shown),
        "expected": len(changes) * len(stories),
        "shown_ms": stage.percentiles_ms(shown, 50, 95, 99),
        "heard_ms": stage.percentiles_ms(heard, 50, 95, 99),
        "request_ms": stage.percentiles_ms(took, 50, 95, 99),
        "requests": requests,
        "row_requests_per_second": round(requests["rows"] / options.seconds, 1),
    }


def is_true(story: dict, truth: dict[int, int]) -> bool:
    return bool(story["rows"]) and all(truth[int(job)] == version for job, version in story["rows"].items())


def delays_until_shown(story: dict, changes: list[tuple[int, int, float]]) -> list[float]:
    """From each commit to the first fragment with that version of the job, or a later one."""
    seen = defaultdict(list)
    for job, version, at in story["shown"]:
        seen[job].append((version, at))
    firsts = [
        (committed_at, min((at for version, at in seen[job] if version >= wanted), default=None))
        for job, wanted, committed_at in changes
    ]
    return [at - committed_at for committed_at, at in firsts if at is not None]


def delays_until_heard(story: dict, changes: list[tuple[int, int, float]]) -> list[float]:
    """An event names no version: the nth event of a job belongs to its nth change."""
    heard, changed = defaultdict(list), defaultdict(list)
    for job, at in story["heard"]:
        heard[job].append(at)
    for job, _, committed_at in changes:
        changed[job].append(committed_at)
    pairs = [pair for job in changed for pair in zip(changed[job], heard[job], strict=False)]
    return [at - committed_at for committed_at, at in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--smoke", action="store_true", help="10 boards for 3 seconds")
    options = parser.parse_args()
    if options.smoke:
        options.boards, options.seconds = 10, 3
    report = stage.Report("live")
    with stage.services() as (postgres, redis), tempfile.TemporaryDirectory(prefix="truckroll-bench-") as name:
        folder = Path(name)
        floor = measure_fanout(folder, options)
        report.line(what="bare fan-out", boards=options.boards, **floor)
        ours = measure_boards(folder, options, postgres, redis)
        report.line(what="boards", **ours)
    report.line(heard_over_floor=round(ours["heard_ms"]["p50"] / floor["ms"]["p50"], 2))
    report.check(ours["boards_equal_to_database"] == ours["boards"], "every board ends equal to the database")
    report.check(ours["shown"] == ours["expected"], "every board showed every change, or a later one of that job")
    report.exit()


if __name__ == "__main__":
    main()
