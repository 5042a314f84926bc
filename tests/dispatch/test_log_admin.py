import pytest
from django.utils import timezone

from dispatch.models import FieldChange, JobNote, StatusChange, User
from sla.models import SLAPolicy, Violation
from tests.admin_pages import adding, deletion_of, listing, page_of, queries_for
from tests.factories import make_job

LOGS = [StatusChange, FieldChange, JobNote, Violation]


@pytest.fixture
def superuser(ada):
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    return User.objects.get(pk=ada.pk)


def breach(job):
    return Violation.objects.create(
        job=job,
        kind="response",
        recorded_at=timezone.now(),
        breached_at=timezone.now(),
        policy=SLAPolicy.objects.get(is_default=True),
        zone=job.zone,
        job_type=job.job_type,
        priority=job.priority,
    )


@pytest.mark.parametrize("log", LOGS)
def test_nobody_adds_to_a_log(client, superuser, log):
    client.force_login(superuser)
    assert client.get(listing(log)).status_code == 200
    for method in (client.get, client.post):
        assert method(adding(log)).status_code == 403


@pytest.mark.parametrize("kind", ["status", "violation"])
def test_nobody_changes_or_deletes_history(client, superuser, north, kind):
    job = make_job(by=superuser, zone=north)
    row = job.status_changes.get() if kind == "status" else breach(job)
    client.force_login(superuser)
    assert client.get(page_of(row)).status_code == 200
    assert client.post(page_of(row), {"note": "never happened"}).status_code == 403
    assert client.post(deletion_of(row), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    client.post(listing(type(row)), chosen)
    assert type(row).objects.filter(pk=row.pk).exists()


def test_dispatcher_reads_of_the_jobs_in_her_zones_only(client, dana, omar, north, south):
    near, far = make_job(by=omar, zone=north), make_job(by=omar, zone=south)
    breach(near), breach(far)
    client.force_login(dana)
    for model in (StatusChange, Violation):
        assert [row.job for row in client.get(listing(model)).context["cl"].result_list] == [near]
    assert client.get(page_of(far.status_changes.get())).status_code == 302


def test_log_is_searched_as_the_board_is(client, omar, north):
    first, _ = make_job(by=omar, zone=north), make_job(by=omar, zone=north)
    client.force_login(omar)
    found = client.get(listing(StatusChange), {"q": first.number}).context["cl"].result_list
    assert [change.job for change in found] == [first]


def test_log_takes_as_many_queries_for_twenty_rows_as_for_two(client, omar, north):
    client.force_login(omar)
    for _ in range(2):
        make_job("assigned", by=omar, zone=north)
    few = queries_for(client, listing(StatusChange))
    for _ in range(18):
        make_job("assigned", by=omar, zone=north)
    assert queries_for(client, listing(StatusChange)) == few
    assert not FieldChange.objects.exists()
