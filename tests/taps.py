"""Taps as a phone sends them."""

import json
import uuid

from django.urls import reverse
from django.utils import timezone


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
