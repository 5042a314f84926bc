"""Schemathesis makes up requests from the API's description: nothing breaks, and every answer is as described.

Not asked: that whatever fits the description is accepted. Ids may be of nothing, times may contradict each other.
"""

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from dispatch.api import tokens
from dispatch.api.v1 import api
from tests.api import token_of
from tests.test_access import undone
from tests.test_api_access import scene  # noqa: F401  (a fixture)

pytestmark = pytest.mark.filterwarnings("ignore")  # of schemathesis, about its own ways

AS_DESCRIBED = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EXAMPLES = 5  # of each operation, in each of three ways
MADE_UP = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def program(scene, monkeypatch):  # noqa: F811
    """Calls with a token that may do everything, on a scene that has one of everything."""
    users, ids, _ = scene
    for signal in (request_started, request_finished):  # the connection is the test's
        signal.disconnect(close_old_connections)
    monkeypatch.setattr("django.conf.settings.API_REQUESTS_PER_SECOND", 10**6)
    monkeypatch.setattr(tokens, "DOORKEEPER", tokens.new_doorkeeper())
    yield {"Authorization": f"Bearer {token_of(users['ada'])}", "Accept-Encoding": "identity"}, ids
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def described_operations():
    schema = schemathesis.openapi.from_dict(dict(api.get_openapi_schema()))
    schema.app = WSGIHandler()
    return [found.ok() for found in schema.get_all_operations()]


def ask_made_up(operation, *, mode: GenerationMode, headers: dict, answers: list, aim=lambda case: None) -> set[int]:
    codes = set()

    @MADE_UP
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        aim(case)
        with undone():
            response = case.call(headers=headers)
        codes.add(response.status_code)
        case.validate_response(response, checks=answers, headers=headers)

    ask()
    return codes


def test_made_up_requests_are_answered_as_described(program):
    headers, _ = program
    for operation in described_operations():
        ask_made_up(operation, mode=GenerationMode.POSITIVE, headers=headers, answers=AS_DESCRIBED)


def test_requests_against_the_description_are_refused(program):
    headers, _ = program
    answers = [*AS_DESCRIBED, checks.negative_data_rejection]
    for operation in described_operations():
        ask_made_up(operation, mode=GenerationMode.NEGATIVE, headers=headers, answers=answers)


def test_made_up_requests_about_what_there_is_are_answered_as_described(program):
    """With ids that exist they get to where things are done."""
    headers, ids = program

    def aim(case):
        for values in (case.path_parameters, case.query, case.body):
            aim_at(values, ids)
        if isinstance(case.body, dict) and isinstance(case.body.get("positions"), list):
            for position in case.body["positions"]:
                aim_at(position, ids)
        if case.headers and "If-Match" in case.headers:
            case.headers["If-Match"] = "*"

    codes = set()
    for operation in described_operations():
        asked = {"mode": GenerationMode.POSITIVE, "headers": headers, "answers": AS_DESCRIBED, "aim": aim}
        codes |= ask_made_up(operation, **asked)
    assert {200, 201, 409, 422} <= codes


def aim_at(values, ids: dict) -> None:
    if not hasattr(values, "items"):
        return
    for name, value in values.items():
        thing = name.removesuffix("_id").removesuffix("_ids")
        if name.endswith("_id") and isinstance(value, int) and thing in ids:
            values[name] = ids[thing]
        elif name == "technician_ids" and value:
            values[name] = ids["technicians"]
        elif name == "plan_id":
            values[name] = ids["plan"]
