"""The lanes: the board's first view."""

import json
import re

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dispatch import realtime
from dispatch.board.lanes import Lanes, load_lanes, load_some_lanes, outgrow
from dispatch.views.board_list import MAX_ROWS, read_ids
from dispatch.views.jobs import visible_job


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def board(request):
    # The versions are read before the rows: an event in between makes the page reload, never miss.
    versions = realtime.versions_of(realtime.groups_of(request.user))
    lanes = load_lanes(request)
    template = "dispatch/board.html"
    if request.htmx.target == "board-content":
        template += "#board_content"
    return render(request, template, lanes_context(lanes) | {"live_versions": json.dumps(versions)})


def lanes_context(lanes: Lanes) -> dict:
    frame = lanes.frame
    return {
        "board": lanes,
        "frame": frame,
        "lanes": lanes.lanes,
        "tray": lanes.tray,
        "axis": lanes.axis,
        "day": lanes.day,
        "tiles": frame.tiles,
        "now": frame.now,
        "today": frame.today,
    }


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def board_lanes(request):
    """The lanes that changed, as out-of-band swaps, with the tray and the counts.

    `jobs` are the changed jobs, `lanes` the technicians whose lanes show them now, `axis` the hours on the page.
    """
    try:
        job_ids, lane_ids = read_ids(request.GET.get("jobs", "")), read_ids(request.GET.get("lanes", ""))
    except ValueError:
        return HttpResponse("jobs, lanes: numbers with commas between.", status=422, content_type="text/plain")
    hours = re.fullmatch(r"(\d{1,2})-(\d{1,2})", request.GET.get("axis", ""))
    if not hours or not int(hours[1]) < int(hours[2]) <= 30:
        return HttpResponse("axis: the first and the last hour, as 7-18.", status=422, content_type="text/plain")
    frame, lanes, tray, axis = load_some_lanes(
        request,
        job_ids=set(sorted(job_ids)[:MAX_ROWS]),
        lane_ids=lane_ids,
        axis=(int(hours[1]), int(hours[2])),
        now=timezone.now(),
    )
    context = {
        "frame": frame,
        "lanes": lanes,
        "tray": tray,
        "axis": axis,
        "day": axis.day,
        "tiles": frame.tiles,
        "now": frame.now,
        "today": frame.today,
        "gone": sorted(lane_ids - {lane.technician.pk for lane in lanes}),
    }
    response = render(request, "dispatch/board.html#changed_lanes", context)
    if outgrow(lanes, axis, request, frame):
        response["HX-Trigger"] = "lanes-outgrown"
    return response


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def job_card(request, pk):
    """What a pointer that rests on a job is told."""
    context = {"job": visible_job(request, pk), "now": timezone.now(), "today": timezone.localdate()}
    return render(request, "dispatch/job_card.html", context)
