"""How SLA rules are administered. Registered in dispatch/admin, where changing them asks about open jobs."""

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count
from django.template.loader import render_to_string
from django.utils import timezone

from config.model_admins import KeepUsedAdmin
from sla.admin_forms import SLAPolicyForm, SLATargetForm, SLATargetFormSet
from sla.calendar_forms import BusinessCalendarForm, OpeningIntervalForm, OpeningIntervalFormSet
from sla.calendars import days_off
from sla.models import Holiday, OpeningInterval, Priority, SLAPolicy, SLATarget
from sla.public_holidays import UnknownRegionError


class OpeningIntervalInline(admin.TabularInline):
    model = OpeningInterval
    form = OpeningIntervalForm
    formset = OpeningIntervalFormSet
    extra = 0


class HolidayInline(admin.TabularInline):
    model = Holiday
    extra = 0
    verbose_name = "closure"
    verbose_name_plural = "closures of our own"


class BusinessCalendarAdmin(KeepUsedAdmin):
    form = BusinessCalendarForm
    list_display = ["name", "time_zone", "country", "subdivision", "interval_count", "holiday_count"]
    search_fields = ["name"]
    fields = ["name", "time_zone", "country", "subdivision", "coming_days_off"]
    readonly_fields = ["coming_days_off"]
    inlines = [OpeningIntervalInline, HolidayInline]
    instead_of_deleting = "Give those policies another calendar first."

    def get_queryset(self, request):
        counts = {
            "interval_total": Count("opening_intervals", distinct=True),
            "holiday_total": Count("holidays", distinct=True),
        }
        return super().get_queryset(request).annotate(**counts)

    def get_fields(self, request, obj=None):
        return self.fields if obj else [name for name in self.fields if name != "coming_days_off"]

    @admin.display(description="days off")
    def coming_days_off(self, calendar):
        """This year's and the next one's, as they are saved."""
        year = timezone.localdate().year
        try:
            years = {number: days_off(calendar, number) for number in (year, year + 1)}
        except UnknownRegionError as error:
            return str(error)
        return render_to_string("sla/days_off.html", {"years": years})

    @admin.display(description="opening intervals")
    def interval_count(self, calendar):
        return calendar.interval_total

    @admin.display(description="own closures")
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
