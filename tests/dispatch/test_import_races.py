"""Two workers with the same rows at the same moment, one of them silent in the middle of writing and then alive again."""

import threading
from datetime import timedelta
from time import monotonic, sleep

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from dispatch import actions
from dispatch.actions import file_imports
from dispatch.imports import customers, turns
from dispatch.models import Customer, FileImport, Site
from tests.factories import CustomerFactory
from tests.threads import at_the_same_time

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
State = FileImport.State
PATIENCE = 15

ROWS = b"id,name,address\nC1,Bakery,1 Ash St\nC2,Butcher,2 Ash St\n"
COLUMNS = {"external_id": "id", "name": "name", "address": "address"}


@pytest.fixture
def waiting(ada):
    """Makes a file that waits for a worker; the customers are known, so that only their sites can come twice."""
    for number, name in (("C1", "Bakery"), ("C2", "Butcher")):
        CustomerFactory(external_id=number, name=name)

    def make() -> int:
        one = actions.upload_import(SimpleUploadedFile("rows.csv", ROWS), kind="customers", by=ada)
        fields = {name: {"columns": [column], "otherwise": ""} for name, column in COLUMNS.items()}
        chosen = one.mapping | {"fields": fields, "dates": "iso"}
        FileImport.objects.filter(pk=one.pk).update(state=State.QUEUED, is_dry_run=False, mapping=chosen)
        return one.pk

    return make


class Pause:
    """Whoever writes the first site stops there, with the transaction open, until `go_on` is set."""

    def __init__(self, monkeypatch):
        self.is_there, self.go_on = threading.Event(), threading.Event()
        self._new_site = customers.new_site
        monkeypatch.setattr(customers, "new_site", self._stop)

    def _stop(self, *args):
        if not self.is_there.is_set():
            self.is_there.set()
            assert self.go_on.wait(PATIENCE)
        return self._new_site(*args)


@pytest.fixture
def pause(monkeypatch):
    pause = Pause(monkeypatch)
    yield pause
    pause.go_on.set()


def a_transaction_waits_for_its_turn() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return cursor.fetchone()[0] > 0


def sites() -> list[str]:
    return sorted(Site.objects.values_list("address", flat=True))


def test_a_worker_that_is_alive_again_and_the_one_that_took_over_make_each_site_once(waiting, pause):
    pk = waiting()

    def take_over():
        assert pause.is_there.wait(PATIENCE)
        assert actions.sweep_imports(now=timezone.now() + timedelta(minutes=4)) == 1
        return actions.work_out_import(pk)

    def wake_up():
        assert pause.is_there.wait(PATIENCE)
        until = monotonic() + PATIENCE
        while not a_transaction_waits_for_its_turn() and Site.objects.count() < 2 and monotonic() < until:
            sleep(0.02)
        pause.go_on.set()

    silent, taken_over, _ = at_the_same_time(lambda: actions.work_out_import(pk), take_over, wake_up)
    assert silent is None
    assert taken_over.state == State.DONE
    assert sites() == ["1 Ash St", "2 Ash St"]
    assert taken_over.summary["unchanged"] == 2  # it waited, and found what the other one had made


def test_a_worker_that_stays_silent_loses_its_batch_and_holds_up_nobody(waiting, pause, monkeypatch):
    monkeypatch.setattr(turns, "LONGEST_SILENCE", "200ms")
    pk = waiting()

    def take_over():
        assert pause.is_there.wait(PATIENCE)
        actions.sweep_imports(now=timezone.now() + timedelta(minutes=4))
        try:
            return actions.work_out_import(pk)
        finally:
            pause.go_on.set()

    silent, taken_over = at_the_same_time(lambda: actions.work_out_import(pk), take_over)
    assert isinstance(silent, Exception)
    assert (taken_over.state, taken_over.summary["created"]) == (State.DONE, 2)
    assert sites() == ["1 Ash St", "2 Ash St"]
    assert FileImport.objects.get().state == State.DONE


def test_a_worker_that_was_silent_between_two_batches_writes_nothing_any_more(waiting, monkeypatch):
    pk = waiting()
    monkeypatch.setattr("dispatch.imports.run.BATCH", 1)
    go_on = file_imports._Work.go_on

    def be_silent(work, run):
        go_on(work, run)
        monkeypatch.setattr(file_imports._Work, "go_on", go_on)
        actions.sweep_imports(now=timezone.now() + timedelta(minutes=4))
        assert actions.work_out_import(pk).state == State.DONE
        Customer.objects.filter(external_id="C2").update(name="Butcher & Son")  # by a person, meanwhile

    monkeypatch.setattr(file_imports._Work, "go_on", be_silent)
    assert actions.work_out_import(pk) is None
    assert Customer.objects.get(external_id="C2").name == "Butcher & Son"
    assert sites() == ["1 Ash St", "2 Ash St"]


def test_the_same_file_uploaded_twice_and_done_by_two_workers_makes_each_site_once(waiting, pause):
    first, second = waiting(), waiting()

    def follow():
        assert pause.is_there.wait(PATIENCE)
        return actions.work_out_import(second)

    def wake_up():
        until = monotonic() + PATIENCE
        while not a_transaction_waits_for_its_turn() and Site.objects.count() < 2 and monotonic() < until:
            sleep(0.02)
        pause.go_on.set()

    done = at_the_same_time(lambda: actions.work_out_import(first), follow, wake_up)
    assert sorted(one.summary["created"] for one in done[:2]) == [0, 2]
    assert sites() == ["1 Ash St", "2 Ash St"]
