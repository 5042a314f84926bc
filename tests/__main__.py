"""`make test`: everything on both set-ups. Goes on after a failing part; the last line says what failed or was left out."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.services import IS_CI, find_chromium, find_postgres

# Each of the two has its own database, Redis, servers and browser; who is done early takes tests over from the other.
TWO_AT_A_TIME = ["-n", "2", "--dist", "worksteal", "--durations=20", "--durations-min=3"]
# What a person does on a page is the same on every database; so is what the page looks like, and what is computed
# without one. A real browser on a busy machine now and then misses a moment: such a test is tried twice, and named as
# RERUN when the second time it passes.
PARTS = {
    ("sqlite", "fast"): ["-m", "not browser", *TWO_AT_A_TIME],
    ("sqlite", "browser"): ["-m", "browser and not interaction", *TWO_AT_A_TIME, "--reruns", "1", "-rR"],
    ("postgres", "fast"): ["-m", "not browser and not once", *TWO_AT_A_TIME],
    ("postgres", "browser"): ["-m", "browser and not looks", *TWO_AT_A_TIME, "--reruns", "1", "-rR"],
}


def provide(package: str) -> None:
    """With apt, where that is there and allowed."""
    if os.geteuid() or not shutil.which("apt-get"):
        return
    print(f"Installing {package} ...", flush=True)
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", package]):
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        if done.returncode:
            return


def left_out() -> dict[tuple[str, str], str]:
    """(set-up, part) -> why it cannot run here."""
    if not find_chromium():
        provide("chromium")
    if not shutil.which("redis-server"):
        provide("redis-server")  # without it the PostgreSQL set-up runs on the embedded Valkey
    reasons = {}
    for setup, part in PARTS:
        if setup == "postgres" and not (os.environ.get("TEST_DATABASE_URL") or find_postgres()):
            reasons[setup, part] = "no PostgreSQL"
        elif part == "browser" and not find_chromium():
            reasons[setup, part] = "no Chromium"
    return reasons


def run(setup: str, part: str, extra: list[str]) -> str:
    print(f"\n== {setup}, {part} ==", flush=True)
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", f"--setup={setup}", *PARTS[setup, part], *extra]
    code = subprocess.run(command, cwd=Path(__file__).parent.parent).returncode
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        return "no tests"
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    return f"{'FAILED' if code else 'passed'} in {time.monotonic() - started:.0f} s"


def main(extra: list[str]) -> int:
    missing = left_out()
    if missing and IS_CI:
        print("Left out, which is an error where CI is set:", summary(missing))
        return 1
    results = {}
    for setup, part in PARTS:
        why = missing.get((setup, part))
        results[setup, part] = f"LEFT OUT ({why})" if why else run(setup, part, extra)
    note = "" if shutil.which("redis-server") else "; postgres: on Valkey (no redis-server)"
    print(f"\n{summary(results)}{note}")
    has_failed = any("FAILED" in result for result in results.values())
    has_run = any("passed" in result for result in results.values())
    return 1 if has_failed or not has_run else 0


def summary(results: dict[tuple[str, str], str]) -> str:
    return "; ".join(f"{setup} {part}: {result}" for (setup, part), result in results.items())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
