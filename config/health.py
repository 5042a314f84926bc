"""For load balancers and orchestrators: is this process alive, and may it be sent requests?"""

import logging
from functools import cache

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import JsonResponse
from django.views.decorators.cache import never_cache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = logging.getLogger(__name__)


@never_cache
@login_not_required
def healthz(request):
    return JsonResponse({"status": "ok"})


@never_cache
@login_not_required
def readyz(request):
    checks = {"database": check_database(), "redis": check_redis()}
    checks["migrations"] = check_migrations() if checks["database"] == "ok" else "unknown"
    is_ready = set(checks.values()) == {"ok"}
    return JsonResponse({"status": "ok" if is_ready else "failing", "checks": checks}, status=200 if is_ready else 503)


def check_database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return _failing("database", error)
    return "ok"


def check_redis() -> str:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1, retry=Retry(NoBackoff(), 0)
    )
    try:
        client.ping()
    except (OSError, RedisError) as error:
        return _failing("redis", error)
    finally:
        client.close()
    return "ok"


def check_migrations() -> str:
    try:
        missing = known_migrations() - set(MigrationRecorder(connection).applied_migrations())
    except DatabaseError as error:
        return _failing("migrations", error)
    return f"{len(missing)} not applied" if missing else "ok"


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """Those of the running code, which cannot change before the process ends."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.nodes)


def _failing(check: str, error: Exception) -> str:
    # Only the kind: the message may hold a host, a user or a URL with its password.
    log.warning("Not ready: %s: %s", check, type(error).__name__)
    return "unreachable"
