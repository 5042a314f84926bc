"""The peer of the list page: Django admin's changelist, same columns, filters and rows, set up as fast as it goes.

Jobs are deliberately not in the product's admin, so this is a site of its own; as a URLconf it adds it at /peer/.
"""

from django.contrib import admin
from django.contrib.admin.filters import RelatedFieldListFilter
from django.urls import path

from config.urls import urlpatterns as product_urls
from dispatch.models import Job
from technicians.models import Technician


class TechnicianFilter(RelatedFieldListFilter):
    """As the stock filter, which would ask for the name of each technician in a query of its own."""

    def field_choices(self, field, request, model_admin):
        return [(technician.pk, str(technician)) for technician in Technician.objects.by_name()]


class PeerAdmin(admin.ModelAdmin):
    list_display = (
        *("number", "title", "job_type", "priority", "status", "technician", "scheduled_on", "planned_starts_at"),
        *("window_starts_at", "window_ends_at", "customer", "address", "zone", "skills"),
    )
    list_select_related = ("customer", "site", "zone", "job_type", "technician__user")
    list_filter = ("status", "priority", ("technician", TechnicianFilter), "zone", "job_type", "scheduled_on")
    search_fields = ("customer__name", "site__address", "description", "=external_id")
    list_per_page = 50
    show_full_result_count = False
    actions = None
    rows = None  # the jobs of the view that is being compared: user -> queryset

    def get_queryset(self, request):
        return self.rows(request.user).prefetch_related("required_skills__skill")

    def address(self, job):
        return job.site.address

    def skills(self, job):
        return ", ".join(f"{need.skill} {need.get_level_display()}" for need in job.required_skills.all())


site = admin.AdminSite(name="peer")
PEER = PeerAdmin(Job, site)
site._registry[Job] = PEER
urlpatterns = [*product_urls, path("peer/", site.urls)]
