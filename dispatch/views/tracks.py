"""Where a technician has been on a day; and, for technicians, who has looked at that."""

from datetime import date

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dispatch import actions
from dispatch.day.track import load_track, load_views
from dispatch.views.day_sheets import chosen_day
from dispatch.views.phone import technician_of
from technicians.models import Technician


@require_GET
@permission_required("technicians.view_position", raise_exception=True)
def track(request, pk):
    technician = get_object_or_404(Technician.objects.visible_to(request.user).select_related("user"), pk=pk)
    day, error = day_of_track(request)
    actions.record_track_view(technician, by=request.user, day=day)
    return render_track(request, technician, day=day, error=error, views=None, page="track")


@require_GET
def own_track(request):
    technician = technician_of(request)
    day, error = day_of_track(request)
    return render_track(request, technician, day=day, error=error, views=load_views(technician), page="own_track")


def day_of_track(request) -> tuple[date, str]:
    """The day asked for, or today with a word about it. Nobody has been anywhere in the year 9999."""
    day, error = chosen_day(request)
    if error or not date(2000, 1, 1) <= day <= date(2200, 1, 1):
        return timezone.localdate(), "The day is not understood; this is today."
    return day, ""


def render_track(request, technician: Technician, *, day, error: str, views, page: str):
    context = {
        "technician": technician,
        "track": load_track(technician, day=day, user=request.user),
        "views": views,
        "is_own": page == "own_track",
        "today": timezone.localdate(),
        "error": error,
        "tile_url": settings.MAP_TILE_URL,
        "attribution": settings.MAP_ATTRIBUTION,
    }
    return render(request, "dispatch/track.html", context)
