"""In front of every operation: what is refused before anybody looks at it, in the same form as all other errors."""

from collections.abc import Callable
from functools import wraps
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from ninja.operation import Operation

from dispatch.api.problems import Problem, answer, as_problem

MOST_BYTES: Final = 1024 * 1024
REPEATABLE: Final = {"status", "priority", "state"}  # in a query; of what else is said twice, one would be lost


def door(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """No session counts here, hence neither a login page nor a CSRF token."""

    @wraps(view)
    def behind_the_door(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if refusal := _refusal(request):
            return answer(refusal)
        try:
            response = view(request, *args, **kwargs)
        except Http404 as error:  # of addresses that belong to no operation
            return answer(as_problem(error))
        if response.status_code == 405:
            allowed = response["Allow"]
            return answer(Problem("method-not-allowed", f"Here goes: {allowed}.", headers={"Allow": allowed}))
        response.setdefault("Cache-Control", "no-store")
        return response

    return login_not_required(csrf_exempt(behind_the_door))


def knows_its_parameters(operation: Operation) -> Callable[..., HttpResponse]:
    """A filter that is misspelt would be taken for none, and all rows for those that were asked for."""
    run = operation.run
    known = {
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    }

    @wraps(run)
    def run_if_known(request: HttpRequest, **arguments) -> HttpResponse:
        if unknown := sorted(request.GET.keys() - known):
            errors = [{"field": f"query.{name}", "message": "There is no such parameter here."} for name in unknown]
            problem = Problem("invalid", f"query.{unknown[0]}: There is no such parameter here.", {"errors": errors})
            return answer(problem)
        return run(request, **arguments)

    return run_if_known


def _refusal(request: HttpRequest) -> Problem | None:
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return Problem("malformed", "Content-Length is no number.")
    if not length:  # sent in chunks, nothing says how much it is: Django reads on from what is read here
        request._body = request.read(MOST_BYTES + 1)
        length = len(request._body)
    if length > MOST_BYTES:
        return Problem("too-large", f"At most {MOST_BYTES // 1024} KB.")
    for name, values in request.GET.lists():
        if len(values) > 1 and name not in REPEATABLE:
            errors = [{"field": f"query.{name}", "message": "Say it once."}]
            return Problem("invalid", f"query.{name}: said {len(values)} times.", {"errors": errors})
    if length and request.content_type != "application/json":
        return Problem("unsupported-media-type", "Send application/json.")
    return None


@door
def no_such_path(request: HttpRequest) -> HttpResponse:
    return answer(Problem("not-found", "There is nothing at this path."))
