import pytest
from django.db.migrations.recorder import MigrationRecorder


def test_healthz_needs_neither_login_nor_database(client):
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


def test_readyz_says_ok_for_each_check(client, db):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["checks"] == {"database": "ok", "redis": "ok", "migrations": "ok"}
    assert "no-cache" in response["Cache-Control"]


@pytest.mark.expects_error_logs
def test_readyz_fails_without_redis_and_tells_no_secret(client, db, settings):
    settings.REDIS_URL = "redis://:a-secret@127.0.0.1:1/0"
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["redis"] == "unreachable"
    assert "a-secret" not in response.text


@pytest.mark.expects_error_logs
def test_readyz_notices_when_redis_comes_back(client, db, redis_server):
    redis_server.kill()
    assert client.get("/readyz").status_code == 503
    redis_server.start()
    assert client.get("/readyz").status_code == 200


@pytest.mark.expects_error_logs
def test_readyz_fails_while_a_migration_is_not_applied(client, db):
    MigrationRecorder.Migration.objects.filter(app="dispatch").latest("pk").delete()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] == "1 not applied"


@pytest.mark.postgres
@pytest.mark.expects_error_logs
def test_readyz_fails_without_the_database(client, django_db_blocker, monkeypatch):
    from django.db import connection

    with django_db_blocker.unblock():
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
        monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})
        response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "unreachable", "redis": "ok", "migrations": "unknown"}
