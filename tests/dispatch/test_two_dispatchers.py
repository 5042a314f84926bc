"""Two dispatchers press Assign for the same job in the same moment, through real requests on real connections."""

import threading

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from dispatch.models import Status
from tests.factories import TechnicianFactory, UserFactory, make_job


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_one_wins_and_the_other_gets_the_truth(omar, north, attempt):
    job = make_job(by=omar, zone=north)
    rivals = [(UserFactory(role="dispatcher"), TechnicianFactory(zones=[north])) for _ in range(2)]
    barrier, responses = threading.Barrier(2), []

    def assign(user, technician):
        client = Client()
        client.force_login(user)
        barrier.wait()
        data = {"technician": technician.pk, "seen": job.seen}
        responses.append(client.post(reverse("assign_job", args=[job.pk]), data, headers={"HX-Request": "true"}))
        connections.close_all()

    threads = [threading.Thread(target=assign, args=rival) for rival in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    job.refresh_from_db()
    assert sorted(response.status_code for response in responses) == [204, 409]
    loser = next(response for response in responses if response.status_code == 409)
    assert f"{job.number} is Assigned to {job.technician}" in loser.content.decode()
    assert [change.to_status for change in job.status_changes.all()] == [Status.CREATED, Status.ASSIGNED]
