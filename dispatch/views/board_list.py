import json

from django.contrib.auth.decorators import permission_required
from django.db.models import BigIntegerField
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dispatch import realtime
from dispatch.board.board_list import load_board_list, load_rows
from dispatch.board.shared_rows import as_swaps, rows_of

MAX_ROWS = 200


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def board_list(request):
    # The versions are read before the rows: an event in between makes the page reload, never miss.
    versions = realtime.versions_of(realtime.groups_of(request.user))
    board = load_board_list(request)
    frame = board.frame
    context = {
        "board": board,
        "frame": frame,
        "tiles": frame.tiles,
        "now": frame.now,
        "today": frame.today,
        "live_versions": json.dumps(versions),
    }
    template = "dispatch/board_list.html"
    if request.htmx.target == "board-content":
        template += "#board_content"
    return render(request, template, context)


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def board_rows(request):
    """What changed, as out-of-band swaps: `ids` are the changed jobs, `present` those that the page shows.

    Rows that the filters still include come back whole, the others are deleted; X-Shown-Jobs names all of `ids` that
    belong on this board, so that the page can announce those it does not show yet.
    """
    try:
        ids, present = read_ids(request.GET.get("ids", "")), read_ids(request.GET.get("present", ""))
    except ValueError:
        return HttpResponse("ids, present: numbers with commas between.", status=422, content_type="text/plain")
    now = timezone.now()
    jobs, tiles = load_rows(request, sorted(ids)[:MAX_ROWS], now=now)
    belonging = {pk for pk, *_ in jobs}
    context = {
        "rows": as_swaps(rows_of([job for job in jobs if job[0] in present], now=now)),
        "gone": sorted(present - belonging),
        "tiles": tiles,
    }
    response = render(request, "dispatch/board_list.html#changed_rows", context)
    response["X-Shown-Jobs"] = ",".join(map(str, sorted(belonging)))
    return response


def read_ids(text: str) -> set[int]:
    """Numbers with commas between; ValueError where they are not."""
    ids = {int(pk) for pk in text.split(",") if pk}
    if any(abs(pk) > BigIntegerField.MAX_BIGINT for pk in ids):
        raise ValueError(text)
    return ids
