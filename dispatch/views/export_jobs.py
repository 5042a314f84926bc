from django.contrib.auth.decorators import permission_required
from django.utils import timezone
from django.views.decorators.http import require_GET

from dispatch.board.job_export import COLUMNS, rows_of_export
from dispatch.csv_files import csv_response


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def export_jobs(request):
    """The filtered list, all its pages, as CSV."""
    now = timezone.now()
    rows = rows_of_export(request, now=now)
    return csv_response(request, COLUMNS, rows, name=f"jobs-{timezone.localdate(now):%Y-%m-%d}.csv")
