import json
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import Job, Notification, Status, StatusChange, Tap
from technicians import attendance
from technicians.models import Position
from tests.factories import make_job


@pytest.fixture
def job(omar, tess):
    return make_job(Status.ASSIGNED, by=omar, technician=tess, description="No heat upstairs")


@pytest.fixture
def phone(client, tess):
    client.force_login(tess.user)
    return client


def ms(instant) -> int:
    return int(instant.timestamp() * 1000)


def tap(kind, job=None, *, at=None, **content):
    moment = ms(at or timezone.now())
    return {"id": str(uuid.uuid4()), "kind": kind, "job": job and job.pk, "tapped_at": moment, "content": content}


def step(job, to, *, seen=None, at=None, note=""):
    return tap("step", job, at=at, to=to, seen=seen or job.seen, note=note)


def send(client, *taps, sent_at=None, status=200):
    body = {"sent_at": ms(sent_at or timezone.now()), "taps": list(taps)}
    response = client.post(reverse("take_taps"), json.dumps(body), content_type="application/json")
    assert response.status_code == status, response.content
    return response.json()["taps"] if status == 200 else response.json()


def outcomes(answers):
    return [answer["outcome"] for answer in answers]


def log_of(job):
    return [change.to_status for change in job.status_changes.order_by("pk")][2:]


def test_a_chain_tapped_without_signal_is_done_in_order_with_its_own_times(phone, job, tess):
    start = timezone.now() - timedelta(hours=3)
    chain = [
        tap("duty", at=start, duty="in"),
        step(job, "en_route", at=start + timedelta(minutes=5)),
        step(job, "in_progress", seen=f"en_route.{tess.pk}", at=start + timedelta(minutes=30)),
        tap("note", job, at=start + timedelta(minutes=60), text="Replaced the valve"),
        step(job, "completed", seen=f"in_progress.{tess.pk}", at=start + timedelta(minutes=90)),
    ]
    answers = send(phone, *chain)
    assert outcomes(answers) == ["done"] * 5
    assert answers[-1]["job"] == {"id": job.pk, "seen": f"completed.{tess.pk}", "status": "completed"}
    assert log_of(job) == ["en_route", "in_progress", "completed"]
