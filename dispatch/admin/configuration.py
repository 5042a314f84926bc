from django import forms
from django.contrib import admin

from config.model_admins import GuardedFieldsAdmin, KeepUsedAdmin, SingleRowAdmin
from dispatch import actions, tasks
from dispatch.admin.sla_rules import AsksAboutOpenJobs
from dispatch.forms.assignment import WEIGHT_FIELDS, WeightsForm
from dispatch.models import (
    AssignmentRule,
    BillingSettings,
    ChecklistItem,
    Customer,
    DispatchSettings,
    JobType,
    JobTypeSkill,
    Material,
    Priority,
    Site,
)
from technicians.admin import SkillInline
from technicians.admin_forms import check_coordinates
from zones.admin import ServiceZoneAdmin
from zones.models import ServiceZone


@admin.register(ServiceZone)
class RezoningServiceZoneAdmin(ServiceZoneAdmin):
    def save_model(self, request, zone, form, change):
        super().save_model(request, zone, form, change)
        if not change or {"boundary", "is_active"} & set(form.changed_data):
            tasks.enqueue(tasks.rezone_open_jobs)

    def delete_model(self, request, zone):
        super().delete_model(request, zone)
        tasks.enqueue(tasks.rezone_open_jobs)

    def delete_queryset(self, request, queryset):
        super().delete_queryset(request, queryset)
        tasks.enqueue(tasks.rezone_open_jobs)


class JobTypeSkillInline(SkillInline):
    model = JobTypeSkill
    verbose_name_plural = "required skills"


class ChecklistInline(admin.TabularInline):
    model = ChecklistItem
    fields = ["position", "text", "is_required"]
    extra = 0
    verbose_name = "item"
    verbose_name_plural = "checklist"


@admin.register(Material)
class MaterialAdmin(KeepUsedAdmin):
    list_display = ["name", "unit", "part_number", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["name", "part_number"]
    instead_of_deleting = "Untick “Active” instead: it is then no longer offered."


@admin.register(JobType)
class JobTypeAdmin(AsksAboutOpenJobs, GuardedFieldsAdmin, KeepUsedAdmin):
    scope_name = "job_type"
    rule_fields = frozenset({"sla_policy"})
    guarded_fields = {"fixed_price": "dispatch.view_billingsettings"}
    list_display = ["name", "default_duration_minutes", "skill_names", "sla_policy", "fixed_price", "is_active"]
    list_filter = ["is_active"]
    list_select_related = ["sla_policy"]
    search_fields = ["name"]
    fields = ["name", "default_duration_minutes", "sla_policy", "fixed_price", "is_active"]
    inlines = [JobTypeSkillInline, ChecklistInline]
    instead_of_deleting = "Untick “Active” instead: it is then no longer offered for new jobs."

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("required_skills__skill")

    @admin.display(description="required skills")
    def skill_names(self, job_type):
        return ", ".join(str(required) for required in job_type.required_skills.all())


@admin.register(AssignmentRule)
class AssignmentRuleAdmin(admin.ModelAdmin):
    list_display = ["priority", "mode"]
    list_editable = ["mode"]
    actions = None

    def has_add_permission(self, request):
        """Only while a priority has no rule."""
        return super().has_add_permission(request) and AssignmentRule.objects.count() < len(Priority)

    def has_delete_permission(self, request, obj=None):
        return False

    def get_readonly_fields(self, request, obj=None):
        return ["priority"] if obj else []


@admin.register(DispatchSettings)
class DispatchSettingsAdmin(SingleRowAdmin):
    form = WeightsForm
    fieldsets = [
        (
            "Smart dispatch: how much each factor counts",
            {
                "fields": WEIGHT_FIELDS,
                "description": "0 to 100 each; only their proportions matter, and 0 leaves a factor out.",
            },
        ),
        ("Smart dispatch: limits", {"fields": ["automatic_minimum_score", "suggestion_minutes"]}),
        ("Travel estimates", {"fields": ["detour_factor", "average_speed_kmh"]}),
        ("GPS positions", {"fields": ["fresh_position_minutes", "accuracy_limit_m", "position_retention_days"]}),
        (
            "On the way and on site",
            {"fields": ["silent_after_minutes", "stuck_after_minutes", "site_radius_m", "changes_status_by_position"]},
        ),
        ("Working time", {"fields": ["clock_out_after_minutes"]}),
        ("Customers", {"fields": ["customer_link_from"]}),
        ("Technicians' phones", {"fields": ["position_sharing_seconds", "keeps_photo_location", "office_phone"]}),
    ]


@admin.register(BillingSettings)
class BillingSettingsAdmin(SingleRowAdmin):
    fields = ["labour_rate", "currency", "tax_rate"]


class SiteForm(forms.ModelForm):
    def clean(self):
        data = super().clean()
        check_coordinates(self, "latitude", "longitude")
        return data


class AdminsOnly(KeepUsedAdmin):
    """Dispatchers work on these too, but on the board and not here."""

    def has_module_permission(self, request):
        return self.has_delete_permission(request)

    def has_view_permission(self, request, obj=None):
        return self.has_delete_permission(request)

    has_change_permission = has_view_permission

    def has_add_permission(self, request):
        return self.has_delete_permission(request)


def locate(site: Site) -> None:
    """Finds the site's zone, and later that of its open jobs, anew."""
    actions.locate_site(site)
    tasks.enqueue(tasks.rezone_open_jobs)


class SiteInline(admin.StackedInline):
    model = Site
    form = SiteForm
    extra = 0
    can_delete = False


@admin.register(Customer)
class CustomerAdmin(AsksAboutOpenJobs, AdminsOnly):
    scope_name = "customer"
    rule_fields = frozenset({"sla_policy"})
    list_display = ["name", "phone", "email", "sla_policy"]
    list_filter = ["sla_policy"]
    list_select_related = ["sla_policy"]
    search_fields = ["name", "phone", "email", "sites__address"]
    inlines = [SiteInline]
    show_full_result_count = False

    def save_formset(self, request, form, formset, change):
        for site in formset.save():
            locate(site)


@admin.register(Site)
class SiteAdmin(AdminsOnly):
    form = SiteForm
    list_display = ["address", "customer", "zone", "has_location"]
    list_filter = ["zone"]
    list_select_related = ["customer", "zone"]
    autocomplete_fields = ["customer"]
    search_fields = ["address", "customer__name"]
    show_full_result_count = False

    def save_model(self, request, site, form, change):
        super().save_model(request, site, form, change)
        locate(site)

    @admin.display(boolean=True, description="located")
    def has_location(self, site):
        return site.has_location
