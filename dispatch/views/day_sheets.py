from datetime import date

from django import forms
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dispatch.day.day_sheets import load_day_sheets
from technicians.models import Technician


@require_GET
@permission_required("technicians.view_technician", raise_exception=True)
def day_sheet(request, pk):
    technician = get_object_or_404(Technician.objects.visible_to(request.user), pk=pk)
    day, error = chosen_day(request)
    sheets = load_day_sheets(Technician.objects.filter(pk=pk), day=day, user=request.user)
    context = {"sheets": sheets, "free": [], "day": day, "error": error, "technician": technician}
    return render(request, "dispatch/day_sheets.html", context)


@require_GET
@permission_required("technicians.view_technician", raise_exception=True)
def day_sheets(request):
    """Of everyone who has jobs on the day; the others are named, so that nobody is missed."""
    day, error = chosen_day(request)
    technicians = Technician.objects.visible_to(request.user).active()
    sheets = load_day_sheets(technicians, day=day, user=request.user)
    context = {
        "sheets": [sheet for sheet in sheets if sheet.jobs],
        "free": [sheet.technician for sheet in sheets if not sheet.jobs],
        "day": day,
        "error": error,
        "technician": None,
    }
    return render(request, "dispatch/day_sheets.html", context)


def chosen_day(request) -> tuple[date, str]:
    """The day of the query string, or today with a word about what is wrong."""
    try:
        return forms.DateField(required=False).clean(request.GET.get("day")) or timezone.localdate(), ""
    except ValidationError:
        return timezone.localdate(), "The day is not understood; these are today's sheets."
