"""How a zone is administered. Registered in dispatch/admin, where saving one also moves the jobs it gains or loses."""

import json

from django.contrib import admin
from django.db.models import Count
from django.utils.html import format_html

from config.model_admins import KeepUsedAdmin
from zones.forms import ServiceZoneForm, outlines_beside
from zones.widgets import BoundaryWidget


class ServiceZoneAdmin(KeepUsedAdmin):
    form = ServiceZoneForm
    list_display = ["name", "swatch", "is_active", "technician_count"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    fields = ["name", "colour", "is_active", "boundary"]
    instead_of_deleting = "Untick “Active” instead: it then takes no new jobs."

    class Media(BoundaryWidget.Media):
        """Also on the page of those who may only look."""

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(technician_total=Count("technicians"))

    def get_fields(self, request, obj=None):
        if self.has_change_permission(request, obj):
            return super().get_fields(request, obj)
        return ["name", "swatch", "is_active", "boundary_map"]

    def get_readonly_fields(self, request, obj=None):
        return [] if self.has_change_permission(request, obj) else ["swatch", "boundary_map"]

    @admin.display(description="colour", ordering="colour")
    def swatch(self, zone):
        return format_html('<span class="zone-swatch" style="--colour: {0}"></span> {0}', zone.colour)

    @admin.display(description="technicians", ordering="technician_total")
    def technician_count(self, zone):
        return zone.technician_total

    @admin.display(description="boundary")
    def boundary_map(self, zone):
        widget = BoundaryWidget()
        widget.others = outlines_beside(zone)
        return widget.render(
            "boundary", json.dumps(zone.boundary), {"id": "id_boundary", "readonly": True, "data-colour": zone.colour}
        )
