import json

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dispatch import realtime
from dispatch.board.calendar_month import load_month
from dispatch.board.calendar_week import Part, load_week
from dispatch.board.frame import Frame
from dispatch.views.board_list import MAX_ROWS, read_ids

CONTENT = "calendar-content"


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def calendar_week(request):
    versions = realtime.versions_of(realtime.groups_of(request.user))
    week = load_week(request)
    return _render(request, "dispatch/calendar_week.html", week.frame, versions, week=week)


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def calendar_month(request):
    versions = realtime.versions_of(realtime.groups_of(request.user))
    month = load_month(request)
    return _render(request, "dispatch/calendar_month.html", month.frame, versions, month=month)


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def calendar_rows(request):
    """Rows of the week as out-of-band swaps: those that the jobs `ids` are in now, and `present`, which show them."""
    try:
        ids = read_ids(request.GET.get("ids", ""))
    except ValueError:
        return HttpResponse("ids: numbers with commas between.", status=422, content_type="text/plain")
    present = request.GET.get("present", "").split(",")
    week = load_week(request, part=Part(frozenset(sorted(ids)[:MAX_ROWS]), frozenset(present)))
    context = {"week": week, "tiles": week.frame.tiles, "today": week.frame.today}
    return render(request, "dispatch/calendar_week.html#changed_rows", context)


def _render(request, template: str, frame: Frame, versions: dict[str, int], **calendar):
    is_fragment = request.htmx.target == CONTENT
    context = {
        "frame": frame,
        "tiles": frame.tiles,
        "now": frame.now,
        "today": frame.today,
        "live_versions": json.dumps(versions),
    }
    if is_fragment:
        template += "#calendar_content"
    return render(request, template, context | calendar)
