"""Named filters of one's own: an address under a name. What it shows is decided whenever it is opened."""

import json
from urllib.parse import urlsplit

from django import forms
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch.board.filters import JobFilter
from dispatch.board.frame import VIEW_OF, VIEWS
from dispatch.models import SavedView
from dispatch.views.transitions import render_dialog

VIEWS_AT_MOST = 50
QUERY_LENGTH = 2000
PAGES = [(name, label) for name, label in SavedView.Page.choices if name in {*dict(VIEWS), *VIEW_OF}]


class NameForm(forms.Form):
    """The name of a view; `taken` is the user's own view that has it already."""

    name = forms.CharField(
        max_length=60, label="Name", widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"})
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.views = user.saved_views.all()

    @property
    def taken(self) -> SavedView | None:
        return self.views.filter(name=self.cleaned_data["name"]).first()


class SavedViewForm(NameForm):
    page = forms.ChoiceField(choices=PAGES, widget=forms.HiddenInput)
    query = forms.CharField(required=False, max_length=QUERY_LENGTH, widget=forms.HiddenInput)
    keep_day = forms.BooleanField(required=False, label="Keep the day")

    def clean(self):
        data = super().clean()
        data["query"] = saved_query(data.get("query", ""), keep_day=data.get("keep_day", False))
        if "name" in data and self.views.count() >= VIEWS_AT_MOST and not self.taken:
            raise ValidationError(f"{VIEWS_AT_MOST} views are the most that one can keep. Delete one first.")
        return data


def saved_query(query: str, *, keep_day: bool) -> str:
    """Without the page of the list, without what is empty, and without the day unless it is wanted."""
    dropped = {"page"} if keep_day else {"page", *JobFilter.DATES}
    kept = QueryDict(mutable=True)
    for name, values in QueryDict(query.removeprefix("?")).lists():
        if name not in dropped:
            kept.setlist(name, [value for value in values if value])
    return kept.urlencode()


def has_day(query: str) -> bool:
    return any(QueryDict(query).get(name) for name in JobFilter.DATES)


def done(request, text: str, *, to: str = "saved_views") -> HttpResponse:
    """Tells the board to close its dialog and to load the menu of views; without htmx goes to `to`."""
    if not request.htmx:
        return redirect(to)
    events = {"close-dialog": True, "toast": {"text": text}, "views-changed": True}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(events)})


def open_query(request) -> str:
    """What the browser shows now: a script may have changed the address since the page was made."""
    here = urlsplit(request.htmx.current_url_abs_path or "")
    page = request.GET.get("page")
    is_this_page = page in dict(PAGES) and here.path == reverse(page)
    return here.query if is_this_page else request.GET.get("query", "")


@require_GET
@permission_required("dispatch.view_job", raise_exception=True)
def saved_views(request):
    """The user's views: a page, or the content of the menu."""
    context = {
        "views": request.user.saved_views.all(),
        "page": request.GET.get("page", ""),
        "query": request.GET.get("query", ""),
        "here": request.htmx.current_url_abs_path or "",
    }
    return render(request, "dispatch/_saved_views.html" if request.htmx else "dispatch/saved_views.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.view_job", raise_exception=True)
def save_view(request):
    initial = {"page": request.GET.get("page", SavedView.Page.LIST), "query": open_query(request)}
    form = SavedViewForm(request.POST or None, user=request.user, initial=initial)
    status, taken = 200, None
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            taken = form.taken
            if taken is None or request.POST.get("replace") == data["name"]:
                fields = {"page": data["page"], "query": data["query"]}
                view, _ = SavedView.objects.update_or_create(user=request.user, name=data["name"], defaults=fields)
                return done(request, f"View “{view}” is saved.", to=view.url)
            status = 409
    context = {"form": form, "taken": taken, "has_day": has_day(str(form["query"].value() or ""))}
    return render_dialog(request, "save_view", context, status=status)


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.view_job", raise_exception=True)
def rename_view(request, pk):
    view = get_object_or_404(request.user.saved_views, pk=pk)
    form = NameForm(request.POST or None, user=request.user, initial={"name": view.name})
    if request.method == "POST" and form.is_valid():
        if form.taken in (None, view):
            SavedView.objects.filter(pk=view.pk).update(name=form.cleaned_data["name"])
            return done(request, f"The view is called “{form.cleaned_data['name']}” now.")
        form.add_error("name", "Another view of yours has this name.")
    context = {"form": form, "view": view}
    return render_dialog(request, "rename_view", context, status=422 if form.errors else 200)


@require_POST
@permission_required("dispatch.view_job", raise_exception=True)
def delete_view(request, pk):
    view = get_object_or_404(request.user.saved_views, pk=pk)
    view.delete()
    return done(request, f"View “{view}” is deleted.")
