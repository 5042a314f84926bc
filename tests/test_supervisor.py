"""The real supervisor with its real children, as `make demo` starts them."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from config import processes

ROOT = Path(__file__).parent.parent


class Demo:
    """On a database that somebody uses already, so that nothing is seeded."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        self.seen: set[int] = set()

    @property
    def env(self) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if key not in ("REDIS_URL", "DATABASE_URL", "CI")}
        return inherited | {"TRUCKROLL_VAR": str(self.folder), "PORT": str(self.port)}

    def prepare(self) -> None:
        env = self.env | {"SECRET_KEY": "x", "DJANGO_SUPERUSER_PASSWORD": "a-good-password"}
        self.folder.mkdir(exist_ok=True)
        subprocess.run(processes.manage("migrate", "-v", "0"), env=env, check=True)
        owner = ["createsuperuser", "--noinput", "--username", "owner", "--email", "owner@example.com", "-v", "0"]
        subprocess.run(processes.manage(*owner), env=env, check=True)

    def start(self) -> "Demo":
        self.process = self.launch()
        line = self.process.stdout.readline()
        while line and "Truckroll is at" not in line:
            line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        self.wait_for_children(4)
        return self

    def launch(self) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "config.supervisor"],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_children(self, count: int) -> None:
        deadline = time.monotonic() + 10
        while len(self.children()) < count:
            assert time.monotonic() < deadline, f"{count} children expected: {self.children()}"
            time.sleep(0.05)

    def children(self) -> dict[int, str]:
        """pid -> command line, of whatever has this folder in its environment or was once the supervisor's child."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                pid, status = int(entry.name), (entry / "status").read_text()
                is_ours = f"TRUCKROLL_VAR={self.folder}\0".encode() in (entry / "environ").read_bytes()
                if self.process and f"\nPPid:\t{self.process.pid}\n" in status:
                    self.seen.add(pid)  # Valkey overwrites its environment with its title
                if (is_ours or pid in self.seen) and "\nState:\tZ" not in status:
                    found[pid] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode() + status.split()[1]
        if self.process:
            found.pop(self.process.pid, None)
        return found

    def pid_of(self, word: str) -> int:
        return next(pid for pid, command in self.children().items() if word in command)

    def wait_until_childless(self) -> None:
        deadline = time.monotonic() + 10
        while left := self.children():
            assert time.monotonic() < deadline, left
            time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    demo = Demo(tmp_path_factory.mktemp("demo"))
    demo.prepare()
    return demo


@pytest.fixture
def demo(prepared):
    demo = Demo(prepared.folder)
    yield demo
    if demo.process and demo.process.poll() is None:
        demo.process.kill()
        demo.process.wait()
    demo.wait_until_childless()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
class TestRunning:
    def test_serves_and_stops_every_child_on_sigterm(self, demo):
        demo.start()
        with urllib.request.urlopen(f"http://127.0.0.1:{demo.port}/readyz") as answer:
            assert answer.status == 200
        demo.process.terminate()
        assert demo.process.wait(timeout=15) == 0
        assert demo.children() == {}
        for name in ("secret-key", "vapid-key"):
            assert (demo.folder / name).stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("word", ["rqworker", "valkey"])
    def test_a_child_that_dies_takes_all_down_and_is_named(self, demo, word):
        demo.start()
        os.kill(demo.pid_of(word), signal.SIGKILL)
        assert demo.process.wait(timeout=15) == 1
        name = {"rqworker": "worker", "valkey": "redis"}[word]
        assert re.fullmatch(rf"truckroll: {name} was killed by signal 9.*\n", demo.process.stderr.read())
        assert demo.children() == {}

    def test_a_killed_supervisor_leaves_nothing_in_the_way_of_the_next(self, demo):
        demo.start()
        demo.process.kill()
        demo.process.wait()
        demo.wait_until_childless()
        demo.start()
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(timeout=15) == 0

    def test_a_second_one_on_the_same_data_says_so_in_one_line(self, demo):
        demo.start()
        second = demo.launch()
        _, message = second.communicate(timeout=15)
        assert second.returncode == 1
        assert re.fullmatch(r"truckroll: already running on .*\n", message)
        assert demo.process.poll() is None


def test_a_taken_port_is_one_line_that_says_how_to_choose_another(tmp_path):
    demo = Demo(tmp_path)
    with socket.create_server(("127.0.0.1", demo.port)):
        process = demo.launch()
        _, message = process.communicate(timeout=15)
    assert process.returncode == 1
    assert re.fullmatch(rf"truckroll: cannot listen on 127.0.0.1 port {demo.port}.*make demo .*PORT=.*\n", message)


def test_procfile_names_the_commands_that_the_demo_and_the_tests_run():
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    web = re.sub(r"\$\{(\w+):-[^}]*\}", r"\1", lines["web"]).split()
    ours = processes.web(host="HOST", port="PORT", processes="WEB_PROCESSES")
    assert web[0] == "python"
    assert web[1:] == ours[1:]
    assert lines["worker"].split()[2:] == processes.worker()[2:]
    assert lines["planner"].split()[2:] == processes.planner()[2:]
    assert lines["background"].split()[2:] == processes.background()[2:]
    assert lines["cron"].split()[2:] == processes.cron()[2:]


def test_systemd_starts_each_process_of_the_procfile_by_its_own_line(tmp_path):
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho python "$@"\n')
    python.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOST": "::1", "PORT": "81", "WEB_PROCESSES": "3"}
    for name in lines.keys() - {"release"}:
        command = [ROOT / "deploy" / "run", f"{name}-2"]
        started = subprocess.run(command, env=environment, capture_output=True, text=True)
        wanted = re.sub(r"\$\{(\w+):-[^}]*\}", lambda found: environment[found[1]], lines[name])
        assert (started.returncode, started.stdout.strip()) == (0, wanted)
    wants = re.findall(r"truckroll@(\w+)\.service", (ROOT / "deploy" / "truckroll.target").read_text())
    assert sorted(wants) == sorted(lines.keys() - {"release"})


def test_a_process_that_the_procfile_does_not_have_is_named():
    done = subprocess.run([ROOT / "deploy" / "run", "wrong"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (64, "deploy/run: the Procfile has no 'wrong'.\n")
