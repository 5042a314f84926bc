"""RQ tasks: each takes ids or nothing, reads the database anew and leaves the work to an action. All may run twice."""

import logging
from datetime import date, timedelta

import django_rq
from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from dispatch import actions
from dispatch.models import DispatchSettings
from technicians.models import Technician
from technicians.positions import forget_positions

log = logging.getLogger(__name__)


def enqueue(task, *args) -> None:
    """Enqueues after commit. With Redis away it is only logged: whatever must happen, a scheduled task finds again."""

    def send():
        # A Redis that hangs must not hold up whoever waits for this answer.
        impatient = Redis.from_url(
            settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        )
        try:
            django_rq.get_queue("default", connection=impatient).enqueue(task, *args)
        except (OSError, RedisError) as error:
            log.warning("Task %s not enqueued: %s", getattr(task, "__name__", task), error)

    transaction.on_commit(send, robust=True)


def rezone_open_jobs() -> int:
    return actions.rezone_open_jobs()


def predict_arrivals() -> int:
    return actions.predict_arrivals()


def predict_later_arrivals() -> int:
    return actions.predict_arrivals(is_today_only=False)


def predict_moved() -> int:
    return actions.predict_moved(now=timezone.now())


def watch_technicians() -> dict[str, int]:
    return actions.watch_technicians()


def send_day_email(technician_id: int, day: str) -> bool:
    technician = Technician.objects.select_related("user").get(pk=technician_id)
    return bool(technician.user.email) and actions.email_day(technician, date.fromisoformat(day))


def forget_old_data() -> dict[str, int]:
    """Positions past their retention and expired sessions."""
    days = DispatchSettings.load().position_retention_days
    forgotten = forget_positions(before=timezone.now() - timedelta(days=days))
    call_command("clearsessions")
    return {"positions": forgotten}
