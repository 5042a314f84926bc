"""Settings > Webhooks: the addresses that are told of events, what was sent to each and what came back."""

import json
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch import actions
from dispatch.actions.webhook_delivery import body_of
from dispatch.forms.webhooks import WebhookForm
from dispatch.models import WebhookDelivery, WebhookEndpoint
from dispatch.views.transitions import render_dialog
from dispatch.webhooks.events import Kind
from dispatch.webhooks.sign import EARLIER_SIGNS_FOR, secret_of

SHOWN = 50  # deliveries a page
State = WebhookDelivery.State
admins = permission_required("dispatch.change_webhookendpoint", raise_exception=True)


@require_http_methods(["GET", "POST"])
@admins
def webhooks(request):
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint = actions.add_webhook(**form.cleaned_data, by=request.user)
        except actions.ActionRefused as refused:
            form.add_error(None, refused.reason)
        else:
            return redirect("webhook_secret", endpoint.pk)
    endpoints = list(WebhookEndpoint.objects.select_related("created_by"))
    numbers = _numbers(endpoints)
    context = {
        "form": form,
        "rows": [
            (each, numbers.get((each.pk, State.QUEUED), 0), numbers.get((each.pk, State.FAILED), 0))
            for each in endpoints
        ],
        "kinds": Kind.choices,
        "now": timezone.now(),
    }
    return render(request, "dispatch/webhooks.html", context, status=422 if form.errors else 200)


def _numbers(endpoints: list[WebhookEndpoint]) -> dict[tuple[int, str], int]:
    """How many deliveries each has in these states."""
    open_ones = WebhookDelivery.objects.filter(endpoint__in=endpoints, state__in=[State.QUEUED, State.FAILED])
    counted = open_ones.order_by().values("endpoint", "state").annotate(number=Count("pk"))
    return {(row["endpoint"], row["state"]): row["number"] for row in counted}


@require_http_methods(["GET", "POST"])
@admins
def webhook(request, pk):
    endpoint = get_object_or_404(WebhookEndpoint.objects.select_related("created_by"), pk=pk)
    form = WebhookForm.of(endpoint, request.POST or None)
    if request.method == "POST" and form.is_valid():
        actions.edit_webhook(endpoint, **form.cleaned_data, by=request.user)
        messages.success(request, "Saved.")
        return redirect("webhook", pk)
    context = _log(request, endpoint) | {"form": form, "both_sign_until": _both_sign_until(endpoint)}
    return render(request, "dispatch/webhook.html", context, status=422 if form.errors else 200)


@require_GET
@admins
def webhook_deliveries(request, pk):
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    return render(request, "dispatch/webhook.html#deliveries", _log(request, endpoint))


def _log(request, endpoint: WebhookEndpoint) -> dict:
    """The newest first; `state` and `before` (a delivery's id) say which."""
    numbers, state, before = _numbers([endpoint]), request.GET.get("state", ""), request.GET.get("before", "")
    found = endpoint.deliveries.select_related("event").prefetch_related("log")
    if state in State.values:
        found = found.filter(state=state)
    if before.isascii() and before.isdigit() and len(before) < 19:
        found = found.filter(pk__lt=before)
    rows = list(found[: SHOWN + 1])
    return {
        "endpoint": endpoint,
        "rows": [(row, list(row.log.all())[-1:]) for row in rows[:SHOWN]],
        "older": rows[SHOWN - 1].pk if len(rows) > SHOWN else None,
        "state": state if state in State.values else "",
        "before": before,
        "states": [("", "All"), (State.QUEUED, "Waiting"), (State.FAILED, "Failed"), (State.DELIVERED, "Delivered")],
        "waiting": numbers.get((endpoint.pk, State.QUEUED), 0),
        "failed": numbers.get((endpoint.pk, State.FAILED), 0),
        "now": timezone.now(),
    }


def _both_sign_until(endpoint: WebhookEndpoint) -> datetime | None:
    until = endpoint.rolled_at and endpoint.rolled_at + EARLIER_SIGNS_FOR
    return until if until and until > timezone.now() else None


@require_http_methods(["GET", "POST"])
@admins
@never_cache
def webhook_secret(request, pk):
    """Shows it; a POST makes a new one first."""
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    if request.method == "POST":
        actions.roll_webhook_secret(endpoint, by=request.user)
        endpoint.refresh_from_db()
    context = {"endpoint": endpoint, "secret": secret_of(endpoint.nonce), "both_sign_until": _both_sign_until(endpoint)}
    return render_dialog(request, "webhook_secret", context)


@require_POST
@admins
def switch_webhook(request, pk):
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    if request.POST.get("active") == "on":
        actions.start_webhook(endpoint, by=request.user)
        messages.success(request, "Started: it is told of what happens from now on.")
    else:
        actions.stop_webhook(endpoint, by=request.user)
        messages.success(
            request, "Stopped. What waits goes out when it is started again; what happens meanwhile is not kept."
        )
    return redirect("webhook", pk)


@require_http_methods(["GET", "POST"])
@admins
def delete_webhook(request, pk):
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    if request.method == "GET":
        return render_dialog(request, "delete_webhook", {"endpoint": endpoint})
    actions.delete_webhook(endpoint, by=request.user)
    messages.success(request, f"{endpoint.url} is deleted, with its log.")
    return redirect("webhooks")


@require_POST
@admins
def test_webhook(request, pk):
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    return _answer(
        request, pk, lambda: actions.send_test_event(endpoint, by=request.user), "A test event is on its way."
    )


@require_POST
@admins
def redeliver_failed(request, pk):
    endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
    send = lambda: actions.redeliver_failed_webhooks(endpoint, by=request.user)  # noqa: E731
    return _answer(request, pk, send, "All that failed is sent again, the oldest first.")


@require_GET
@admins
def webhook_delivery(request, pk):
    delivery = get_object_or_404(WebhookDelivery.objects.select_related("endpoint", "event"), pk=pk)
    body = json.dumps(json.loads(body_of(delivery.event)), indent=2, ensure_ascii=False)
    context = {"delivery": delivery, "endpoint": delivery.endpoint, "body": body, "attempts": delivery.log.all()}
    return render_dialog(request, "webhook_delivery", context)


@require_POST
@admins
def redeliver_webhook(request, pk):
    delivery = get_object_or_404(WebhookDelivery.objects.select_related("endpoint"), pk=pk)
    send = lambda: actions.redeliver_webhook(delivery, by=request.user)  # noqa: E731
    return _answer(request, delivery.endpoint_id, send, "It is sent again.")


def _answer(request, pk: int, act, text: str) -> HttpResponse:
    try:
        act()
    except actions.ActionRefused as refused:
        messages.error(request, refused.reason)
    else:
        messages.success(request, text)
    return redirect("webhook", pk)
