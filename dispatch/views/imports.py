"""Files imported in the browser: upload, columns, a dry run, for real."""

import csv
from collections.abc import Iterator

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch import actions
from dispatch.actions.file_imports import RIGHT
from dispatch.csv_files import cell_of_a_file, csv_response
from dispatch.imports.forms import MappingForm, UploadForm, in_words
from dispatch.imports.preview import load_beginning, preview, suggested_choices
from dispatch.imports.records import LINE, REASON
from dispatch.imports.uploads import MOST_BYTES, MOST_ROWS
from dispatch.models import FileImport

SAMPLES = settings.BASE_DIR / "dispatch" / "imports" / "samples"
LAST = 30  # are listed
SHOWN = 100  # rows of a report; its file has more
State = FileImport.State


@require_http_methods(["GET", "POST"])
@permission_required(RIGHT, raise_exception=True)
def imports(request):
    form = UploadForm(request.POST or None, request.FILES or None, initial={"kind": "customers"})
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.upload_import(form.cleaned_data["file"], kind=form.cleaned_data["kind"], by=request.user)
            return redirect("map_import", made.pk)
        except actions.ActionRefused as refused:
            form.add_error("file", refused.reason)
    recent = FileImport.objects.defer("report").select_related("uploaded_by")[:LAST]
    context = {"form": form, "recent": recent, "kinds": FileImport.Kind.choices}
    context |= {"most_megabytes": MOST_BYTES // 2**20, "most_rows": f"{MOST_ROWS:,}"}
    return render(request, "dispatch/imports.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@permission_required(RIGHT, raise_exception=True)
def map_import(request, pk):
    """Which column is which field. A POST of “preview” only shows how the first rows are read then."""
    one = get_object_or_404(FileImport, pk=pk)
    if one.state in FileImport.UNFINISHED or (one.state == State.DONE and not one.is_dry_run):
        return redirect("file_import", pk)
    try:
        beginning = load_beginning(one)
    except OSError:
        messages.error(request, f"{one.file_name} cannot be read any more. Upload it again.")
        return redirect("imports")
    choices, origin = suggested_choices(one, beginning)
    form = MappingForm(request.POST or None, kind=one.kind, columns=beginning.columns, chosen=choices)
    if request.method == "POST":
        choices = form.choices if form.is_valid() else {"fields": {}, "dates": "iso"}
        if form.is_valid() and "preview" not in request.POST:
            try:
                actions.map_import(one, choices, by=request.user)
                return redirect("file_import", pk)
            except actions.ActionRefused as refused:
                form.add_error(None, refused.reason)
    shown = preview(one, beginning, choices, now=timezone.now())
    context = {"one": one, "form": form, "origin": origin, "beginning": beginning, "preview": shown}
    template = "dispatch/import_mapping.html"
    if request.htmx.target == "preview":
        return render(request, f"{template}#preview", context)
    return render(request, template, context, status=422 if form.errors and "preview" not in request.POST else 200)


@require_GET
@permission_required(RIGHT, raise_exception=True)
def file_import(request, pk):
    """How far it is, then what came of it."""
    one = get_object_or_404(FileImport.objects.select_related("uploaded_by"), pk=pk)
    if one.state == State.UPLOADED:
        return redirect("map_import", pk)
    is_going_on = one.state in FileImport.UNFINISHED
    # The fragment asks for itself while it is being worked out; when that is over, the page comes anew.
    if request.htmx and not is_going_on:
        return HttpResponse(headers={"HX-Refresh": "true"})
    template = "dispatch/import.html"
    context = {"one": one, "is_going_on": is_going_on, "rows": _shown_rows(one)}
    return render(request, f"{template}#progress" if request.htmx else template, context)


def _shown_rows(one: FileImport) -> list[dict]:
    return [row | {"reason": in_words(row["reason"], one.kind)} for row in one.report[:SHOWN]]


@require_POST
@permission_required(RIGHT, raise_exception=True)
def run_import(request, pk):
    return _do(request, pk, actions.run_import)


@require_POST
@permission_required(RIGHT, raise_exception=True)
def stop_import(request, pk):
    return _do(request, pk, actions.stop_import)


def _do(request, pk: int, action) -> HttpResponse:
    try:
        action(get_object_or_404(FileImport, pk=pk), by=request.user)
    except actions.ActionRefused as refused:
        messages.error(request, refused.reason)
    return redirect("file_import", pk)


@require_GET
@permission_required(RIGHT, raise_exception=True)
def import_report(request, pk):
    """The rows that were not taken, as they were: mended, the file can be imported again."""
    one = get_object_or_404(FileImport, pk=pk)
    try:
        header = load_beginning(one).header
    except OSError:
        raise Http404("The file is not there any more.") from None
    theirs = header[2:] if header[:2] == [LINE, REASON] else header
    columns = [LINE, REASON, *map(cell_of_a_file, theirs)]
    return csv_response(request, columns, _report_rows(one), name=f"import-{one.pk}-not-taken.csv")


def _report_rows(one: FileImport) -> Iterator[list]:
    for row in one.report:
        yield [row["line"], cell_of_a_file(row["reason"]), *map(cell_of_a_file, row["cells"])]


@require_GET
@permission_required(RIGHT, raise_exception=True)
def import_sample(request, kind):
    """To look at before making one's own: its columns are found by themselves."""
    if kind not in FileImport.Kind:
        raise Http404("There is no such sample.")
    columns, *rows = csv.reader((SAMPLES / f"{kind}.csv").read_text(encoding="utf-8").splitlines())
    return csv_response(request, columns, rows, name=f"sample-{kind}.csv")
