"""What happened, to be read only."""

from django.contrib import admin

from config.model_admins import ReadOnlyAdmin
from dispatch.models import FieldChange, Job, JobNote, StatusChange, Tap
from sla.models import Violation
from zones import access


class JobLogAdmin(ReadOnlyAdmin):
    """Rows about the jobs that the reader may see."""

    list_select_related = ["job__job_type"]
    search_fields = ["job"]  # shows the box; what it finds is below
    search_help_text = "Job number, customer, phone, address or description."

    def get_queryset(self, request):
        queryset = super().get_queryset(request)
        # Not by subquery for those who see every job: the logs are the longest tables.
        return queryset if sees_all(request.user) else queryset.filter(job__in=Job.objects.visible_to(request.user))

    def get_search_results(self, request, queryset, search_term):
        if search_term.strip():
            queryset = queryset.filter(job__in=Job.objects.matching(search_term))
        return queryset, False


def sees_all(user) -> bool:
    return user.has_perm("dispatch.view_job") and access.dispatch_zone_ids(user) is access.ALL_ZONES


@admin.register(StatusChange)
class StatusChangeAdmin(JobLogAdmin):
    list_display = ["job", "from_status", "to_status", "happened_at", "actor_kind", "actor", "to_technician", "note"]
    list_filter = ["to_status", "actor_kind"]
    list_select_related = ["job__job_type", "actor", "to_technician__user"]
    ordering = ["-happened_at", "-pk"]


@admin.register(FieldChange)
class FieldChangeAdmin(JobLogAdmin):
    list_display = ["job", "changed_at", "actor", "changes"]
    list_select_related = ["job__job_type", "actor"]
    ordering = ["-changed_at", "-pk"]


@admin.register(JobNote)
class JobNoteAdmin(JobLogAdmin):
    list_display = ["job", "written_at", "author", "__str__"]
    list_select_related = ["job__job_type", "author"]
    ordering = ["-written_at", "-pk"]


@admin.register(Violation)
class ViolationAdmin(JobLogAdmin):
    list_display = ["job", "kind", "priority", "breached_at", "recorded_at", "technician", "acknowledged_at"]
    list_filter = ["kind", "priority", ("acknowledged_at", admin.EmptyFieldListFilter)]
    list_select_related = ["job__job_type", "technician__user"]


@admin.register(Tap)
class TapAdmin(JobLogAdmin):
    """Also of shifts and breaks, which belong to no job: those only for who sees all."""

    list_display = ["technician", "kind", "job", "outcome", "answer", "tapped_at", "happened_at", "received_at"]
    list_filter = ["outcome", "kind"]
    list_select_related = ["job__job_type", "technician__user"]
    ordering = ["-received_at", "-pk"]
