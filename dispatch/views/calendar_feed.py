"""A technician's jobs for a calendar program: the feed behind its secret address, and the page that gives it out."""

from hashlib import sha256
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.crypto import constant_time_compare
from django.utils.http import quote_etag
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from config.rate_limits import Doorkeeper, Rate
from config.tokens import hash_of
from dispatch import actions
from dispatch.calendar_feed.agenda import load_agenda
from dispatch.calendar_feed.ical import calendar_of
from dispatch.views.devices import technician_managed_by
from technicians.devices import qr_code
from technicians.models import CalendarFeed

DOORKEEPER = Doorkeeper(
    "calendar",
    known=Rate(at_once=300, per_second=5),
    address=Rate(at_once=20, per_second=0.1),
    everyone=Rate(at_once=1000, per_second=20),
)


@csrf_exempt
@login_not_required
def calendar(request, token):
    """A token that was never given, was revoked or is of somebody who has left gets the same answer, byte by byte."""
    token_hash = hash_of(token)
    entry = DOORKEEPER.enter(token_hash, address=request.META.get("REMOTE_ADDR", ""))
    if entry.wait:
        return _discreet(_plain("Too often.", HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(entry.wait)}))
    feed = _find(token_hash)
    DOORKEEPER.learn(entry, is_known=feed is not None)
    if feed is None or request.method not in ("GET", "HEAD"):
        return _discreet(_plain("Not found.", HTTPStatus.NOT_FOUND))
    now = timezone.now()
    body = calendar_of(feed.technician, load_agenda(feed.technician, now=now), base_url=_base_url(request))
    actions.note_calendar_read(feed, now=now)
    headers = {"ETag": quote_etag(sha256(body).hexdigest()[:32])}
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8", headers=headers)
    return _discreet(get_conditional_response(request, etag=headers["ETag"], response=response))


def _find(token_hash: str) -> CalendarFeed | None:
    standing = CalendarFeed.objects.filter(token_hash=token_hash, revoked_at=None)
    working = standing.filter(technician__is_active=True, technician__user__is_active=True)
    feed = working.select_related("technician__user").first()
    is_known = constant_time_compare(feed.token_hash if feed else "0" * 64, token_hash)
    return feed if is_known else None


def _plain(text: str, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8", headers=headers)


def _discreet(response: HttpResponse) -> HttpResponse:
    """Nobody in between keeps it, and no search engine; the program itself may, and asks whether it has changed."""
    response["Cache-Control"] = "private, no-cache"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


def _base_url(request) -> str:
    return settings.SITE_URL or request.build_absolute_uri("/").rstrip("/")


@require_GET
def calendar_feed(request, pk):
    return _page(request, technician_managed_by(request.user, pk))


@require_POST
@never_cache
def make_calendar_feed(request, pk):
    technician = technician_managed_by(request.user, pk)
    token = actions.make_calendar_feed(technician, by=request.user)
    return _page(request, technician, url=_base_url(request) + reverse("calendar", args=[token]))


@require_POST
def revoke_calendar_feed(request, pk):
    technician = technician_managed_by(request.user, pk)
    if actions.revoke_calendar_feed(technician, by=request.user):
        messages.success(request, "Revoked: the address is good for nothing any more.")
    return redirect("calendar_feed", pk)


def _page(request, technician, *, url: str = "") -> HttpResponse:
    """With the address only right after it was made."""
    subscribe = url.replace("https://", "webcal://", 1).replace("http://", "webcal://", 1)
    context = {
        "technician": technician,
        "feed": technician.calendar_feeds.filter(revoked_at=None).select_related("created_by").first(),
        "url": url,
        "subscribe": subscribe,
        "qr_code": mark_safe(qr_code(subscribe)) if url else "",
        "is_own": technician.user_id == request.user.pk,
    }
    return render(request, "dispatch/calendar_feed.html", context)
