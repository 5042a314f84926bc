"""The cast and the guards.

Dana dispatches North, Omar manages everything, Ada is the admin, Tess (North) and Tom (South) are technicians, Nick has
an account and no role.
"""

import logging
import os
import shutil
import socket
import uuid

import pytest
from django.db import connection
from pytest_django.plugin import blocking_manager_key

from config import rate_limits
from dispatch.actions import moves
from dispatch.models import User
from dispatch.roles import Role
from tests import migrated
from tests.factories import ServiceZoneFactory, TechnicianFactory, UserFactory, square
from zones.access import grant_zones

# Playwright's synchronous API runs an event loop in the main thread, where Django would refuse the ORM.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def commits(item) -> bool:
    marker = item.get_closest_marker("django_db")
    return bool(marker and marker.kwargs.get("transaction"))


def pytest_collection_modifyitems(items):
    """A test that commits finds the rows of the migrations, whichever such tests emptied the database before it."""
    for item in items:
        if commits(item):
            marker = item.get_closest_marker("django_db")
            asked = marker.kwargs | {"serialized_rollback": True}
            item.add_marker(pytest.mark.django_db(*marker.args, **asked), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """And so does whatever runs after it: taken over from another process, that may be a test that does not commit."""
    yield
    if commits(item) and nextitem is not None:
        with item.config.stash[blocking_manager_key].unblock():
            connection.creation.deserialize_db_from_string(connection._test_serialized_contents)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """SQLite's is a copy with all migrations; PostgreSQL makes such ones by itself (see tests/services.py)."""
    return connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    if connection.vendor == "sqlite":
        shutil.copyfile(migrated.sqlite_file(), connection.creation._get_test_db_name())


@pytest.fixture
def north(db):
    return ServiceZoneFactory(name="North", boundary=square(-75.2, 40.0, -75.0, 40.2))


@pytest.fixture
def south(db):
    return ServiceZoneFactory(name="South", boundary=square(-75.2, 39.8, -75.0, 40.0))


@pytest.fixture
def dana(north) -> User:
    user = UserFactory(username="dana", role=Role.DISPATCHER)
    grant_zones(user, [north])
    return user


@pytest.fixture
def omar(db) -> User:
    return UserFactory(username="omar", role=Role.MANAGER)


@pytest.fixture
def ada(db) -> User:
    return UserFactory(username="ada", role=Role.ADMIN)


@pytest.fixture
def tess(north):
    return TechnicianFactory(user__username="tess", zones=[north])


@pytest.fixture
def tom(south):
    return TechnicianFactory(user__username="tom", zones=[south])


@pytest.fixture
def nick(db) -> User:
    return UserFactory(username="nick")


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    """Uploaded files of each test in a folder of its own."""
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.MEDIA_ROOT.mkdir()
    return settings.MEDIA_ROOT


@pytest.fixture(autouse=True)
def own_moves(monkeypatch):
    """Ids repeat from test to test: nobody waits for a second that began in an earlier one, nor starts a timer."""
    monkeypatch.setattr(moves, "PREFIX", f"moves.{uuid.uuid4().hex}")
    monkeypatch.setattr(moves, "later", lambda seconds, call: None)


@pytest.fixture(autouse=True)
def own_limits(monkeypatch):
    """Nobody waits because of who has knocked in vain in an earlier test."""
    monkeypatch.setattr(rate_limits, "PREFIX", f"limits.{uuid.uuid4().hex}")


@pytest.fixture(autouse=True)
def no_unexpected_errors_logged(request, caplog):
    """An ERROR in the log fails the test, unless it says `@pytest.mark.expects_error_logs`."""
    yield
    if request.node.get_closest_marker("expects_error_logs"):
        return
    errors = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not errors, f"logged: {[record.getMessage() for record in errors]}"


@pytest.fixture(autouse=True, scope="session")
def no_network():
    """Connections leave this machine for nobody."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"A test tried to reach {address}.")
        return connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield
