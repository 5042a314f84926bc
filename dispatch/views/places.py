"""Addresses that a look-up could not put on the map by itself: somebody says where they are."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from dispatch import actions
from dispatch.actions.geocoding import WAITING_FOR_PEOPLE
from dispatch.csv_files import csv_response
from dispatch.geocoding import provider
from dispatch.geocoding.unclear_export import COLUMNS, rows_of_export
from dispatch.models import Geocoding, Site
from dispatch.models.jobs import OPEN
from zones.models import ServiceZone

PAGE_SIZE = 20
LETTERS = "ABCDEFGH"


def shown_to(user):
    return Geocoding.objects.filter(
        state__in=WAITING_FOR_PEOPLE, site__latitude=None, site__in=Site.objects.dispatchable_by(user)
    )


def listed(user):
    """Where somebody is to go, first."""
    open_jobs = Count("site__jobs", filter=Q(site__jobs__status__in=OPEN))
    asked = shown_to(user).select_related("site__customer").annotate(open_jobs=open_jobs)
    return asked.order_by("-open_jobs", "asked_at", "pk")


@require_GET
@permission_required("dispatch.change_site", raise_exception=True)
def unclear_places(request):
    page = Paginator(listed(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    zones = ServiceZone.objects.index()
    names = dict(ServiceZone.objects.values_list("pk", "name"))
    for one in page:
        one.options = [_option(*pair, zones=zones, names=names) for pair in zip(LETTERS, one.candidates, strict=False)]
    context = {"page": page, "is_on": provider.is_on(), "waiting": _waiting()}
    context |= {"tile_url": settings.MAP_TILE_URL, "attribution": settings.MAP_ATTRIBUTION}
    return render(request, "dispatch/unclear_places.html", context)


@require_GET
@permission_required("dispatch.change_site", raise_exception=True)
def export_unclear_places(request):
    rows = rows_of_export(listed(request.user))
    return csv_response(request, COLUMNS, rows, name=f"unclear-addresses-{timezone.localdate():%Y-%m-%d}.csv")


def _waiting() -> int:
    return Geocoding.objects.filter(state=Geocoding.State.QUEUED, site__latitude=None).count()


def _option(letter: str, candidate: dict, *, zones, names: dict[int, str]) -> dict:
    zone_id = zones.find(latitude=candidate["latitude"], longitude=candidate["longitude"])
    at = f"{candidate['latitude']},{candidate['longitude']}"
    return {"letter": letter, "at": at, "zone": names.get(zone_id, ""), **candidate}


@require_POST
@permission_required("dispatch.change_site", raise_exception=True)
def choose_place(request, pk):
    one = get_object_or_404(shown_to(request.user).select_related("site"), pk=pk)
    try:
        latitude, longitude = (float(part) for part in request.POST.get("at", "").split(","))
    except ValueError:
        messages.error(request, "Choose one of the places.")
        return redirect("unclear_places")
    return _do(
        request,
        lambda: actions.choose_place(one, (latitude, longitude), by=request.user),
        done=f"{one.address} is on the map.",
    )


@require_POST
@permission_required("dispatch.change_site", raise_exception=True)
def dismiss_place(request, pk):
    one = get_object_or_404(shown_to(request.user), pk=pk)
    return _do(
        request, lambda: actions.dismiss_place(one, by=request.user), done=f"{one.address} stays without a location."
    )


@require_POST
@permission_required("dispatch.change_site", raise_exception=True)
def ask_again(request, pk):
    one = get_object_or_404(shown_to(request.user), pk=pk)
    return _do(request, lambda: actions.ask_again(one, by=request.user), done=f"{one.address} is looked up again.")


def _do(request, action, *, done: str) -> HttpResponse:
    try:
        action()
        messages.success(request, done)
    except actions.ActionRefused as refused:
        messages.error(request, refused.reason)
    return redirect("unclear_places")
