from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count

from config.model_admins import KeepUsedAdmin
from sla.admin_forms import (
    OpeningIntervalForm,
    OpeningIntervalFormSet,
    SLAPolicyForm,
    SLATargetForm,
    SLATargetFormSet,
)
from sla.models import BusinessCalendar, Holiday, OpeningInterval, Priority, SLAPolicy, SLATarget


class OpeningIntervalInline(admin.TabularInline):
    model = OpeningInterval
    form = OpeningIntervalForm
    formset = OpeningIntervalFormSet
    extra = 0


class HolidayInline(admin.TabularInline):
    model = Holiday
    extra = 0


@admin.register(BusinessCalendar)
class BusinessCalendarAdmin(KeepUsedAdmin):
    list_display = ["name", "time_zone", "interval_count", "holiday_count"]
    search_fields = ["name"]
    inlines = [OpeningIntervalInline, HolidayInline]
    instead_of_deleting = "Give those policies another calendar first."

    def get_queryset(self, request):
        counts = {
            "interval_total": Count("opening_intervals", distinct=True),
            "holiday_total": Count("holidays", distinct=True),
        }
        return super().get_queryset(request).annotate(**counts)

    @admin.display(description="opening intervals")
    def interval_count(self, calendar):
        return calendar.interval_total

    @admin.display(description="holidays")
    def holiday_count(self, calendar):
        return calendar.holiday_total


class SLATargetInline(admin.TabularInline):
    model = SLATarget
    form = SLATargetForm
    formset = SLATargetFormSet
    fields = ["priority_name", "response_amount", "response_unit", "resolution_amount", "resolution_unit"]
    readonly_fields = ["priority_name"]
    ordering = ["-priority"]
    extra = 0
    min_num = max_num = len(Priority)
    can_delete = False

    def get_formset(self, request, obj=None, **kwargs):
        return super().get_formset(request, obj, **{"validate_min": True, "validate_max": True, **kwargs})

    @admin.display(description="priority")
    def priority_name(self, target):
        return target.get_priority_display()


@admin.register(SLAPolicy)
class SLAPolicyAdmin(KeepUsedAdmin):
    form = SLAPolicyForm
    list_display = ["name", "is_default", "calendar", "hold_pauses_response"]
    list_select_related = ["calendar"]
    search_fields = ["name"]
    inlines = [SLATargetInline]

    def reason_to_keep(self, request, policy):
        return "it is the default. Make another policy the default first." if policy.is_default else ""

    @transaction.atomic
    def save_model(self, request, policy, form, change):
        """Makes it the only default, if it is to be one."""
        if policy.is_default:
            former = SLAPolicy.objects.filter(is_default=True).exclude(pk=policy.pk)
            for name in former.values_list("name", flat=True):
                self.message_user(request, f"“{name}” is no longer the default.", messages.INFO)
            former.update(is_default=False)
        super().save_model(request, policy, form, change)
