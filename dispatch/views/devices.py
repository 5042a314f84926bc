"""The devices that send a technician's positions: which there are, setting one up in a scan, revoking it."""

import json

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch import actions, realtime
from dispatch.actions.devices import may_connect_servers, may_manage_devices
from dispatch.views.transitions import render_dialog
from technicians import attendance
from technicians.devices import NewDevice, qr_code, set_up_link
from technicians.models import Device, Technician

HIDDEN_AFTER = 10  # revoked devices


class DeviceForm(forms.Form):
    client = forms.ChoiceField(choices=Device.Client.choices)
    unique_id = forms.CharField(required=False, max_length=128)

    def clean(self):
        data = super().clean()
        if data.get("client") == Device.Client.TRACCAR and not data.get("unique_id"):
            self.add_error("unique_id", "Say which of the server's devices it is: its identifier in Traccar.")
        return data


@require_GET
def devices(request, pk):
    return render_devices(request, technician_managed_by(request.user, pk))


@require_GET
def device(request, pk):
    """Whether anything has come from it."""
    found = get_object_or_404(Device.objects.select_related("technician__user"), pk=pk)
    technician_managed_by(request.user, found.technician_id)
    return render(request, "dispatch/new_device.html#progress", {"device": found})


@require_POST
@never_cache
def add_device(request, pk):
    technician = technician_managed_by(request.user, pk)
    form = DeviceForm(request.POST)
    if not form.is_valid():
        return render_devices(request, technician, error=next(iter(form.errors.values()))[0], status=422)
    data = form.cleaned_data
    # The versions are read before the device: its first fix in between makes the page reload what it shows.
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    try:
        new = actions.add_device(technician, data["client"], by=request.user, unique_id=data["unique_id"])
    except actions.ActionRefused as refused:
        return render_devices(request, technician, error=refused.reason, status=409)
    return render(request, "dispatch/new_device.html", _how_to_set_up(request, new) | {"live_versions": versions})


@require_http_methods(["GET", "POST"])
def revoke_device(request, pk):
    found = get_object_or_404(Device.objects.select_related("technician__user"), pk=pk)
    technician_managed_by(request.user, found.technician_id)
    if request.method == "GET":
        return render_dialog(request, "revoke_device", {"device": found})
    if actions.revoke_device(found, by=request.user):
        messages.success(request, f"{found.get_client_display()} is revoked: its address is good for nothing any more.")
    return redirect("devices", found.technician_id)


def technician_managed_by(user, pk: int) -> Technician:
    """404 for whom the user may not know of, 403 for whoever has nothing to do with devices."""
    if not (user.has_perm("dispatch.change_job") or user.has_perm("dispatch.work_job")):
        raise PermissionDenied("Devices are set up by dispatchers, and by technicians their own.")
    technician = get_object_or_404(Technician.objects.visible_to(user).select_related("user"), pk=pk)
    if not may_manage_devices(user, technician):
        raise Http404
    return technician


def render_devices(request, technician: Technician, *, error: str = "", status: int = 200):
    versions = json.dumps(realtime.versions_of(realtime.groups_of(request.user)))
    every = list(technician.devices.select_related("created_by", "revoked_by"))
    context = {
        "technician": technician,
        "in_use": [device for device in every if device.revoked_at is None],
        "revoked": [device for device in every if device.revoked_at][:HIDDEN_AFTER],
        "clients": [client for client in Device.Client if client != Device.Client.TRACCAR],
        "may_connect_servers": may_connect_servers(request.user),
        "is_own": technician.user_id == request.user.pk,
        "is_on_duty": attendance.is_on_duty(technician),
        "error": error,
        "now": timezone.now(),
        "live_versions": versions,
    }
    template = "dispatch/devices.html" + ("#device_list" if request.htmx else "")
    return render(request, template, context, status=status)


def _how_to_set_up(request, new: NewDevice) -> dict:
    url = request.build_absolute_uri(reverse("gps", args=[new.secret]))
    link = set_up_link(new.device, url)
    return {
        "device": new.device,
        "technician": new.device.technician,
        "url": url,
        "link": link,
        "qr_code": "" if new.device.client == Device.Client.TRACCAR else mark_safe(qr_code(link)),
        "is_own": new.device.technician.user_id == request.user.pk,
        "is_on_duty": attendance.is_on_duty(new.device.technician),
        "is_encrypted": request.is_secure(),
    }
