"""Tokens for other systems: who makes them, what of them is shown and kept."""

import re
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import ApiToken, User
from tests.api import Program, token_of


@pytest.fixture
def root(db):
    return User.objects.create_superuser("root")


def test_admin_makes_a_token_that_is_shown_once_and_works(client, ada, omar):
    client.force_login(ada)
    data = {"name": "ERP", "user": omar.pk, "scopes": ["jobs:read", "catalogue:read"], "expires_on": ""}
    page = client.post(reverse("api_tokens"), data)
    secret = re.search(r"truckroll_[\w-]{43}", page.content.decode())[0]
    assert "no-store" in page.headers["Cache-Control"]
    assert Program(None, secret=secret).get("/jobs").status_code == 200
    assert secret not in client.get(reverse("api_tokens")).content.decode()
    token = ApiToken.objects.get()
    assert (token.user, token.created_by, token.scopes) == (omar, ada, ["catalogue:read", "jobs:read"])
    assert token.token_hash not in secret


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"user": "4711"}, {"scopes": []}, {"scopes": ["everything"]}, {"expires_on": "2020-01-01"}],
)
def test_form_that_makes_no_sense_makes_no_token(client, ada, omar, wrong):
    client.force_login(ada)
    data = {"name": "ERP", "user": omar.pk, "scopes": ["jobs:read"], "expires_on": ""} | wrong
    assert client.post(reverse("api_tokens"), data).status_code == 422
    assert not ApiToken.objects.exists()


def test_token_is_good_until_the_end_of_its_last_day(client, ada, omar):
    client.force_login(ada)
    today = timezone.localdate()
    data = {"name": "ERP", "user": omar.pk, "scopes": ["jobs:read"], "expires_on": today.isoformat()}
    assert client.post(reverse("api_tokens"), data).status_code == 200
    assert timezone.localdate(ApiToken.objects.get().expires_at) == today


def test_revoked_token_is_good_for_nothing_any_more(client, ada, omar):
    program = Program(omar)
    client.force_login(ada)
    client.post(reverse("revoke_api_token", args=[omar.api_tokens.get().pk]))
    assert program.get("/jobs").status_code == 401
    assert "Revoked · 1" in client.get(reverse("api_tokens")).content.decode()


def test_only_admins_make_and_revoke_tokens(omar, ada):
    with pytest.raises(PermissionDenied):
        actions.create_api_token("ERP", omar, ["jobs:read"], by=omar)
    token = actions.create_api_token("ERP", omar, ["jobs:read"], by=ada).token
    with pytest.raises(PermissionDenied):
        actions.revoke_api_token(token, by=omar)


def test_admin_cannot_make_a_token_that_acts_as_a_superuser(client, ada, root):
    with pytest.raises(actions.ActionRefused):
        actions.create_api_token("ERP", root, ["jobs:read"], by=ada)
    client.force_login(ada)
    data = {"name": "ERP", "user": root.pk, "scopes": ["jobs:read"], "expires_on": ""}
    assert client.post(reverse("api_tokens"), data).status_code == 422
    assert not ApiToken.objects.exists()
    client.force_login(root)
    assert client.post(reverse("api_tokens"), data).status_code == 200


def test_nobody_gets_a_token_that_could_never_work(omar, ada, nick):
    nick.is_active = False
    with pytest.raises(actions.ActionRefused):
        actions.create_api_token("ERP", nick, ["jobs:read"], by=ada)
    with pytest.raises(actions.ActionRefused):
        actions.create_api_token("ERP", omar, ["jobs:read"], by=ada, expires_at=timezone.now() - timedelta(minutes=1))


def test_page_of_many_tokens_takes_no_more_queries(client, ada, omar):
    client.force_login(ada)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("api_tokens")).status_code == 200
        return len(captured)

    for _ in range(5):
        token_of(omar)
    few = queries()
    for _ in range(45):
        token_of(omar)
    assert queries() == few


def test_description_for_people_names_every_operation_scope_and_problem(client):
    page = client.get(reverse("api_docs")).content.decode()
    for word in ("/api/v1/jobs/{job_id}/transitions", "violations:write", 'id="version-mismatch"', "Idempotency-Key"):
        assert word in page
