"""Another system that calls the API: with a token of a user, and these scopes or all."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from config.tokens import hash_of, new_token
from dispatch.api.scopes import SCOPES
from dispatch.models import ApiToken


def token_of(user, *scopes: str, **fields) -> str:
    secret = f"truckroll_{new_token()}"
    fields = {"name": "ERP", "created_at": timezone.now() - timedelta(hours=1), **fields}
    ApiToken.objects.create(
        user=user, token_hash=hash_of(secret), hint=secret[-4:], scopes=list(scopes or SCOPES), **fields
    )
    return secret


class Program:
    def __init__(self, user, *scopes: str, secret: str = ""):
        self.secret = secret or token_of(user, *scopes)
        self.client = Client(enforce_csrf_checks=True)

    def send(self, method: str, path: str, data=None, **headers):
        """`headers` as If_Match="..."."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        body = (
            {"data": data}
            if method == "get"
            else {"data": "" if data is None else data, "content_type": "application/json"}
        )
        request = getattr(self.client, method)
        return request(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.secret}", **headers}, **body)

    def get(self, path: str, data=None, **headers):
        return self.send("get", path, data, **headers)

    def post(self, path: str, data=None, **headers):
        return self.send("post", path, data, **headers)

    def patch(self, path: str, data=None, **headers):
        return self.send("patch", path, data, **headers)


def problem(response) -> tuple[int, str, str]:
    """Status, kind and what it says; fails if it is none."""
    assert response.headers["Content-Type"] == "application/problem+json", response.content[:300]
    said = response.json()
    assert said["status"] == response.status_code
    return said["status"], said["type"].partition("#")[2], said["detail"]
