"""`make demo`: everything in one terminal, with nothing to install beside Python.

Starts a Redis of its own unless REDIS_URL names one, prepares the database, then runs the web server, the workers
and the cron until Ctrl-C. If one of them ends, all end. Production runs the same commands by other means (Procfile).
"""

import hashlib
import http.client
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from config import processes, valkey, vapid
from config.processes import Child

if sys.platform == "win32":
    sys.exit("Truckroll runs on Linux and macOS; on Windows use WSL.")
import fcntl

VAR_DIR = Path(os.environ.get("TRUCKROLL_VAR", processes.BASE_DIR / "var")).resolve()
LOG_DIR = VAR_DIR / "log"
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class CannotRun(Exception):
    """The message is the one line that the user reads."""


class Stopped(BaseException):
    """Ctrl-C or SIGTERM: like KeyboardInterrupt, no `except Exception` may swallow it."""


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def number(name: str, default: int, *, at_most: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= at_most:
        raise CannotRun(f"{name}={text} is not a number from 1 to {at_most}.")
    return int(text)


def free_address() -> tuple[str, int]:
    host, port = os.environ.get("HOST") or "127.0.0.1", number("PORT", 8000, at_most=65535)
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        reason = str(error).partition("] ")[2].partition(" (")[0] or error
        raise CannotRun(
            f"cannot listen on {host} port {port}: {reason}. Choose another: make demo HOST=127.0.0.1 PORT=8001"
        ) from None
    return host, port


def lock_var_dir() -> int:
    """Two supervisors on one database would stop each other's Redis."""
    LOG_DIR.mkdir(parents=True, exist_ok=True)
    lock = os.open(VAR_DIR / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotRun(f"already running on {VAR_DIR}. Stop it, or set TRUCKROLL_VAR to another folder.") from None
    return lock


def kept_secret(name: str, make: Callable[[], str]) -> str:
    """The demo's own, made at its first start."""
    path = VAR_DIR / name
    if not path.exists() or not path.read_text():
        path.touch(mode=0o600)
        path.write_text(make())
    return path.read_text()


def address_of(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def child_env(host: str, port: int) -> dict[str, str]:
    hosts = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
    # Who listens on every interface wants to be reached under names that cannot be known here.
    own = "*" if host in ANY_ADDRESS else f"[{host}]" if ":" in host else host
    env = os.environ | {
        "TRUCKROLL_VAR": str(VAR_DIR),
        "SECRET_KEY": os.environ.get("SECRET_KEY") or kept_secret("secret-key", lambda: secrets.token_urlsafe(50)),
        "VAPID_PRIVATE_KEY": os.environ.get("VAPID_PRIVATE_KEY") or kept_secret("vapid-key", vapid.new_private_key),
        "ALLOWED_HOSTS": f"{hosts},{own}",
        "SITE_URL": os.environ.get("SITE_URL") or ("" if host in ANY_ADDRESS else address_of(host, port)),
        "STATIC_FROM_PACKAGES": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
    }
    env.pop("DEBUG", None)
    return env


def redis_socket() -> Path:
    """In a short folder: a Unix socket's path may have about 100 bytes, and VAR_DIR may be longer."""
    name = f"truckroll-{hashlib.sha256(f'{os.getuid()}:{VAR_DIR}'.encode()).hexdigest()[:12]}"
    parent = tempfile.gettempdir()
    path = Path(parent if len(parent) < 60 else "/tmp", name)  # noqa: S108
    path.mkdir(mode=0o700, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid != os.getuid():
        raise CannotRun(f"{path} belongs to someone else. Remove it, or set REDIS_URL.")
    return path / "valkey.sock"


def start_redis(path: Path, children: list[Child], env: dict[str, str]) -> None:
    """One that a killed supervisor left behind is taken over."""
    if valkey.is_answering(path):
        return
    server = valkey.find_server()
    if server is None:
        raise CannotRun(valkey.MISSING)
    child = Child.start("redis", valkey.command(server, path), env=env, log_dir=LOG_DIR)
    children.append(child)
    if not valkey.wait_until_answering(path, child.process):
        raise CannotRun(f"{server} does not answer. See {child.log}")


def fingerprint() -> str:
    """Of all that decides whether the database is up to date: our code, the packages, what has been applied."""
    code = [processes.BASE_DIR / "requirements.txt", *sorted(processes.BASE_DIR.glob("*/migrations/*.py"))]
    code += processes.BASE_DIR.glob("*/roles.py")
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in code))
    with closing(sqlite3.connect(VAR_DIR / "db.sqlite3")) as database, suppress(sqlite3.Error):
        digest.update(repr(database.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()).encode())
    return digest.hexdigest()


def prepare(env: dict[str, str]) -> str:
    """Migrates and seeds, unless that would find nothing to do; returns the logins to print."""
    is_own, memory = not env.get("DATABASE_URL"), VAR_DIR / "prepared"
    if is_own and (VAR_DIR / "db.sqlite3").exists() and memory.exists():
        known, _, logins = memory.read_text().partition("\n")
        if known == fingerprint():
            return logins
    say("Preparing the database; the first time, with demo data ...")
    done = subprocess.run(
        [sys.executable, "-m", "config.prepare"],
        cwd=processes.BASE_DIR,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=processes.dies_with_parent(signal.SIGTERM),
    )
    if done.returncode:
        raise CannotRun("the database could not be prepared; the reason is above.")
    logins = done.stdout.rstrip()
    if is_own:
        memory.write_text(f"{fingerprint()}\n{logins}")
    return logins


def check(children: list[Child]) -> None:
    for child in children:
        if not child.is_running:
            raise CannotRun(f"{child.name} {child.exit_reason}, so everything stops. See {child.log}")


def is_serving(host: str, port: int) -> bool:
    client = http.client.HTTPConnection(ANY_ADDRESS.get(host, host), port, timeout=30)
    try:
        client.request("GET", "/healthz", headers={"Host": f"[{host}]" if ":" in host else host})
        status = client.getresponse().status
    except OSError:
        return False
    finally:
        client.close()
    if status != http.HTTPStatus.OK:
        raise CannotRun(f"the web server answers with an error ({status}). See {LOG_DIR / 'web.log'}")
    return True


def run(children: list[Child]) -> None:
    host, port = free_address()
    web = processes.web(host=host, port=port, processes=number("WEB_PROCESSES", 1, at_most=64))
    env = child_env(host, port)
    if not env.get("REDIS_URL"):
        env["REDIS_URL"] = valkey.url(redis_socket())
        start_redis(redis_socket(), children, env)
    logins = prepare(env)
    # Web processes of its own outlive a uvicorn that was killed, so it is asked to stop.
    children.append(Child.start("web", web, env=env, log_dir=LOG_DIR, death_signal=signal.SIGTERM))
    while not is_serving(host, port):
        check(children)
        time.sleep(0.02)
    say(f"Truckroll is at {address_of(host, port)}/")
    say(f"{logins}\nCtrl-C stops it.".lstrip("\n"))
    children.append(Child.start("worker", processes.worker(), env=env, log_dir=LOG_DIR))
    children.append(Child.start("planner", processes.planner(), env=env, log_dir=LOG_DIR))
    children.append(Child.start("background", processes.background(), env=env, log_dir=LOG_DIR))
    children.append(Child.start("cron", processes.cron(), env=env, log_dir=LOG_DIR))
    while True:
        check(children)
        time.sleep(0.2)


def stop_all(children: list[Child]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    processes.stop(child for child in children if child.name != "redis")
    if not os.environ.get("REDIS_URL"):
        valkey.ask(redis_socket(), b"SHUTDOWN NOSAVE")  # also one that was taken over
    processes.stop(child for child in children if child.name == "redis")
    with suppress(OSError):
        redis_socket().parent.rmdir()


def raise_stopped(*_) -> None:
    raise Stopped


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, raise_stopped)
    children: list[Child] = []
    try:
        lock = lock_var_dir()  # held until the process ends
        try:
            run(children)
        finally:
            stop_all(children)
            os.close(lock)
    except Stopped:
        return 0
    except CannotRun as error:
        print(f"truckroll: {error}", file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(main())
