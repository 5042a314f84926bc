"""What the benchmarks run on: a private PostgreSQL and Redis, and a company with many jobs in it.

Import this before anything of Django's: settings are read from the environment that `services` fills.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(PROJECT))

from tests.services import FOLDER, PostgresServer, RedisServer, find_postgres, find_redis, missing  # noqa: E402


@contextmanager
def services() -> Iterator[tuple[PostgresServer, RedisServer]]:
    """Both run, the schema is there and Django is set up."""
    programs, redis_program = find_postgres(), find_redis("postgres")
    if programs is None or redis_program is None:
        sys.exit(missing("PostgreSQL and Redis"))
    with tempfile.TemporaryDirectory(prefix="truckroll-bench-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the database may run as another user
        os.environ[FOLDER] = folder
        yield from _run(PostgresServer(programs), RedisServer(redis_program))


def _run(postgres: PostgresServer, redis: RedisServer) -> Iterator[tuple[PostgresServer, RedisServer]]:
    try:
        postgres.start()
        redis.start()
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "SECRET_KEY": "only-for-benchmarks-" + "x" * 40,
            "STATIC_FROM_PACKAGES": "1",
            "LOG_FORMAT": "text",
            "LOG_LEVEL": "WARNING",
            "DEBUG": "0",
        }
        _set_up_django()
        yield postgres, redis
    finally:
        redis.stop()
        postgres.stop()


def _set_up_django() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


# Figures ------------------------------------------------------------------------------------------


def percentile(values: Iterable[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def percentiles_ms(seconds: Sequence[float], *wanted: int) -> dict[str, float]:
    """{"p50": 12.3, ...} in milliseconds; empty where nothing was measured."""
    return {f"p{percent}": round(percentile(seconds, percent) * 1000, 1) for percent in wanted} if seconds else {}


class Report:
    """Prints a JSON line a figure and remembers which promises did not hold."""

    def __init__(self, benchmark: str):
        self.benchmark = benchmark
        self.broken: list[str] = []

    def line(self, **figures) -> None:
        print(json.dumps({"benchmark": self.benchmark, **figures}), flush=True)

    def check(self, holds: bool, promise: str) -> None:
        if not holds:
            self.broken.append(promise)

    def exit(self) -> None:
        self.line(holds=not self.broken, broken=self.broken)
        sys.exit(1 if self.broken else 0)
