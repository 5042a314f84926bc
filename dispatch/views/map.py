import json

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dispatch import realtime
from dispatch.board.frame import load_frame
from dispatch.board.map import STRETCHED_FROM, Changed, load_map_data, load_technician_panel
from dispatch.crew import with_today
from dispatch.models import Status
from dispatch.views.board_list import read_ids
from technicians.models import Technician

KEY = [
    (Status.CREATED, "○", "Unassigned"),
    (Status.ASSIGNED, "●", "Assigned"),
    (Status.EN_ROUTE, "▶", "En route"),
    (Status.IN_PROGRESS, "■", "On site"),
    (Status.COMPLETED, "✓", "Completed"),
]
SLA_KEY = [
    ("running", "30", "Under 50 % used"),
    ("half", "60", "50–75 %"),
    ("at-risk", "80", "At risk"),
    ("breached", "▲", "Breached"),
    ("paused", "‖", "Paused"),
    ("none", "–", "No target open"),
]


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def map_view(request):
    # The versions are read before the rows: an event in between makes the page reload, never miss.
    versions = realtime.versions_of(realtime.groups_of(request.user))
    frame = load_frame(request, "map", now=timezone.now())
    context = {
        "frame": frame,
        "tiles": frame.tiles,
        "now": frame.now,
        "today": frame.today,
        "live_versions": json.dumps(versions),
        "tile_url": settings.MAP_TILE_URL,
        "attribution": settings.MAP_ATTRIBUTION,
        "stretched_from": STRETCHED_FROM,
        "key": KEY,
        "sla_key": SLA_KEY,
        "colour": "sla" if request.GET.get("colour") == "sla" else "status",
    }
    return render(request, "dispatch/map.html", context)


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def map_data(request):
    """Everything, or what changed: the jobs of `ids` and all stops of the routes that they are on.

    `technicians` are those on whose routes the page shows them; the server knows who has them now.
    """
    changed = None
    if "ids" in request.GET:
        try:
            changed = Changed(read_ids(request.GET["ids"]), read_ids(request.GET.get("technicians", "")))
        except ValueError:
            return HttpResponse("ids, technicians: numbers with commas between.", status=422, content_type="text/plain")
    return JsonResponse(load_map_data(request, changed=changed), json_dumps_params={"separators": (",", ":")})


@require_GET
@permission_required("technicians.view_technician", raise_exception=True)
def map_technician(request, pk):
    now = timezone.now()
    technicians = Technician.objects.visible_to(request.user).active()
    technician = get_object_or_404(with_today(technicians, now=now), pk=pk)
    panel = load_technician_panel(technician, user=request.user, now=now)
    return render(request, "dispatch/map.html#technician_panel", {"panel": panel, "now": now})
