"""Databases as the migrations leave them: made once for each state of the migrations, kept in var/, copied by each run."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
KEPT = PROJECT / "var" / "migrated"


def state() -> str:
    """Another one whenever the migrations, the packages' among them, may do something else."""
    sources = [
        *PROJECT.glob("*/migrations/*.py"),
        *PROJECT.glob("requirements*.txt"),
        PROJECT / "config" / "settings.py",
    ]
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(f"{source.relative_to(PROJECT)}\n".encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """A file or folder that `make` once wrote. Two that make it at once do no harm: the first one's stays."""
    current = KEPT / state()
    path = current / name
    if path.exists():
        return path
    for older in KEPT.glob("*"):
        if older != current:
            shutil.rmtree(older, ignore_errors=True)
    current.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=current, prefix="new-", ignore_cleanup_errors=True) as folder:
        make(Path(folder) / name)
        if not path.exists():
            (Path(folder) / name).rename(path)
    return path


def migrate(url: str) -> None:
    environment = os.environ | {"DATABASE_URL": url, "DEBUG": "1"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)


def sqlite_file() -> Path:
    return kept("db.sqlite3", lambda path: migrate(f"sqlite:///{path}"))
