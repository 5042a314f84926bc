"""The production commands, as the demo and the tests run them; the Procfile says the same. Imports nothing slow."""

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent


def manage(*args: str) -> list[str]:
    return [sys.executable, str(BASE_DIR / "manage.py"), *args]


def web(*, host: str, port: int, processes: int) -> list[str]:
    return [
        *(sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", host, "--port", str(port)),
        # Without the time-out it never stops while a page listens at /events/.
        *("--workers", str(processes), "--ws", "websockets-sansio", "--timeout-graceful-shutdown", "3"),
        "--no-access-log",  # our own has the request id
    ]


def worker(*queues: str) -> list[str]:
    return manage("rqworker", *(queues or ["default"]), "--worker-ttl", "60")


def planner() -> list[str]:
    """A worker of its own: nobody's notice waits until a day is planned."""
    return [*worker("planning"), "--worker-class", "config.worker.PlanningWorker"]


def background() -> list[str]:
    """And another: no plan waits until a file is imported."""
    return worker("background")


def cron() -> list[str]:
    return manage("rqcron", "config/cron.py")


def dies_with_parent(death_signal: int) -> Callable[[], None] | None:
    """For Popen's preexec_fn: Linux sends the signal when the parent is gone, even by kill -9."""
    if platform.system() != "Linux":
        return None
    import ctypes

    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask_kernel():
        prctl(1, death_signal)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel


@dataclass
class Child:
    name: str
    log: Path
    process: subprocess.Popen

    @classmethod
    def start(
        cls, name: str, command: list[str], *, env: dict[str, str], log_dir: Path, death_signal=signal.SIGKILL
    ) -> "Child":
        log = log_dir / f"{name}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603
                command,
                cwd=BASE_DIR,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # the terminal's Ctrl-C reaches the parent only
                preexec_fn=dies_with_parent(death_signal),
            )
        return cls(name, log, process)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def exit_reason(self) -> str:
        code = self.process.returncode
        return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def kill(self) -> None:
        """Whatever is left of it, with what it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def stop(children: Iterable[Child], *, seconds: float = 6) -> None:
    """Asks twice (a second SIGTERM makes RQ give up the task it is at), then kills."""
    children = list(children)
    for _ in range(2):
        for child in children:
            child.process.terminate()
        deadline = time.monotonic() + seconds / 2
        while any(child.is_running for child in children) and time.monotonic() < deadline:
            time.sleep(0.02)
    for child in children:
        child.kill()
