"""What a browser would send back from a page of the admin, for tests to change and post."""

from django.db import connection
from django.forms import MultiWidget
from django.test.utils import CaptureQueriesContext
from django.urls import reverse


def filled(response, **changes) -> dict:
    """The page's fields as they stand, with some changed; None leaves a field out, as an unticked box is."""
    data = {}
    for form in _forms(response):
        for bound in form:
            _put(data, bound.html_name, bound.value(), bound.field.widget)
    data |= changes
    return {name: value for name, value in data.items() if value is not None}


def _forms(response):
    yield response.context["adminform"].form
    for inline in response.context["inline_admin_formsets"]:
        yield inline.formset.management_form
        yield from inline.formset.forms


def _put(data, name, value, widget):
    if isinstance(widget, MultiWidget):
        for suffix, part, sub in zip(widget.widgets_names, widget.decompress(value), widget.widgets, strict=True):
            data[f"{name}{suffix}"] = sub.format_value(part) or ""
    elif isinstance(value, bool):
        data[name] = "on" if value else None
    else:
        data[name] = value() if callable(value) else value


def errors_on(response) -> str:
    """All that the page objects to, as one text."""
    return " ".join(_errors(response))


def _errors(response):
    for form in _forms(response):
        for messages in form.errors.values():
            yield from messages
    for inline in response.context["inline_admin_formsets"]:
        yield from inline.formset.non_form_errors()


def queries_for(client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def listing(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def adding(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


def page_of(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def deletion_of(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_delete", args=[row.pk])
