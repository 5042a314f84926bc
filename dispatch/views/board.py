import json

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dispatch import realtime
from dispatch.board import load_board, load_rows

MAX_ROWS = 200


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def board(request):
    # The versions are read before the rows: an event in between makes the page reload, never miss.
    versions = realtime.versions_of(realtime.groups_of(request.user))
    loaded = load_board(request)
    context = {
        "board": loaded,
        "tiles": loaded.tiles,
        "now": loaded.now,
        "today": loaded.today,
        "live_versions": json.dumps(versions),
    }
    template = "dispatch/board.html"
    if request.htmx.target == "board-content":
        template += "#board_content"
    return render(request, template, context)


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def board_rows(request):
    """The changed rows as out-of-band swaps: those that the filters still include, and which are to go."""
    try:
        ids = sorted({int(pk) for pk in request.GET.get("ids", "").split(",") if pk})[:MAX_ROWS]
    except ValueError:
        return HttpResponse("ids: numbers with commas between them.", status=422, content_type="text/plain")
    now = timezone.now()
    jobs, tiles = load_rows(request, ids, now=now)
    shown = {job.pk for job in jobs}
    context = {
        "jobs": jobs,
        "gone": [pk for pk in ids if pk not in shown],
        "tiles": tiles,
        "now": now,
        "today": timezone.localdate(now),
    }
    response = render(request, "dispatch/board.html#changed_rows", context)
    response["X-Shown-Jobs"] = ",".join(map(str, sorted(shown)))
    return response
