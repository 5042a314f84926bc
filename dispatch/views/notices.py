"""The bell, the list behind it, and what each person chooses to be told of and where."""

import hashlib
import json
from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch import actions, realtime
from dispatch.models import Job, Notification
from dispatch.notices import push
from dispatch.notices.notify import DEFAULTS, Channel, headline_of, kinds_for

PAGE_SIZE = 40
IN_PANEL = 12
TOASTS = 3
LARGEST_ID = 2**63 - 1


class DeviceForm(forms.Form):
    endpoint = forms.CharField(max_length=600)
    p256dh = forms.CharField(max_length=120)
    auth = forms.CharField(max_length=40)
    device = forms.CharField(max_length=120, required=False)


@dataclass(frozen=True)
class Choice:
    """One box of the table of preferences."""

    name: str
    channel: str
    label: str
    is_on: bool


@dataclass(frozen=True)
class KindRow:
    label: str
    choices: list[Choice]


@require_GET
def notifications(request):
    """The list; for htmx the panel under the bell, with the newest of it."""
    own = Notification.objects.shown_to(request.user)
    if request.htmx and request.htmx.target == "bell-panel":
        context = {"notices": own[:IN_PANEL], "unread": own.unread().count()}
        return render(request, "dispatch/notifications.html#panel", context)
    page = Paginator(own, PAGE_SIZE).get_page(request.GET.get("page"))
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    context = {"page": page, "unread": own.unread().count(), "live_versions": versions}
    return render(request, "dispatch/notifications.html" + ("#list" if request.htmx else ""), context)


@require_GET
def bell(request):
    """How many are unread, and those of them that came after the one numbered `after`, for the toasts."""
    after = request.GET.get("after", "")
    after = int(after) if after.isdecimal() and len(after) < 19 else LARGEST_ID
    unread = Notification.objects.shown_to(request.user).unread()
    newest = list(unread.order_by("-pk")[: TOASTS + 1])
    fresh = [notice for notice in newest if notice.pk > after]
    return JsonResponse(
        {
            "unread": unread.count(),
            "latest": newest[0].pk if newest else 0,
            "more": max(0, len(fresh) - TOASTS),
            "fresh": [
                {"title": headline_of(one.kind), "text": one.text, "url": reverse("open_notice", args=[one.pk])}
                for one in fresh[:TOASTS]
            ],
        }
    )


@require_GET
def open_notice(request, pk):
    """Where it leads now: a job may have gone to somebody else since. Whoever opens one has read it."""
    notice = get_object_or_404(Notification.objects.select_related("job"), pk=pk, recipient=request.user)
    actions.mark_read(by=request.user, notice_ids=[notice.pk])
    return redirect(_destination(request.user, notice))


def _destination(user, notice: Notification) -> str:
    if notice.url:
        return notice.url
    is_visible = notice.job_id and Job.objects.visible_to(user).filter(pk=notice.job_id).exists()
    if is_visible and user.has_perm("dispatch.view_job"):
        return reverse("job", args=[notice.job_id])
    if is_visible and user.has_perm("dispatch.work_job"):
        return reverse("phone_job", args=[notice.job_id])
    return reverse("phone" if user.has_perm("dispatch.work_job") and not user.is_superuser else "notifications")


@require_POST
def read_notice(request, pk):
    get_object_or_404(Notification, pk=pk, recipient=request.user)
    actions.mark_read(by=request.user, notice_ids=[pk])
    return _read(request)


@require_POST
def read_notices(request):
    actions.mark_read(by=request.user)
    return _read(request)


def _read(request) -> HttpResponse:
    if not request.htmx:
        return redirect("notifications")
    return HttpResponse(status=204, headers={"HX-Trigger": "live-notified"})  # for pages without a live connection


@require_http_methods(["GET", "POST"])
def notification_preferences(request):
    if request.method == "POST":
        kinds = kinds_for(request.user)
        chosen = {(kind, channel) for kind in kinds for channel in Channel if f"{kind}-{channel}" in request.POST}
        actions.choose_channels(chosen, by=request.user)
        messages.success(request, "Your choice is saved.")
        return redirect("notification_preferences")
    devices = list(request.user.push_subscriptions.all())
    context = {
        "rows": _kind_rows(request.user),
        "devices": devices,
        **push_context(request.user, devices=devices),
        "email_problem": _email_problem(request.user),
    }
    return render(request, "dispatch/notification_preferences.html", context)


def _kind_rows(user) -> list[KindRow]:
    kinds = kinds_for(user)
    answers = user.notification_preferences.filter(kind__in=kinds).values_list("kind", "channel", "is_on")
    own = {(kind, channel): is_on for kind, channel, is_on in answers}
    return [
        KindRow(
            kind.label,
            [
                Choice(f"{kind}-{one}", one, f"{kind.label}: {one.label}", own.get((kind, one), one in DEFAULTS[kind]))
                for one in Channel
            ],
        )
        for kind in kinds
    ]


def _email_problem(user) -> str:
    if not settings.EMAIL_HOST:
        return "No e-mail server is set up on this server, so none is sent."
    return "" if user.email else "Your account has no e-mail address. An administrator can enter one."


def push_context(user, *, devices=None) -> dict[str, object]:
    """What the “Notify me on this device” button needs. It knows its own endpoint; the page tells only fingerprints."""
    if not push.is_on():
        return {"push_key": "", "push_devices": "[]"}
    endpoints = [device.endpoint for device in (devices if devices is not None else user.push_subscriptions.all())]
    known = [hashlib.sha256(endpoint.encode()).hexdigest() for endpoint in endpoints]
    return {"push_key": push.public_key(), "push_devices": json.dumps(known)}


@require_POST
def add_push_device(request):
    form = DeviceForm(request.POST)
    if not form.is_valid():
        return HttpResponse("This subscription cannot be understood.", status=422, content_type="text/plain")
    if not kinds_for(request.user):
        raise PermissionDenied("Your account has no role yet.")
    try:
        actions.subscribe(**form.cleaned_data, by=request.user)
    except actions.ActionRefused as refused:
        return HttpResponse(refused.reason, status=422, content_type="text/plain")
    return HttpResponse(status=204)


@require_POST
def remove_push_device(request, pk):
    actions.unsubscribe(by=request.user, pk=pk)
    messages.success(request, "That device is told nothing any more.")
    return redirect("notification_preferences")


@require_POST
def remove_this_device(request):
    """By its endpoint, as the browser knows it."""
    endpoint = request.POST.get("endpoint", "")
    if "\x00" not in endpoint:  # such text no database holds
        actions.unsubscribe(by=request.user, endpoint=endpoint)
    return HttpResponse(status=204)
