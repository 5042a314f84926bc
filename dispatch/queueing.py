"""Handing work to the RQ workers. Tasks by their function or, where importing them would be circular, by their name."""

import logging
from collections.abc import Callable, Iterable

import django_rq
from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue

log = logging.getLogger(__name__)


PLANNING = "planning"  # the queue of plans, which somebody looks forward to
BACKGROUND = "background"  # of what may take an hour and must hold up no plan: imports, looking up addresses


def enqueue(task: Callable | str, *args, timeout: int | None = None, queue: str = "default") -> None:
    enqueue_each(task, [args], timeout=timeout, queue=queue)


def enqueue_each(
    task: Callable | str, calls: Iterable[tuple], *, timeout: int | None = None, queue: str = "default"
) -> None:
    """Enqueues after commit. With Redis away it is only logged: whatever must happen, a scheduled task finds again.

    A task that takes longer than `timeout` seconds is broken off.
    """
    calls = list(calls)
    if not calls:
        return

    def send():
        # A Redis that hangs must not hold up whoever waits for this answer.
        impatient = Redis.from_url(
            settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        )
        try:
            waiting = django_rq.get_queue(queue, connection=impatient)
            if len(calls) == 1:
                waiting.enqueue_call(task, args=calls[0], timeout=timeout)
            else:
                waiting.enqueue_many([Queue.prepare_data(task, args, timeout=timeout) for args in calls])
        except (OSError, RedisError) as error:
            log.warning("Task %s not enqueued: %s", getattr(task, "__name__", task), error)

    send.calls = (task, queue, calls)
    transaction.on_commit(send, robust=True)


def enqueue_once(task: Callable | str, *args, queue: str = "default") -> None:
    """However often one transaction asks for it. What a savepoint has taken back was not asked for."""
    asked_for = (getattr(send, "calls", None) for _, send, _ in transaction.get_connection().run_on_commit)
    if (task, queue, [args]) not in asked_for:
        enqueue(task, *args, queue=queue)
