"""Who may come in by a customer's link, and how often one may try.

The token in the address is all that counts: no cookie is read or set, so a foreign page can make nobody's browser do
anything that its owner may do. A token that was never given, has expired or was revoked finds no row, by the same one
query, and gets the same answer.
"""

from collections.abc import Callable
from functools import wraps
from typing import Final

from csp.decorators import csp
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt

from config.rate_limits import Doorkeeper, Rate
from config.tokens import derived_token, hash_of
from dispatch.models import CustomerLink

PURPOSE: Final = "customer link"
MOST_BYTES: Final = 64 * 1024  # of a form: a message has a thousand characters
LIVE_HEADER: Final = "X-Live"  # the page itself asks for what is new
POLICY: Final = {
    "default-src": ["'none'"],
    **{name: ["'self'"] for name in ("script-src", "style-src", "connect-src", "form-action")},
    "img-src": ["'self'", "data:"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}


DOORKEEPER = Doorkeeper(
    "visit",
    known=Rate(at_once=300, per_second=5),
    address=Rate(at_once=20, per_second=0.1),
    everyone=Rate(at_once=1000, per_second=20),
)


class TooOften(Exception):
    def __init__(self, seconds: int):
        self.seconds = seconds


def token_of(link: CustomerLink) -> str:
    return derived_token(PURPOSE, link.nonce)


def find_link(token: str, *, address: str, now) -> CustomerLink | None:
    """The link that stands under the token. Raises TooOften."""
    token_hash = hash_of(token)
    entry = DOORKEEPER.enter(token_hash, address=address)
    if entry.wait:
        raise TooOften(entry.wait)
    standing = CustomerLink.objects.filter(token_hash=token_hash, revoked_at=None, expires_at__gt=now)
    link = standing.select_related("job__customer", "job__site", "job__job_type", "job__technician__user").first()
    # Looked up by a hash that nobody can choose, and compared once more without telling by the time it takes.
    is_known = constant_time_compare(link.token_hash if link else "0" * 64, token_hash) and link is not None
    DOORKEEPER.learn(entry, is_known=is_known)
    return link if is_known else None


def through_link(*methods: str) -> Callable:
    """For a view(request, link): by these methods, whoever is or is not logged in."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @csp(POLICY)
        @csrf_exempt
        @login_not_required
        @wraps(view)
        def behind_door(request, token: str) -> HttpResponse:
            try:
                link = find_link(token, address=request.META.get("REMOTE_ADDR", ""), now=timezone.now())
            except TooOften as too_often:
                response = render(request, "customer/later.html", company_context(), status=429)
                response["Retry-After"] = str(too_often.seconds)
                return discreet(response)
            method = "GET" if request.method == "HEAD" else request.method
            if link is None or method not in methods:
                return discreet(render(request, "customer/gone.html", company_context(), status=404))
            if not _is_readable(request):
                return discreet(render(request, "customer/too_much.html", company_context(), status=413))
            return discreet(view(request, link))

        return behind_door

    return decorate


def _is_readable(request) -> bool:
    """Whether a form was sent that any page here may have sent."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        return False
    try:
        request.POST  # noqa: B018  (it is read now or never)
    except (SuspiciousOperation, BadRequest, MultiPartParserError):
        return False
    return True


def company_context() -> dict[str, str]:
    return {"company": settings.COMPANY_NAME, "company_phone": settings.COMPANY_PHONE}


def discreet(response: HttpResponse) -> HttpResponse:
    """No search engine, no cache and no other site learns the address."""
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Cache-Control"] = "no-store, private"
    return response
