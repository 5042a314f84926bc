from django.contrib import admin, messages
from django.db.models import Prefetch
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from config.model_admins import GuardedFieldsAdmin, KeepUsedAdmin, ReadOnlyAdmin
from technicians.admin_forms import (
    OnCallForm,
    OnCallFormSet,
    OneOnCallForm,
    TechnicianForm,
    TechnicianSkillForm,
    TimeOffForm,
    WorkingHoursForm,
    WorkingHoursFormSet,
)
from technicians.models import (
    Break,
    ClockRecord,
    OnCall,
    Skill,
    Technician,
    TechnicianSkill,
    TimeOff,
    WorkingHours,
)


@admin.register(Skill)
class SkillAdmin(KeepUsedAdmin):
    list_display = ["name", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    instead_of_deleting = "Untick “Active” instead: it is then no longer offered."


class SkillInline(admin.TabularInline):
    """Rows that each name a skill; all of them offer the same list, which is read once."""

    extra = 0

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "skill":
            field.choices = list(field.choices)
        return field


class TechnicianSkillInline(SkillInline):
    model = TechnicianSkill
    form = TechnicianSkillForm
    verbose_name_plural = "skills"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("skill").order_by("skill__name")


class WorkingHoursInline(admin.TabularInline):
    model = WorkingHours
    form = WorkingHoursForm
    formset = WorkingHoursFormSet
    extra = 0


class TimeOffInline(admin.TabularInline):
    model = TimeOff
    form = TimeOffForm
    extra = 0


class OnCallInline(admin.TabularInline):
    model = OnCall
    form = OnCallForm
    formset = OnCallFormSet
    extra = 0


@admin.register(Technician)
class TechnicianAdmin(GuardedFieldsAdmin, KeepUsedAdmin):
    form = TechnicianForm
    guarded_fields = {"commission_rate": "technicians.view_commission_rate"}
    list_display = ["name", "zone_names", "skill_names", "phone", "daily_maximum", "commission_rate", "is_active"]
    list_filter = ["is_active", "zones", ("skills__skill", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["user__first_name", "user__last_name", "user__username", "phone", "external_id"]
    filter_horizontal = ["zones"]
    inlines = [TechnicianSkillInline, WorkingHoursInline, TimeOffInline, OnCallInline]
    fieldsets = [
        (None, {"fields": ["user", "phone", "is_active", "external_id"]}),
        ("Work", {"fields": ["zones", "daily_maximum", "commission_rate"]}),
        ("Home, where the day starts", {"fields": ["home_address", "home_latitude", "home_longitude"]}),
        ("Positions", {"fields": ["tracking"]}),
    ]
    instead_of_deleting = "Untick “Active” instead: the history stays, and no new work is given."

    def get_queryset(self, request):
        return (
            super()
            .get_queryset(request)
            .visible_to(request.user)
            .by_name()
            .prefetch_related(
                "zones", Prefetch("skills", TechnicianSkill.objects.select_related("skill").order_by("skill__name"))
            )
        )

    def get_readonly_fields(self, request, obj=None):
        """Whose profile it is does not change: history refers to the person."""
        return ["user", "tracking"] if obj else ["tracking"]

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "user":
            model = db_field.related_model
            kwargs["queryset"] = (
                model.objects.filter(groups__permissions__codename="work_job", technician=None)
                .distinct()
                .order_by("username")
            )
            kwargs["help_text"] = "Accounts with the technician role that have no profile yet."
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        for held in form.instance.skills.filter(certificate_expires_on__lt=timezone.localdate()).select_related(
            "skill"
        ):
            text = f"The {held.skill} certificate expired on {held.certificate_expires_on}: the skill does not count."
            self.message_user(request, text, messages.WARNING)

    @admin.display(ordering="user__first_name")
    def name(self, technician):
        return str(technician)

    @admin.display(description="devices")
    def tracking(self, technician):
        if technician.pk is None:
            return "Set up an app or a tracker once this person is saved."
        devices, track = reverse("devices", args=[technician.pk]), reverse("track", args=[technician.pk])
        return format_html('<a href="{}">Devices that send positions</a> · <a href="{}">Track</a>', devices, track)

    @admin.display(description="zones")
    def zone_names(self, technician):
        return ", ".join(zone.name for zone in technician.zones.all())

    @admin.display(description="skills")
    def skill_names(self, technician):
        return ", ".join(str(held) for held in technician.skills.all())


class OwnTechniciansLog(ReadOnlyAdmin):
    """Rows of the technicians whom the reader may see."""

    list_select_related = ["technician__user"]
    search_fields = ["technician__user__first_name", "technician__user__last_name", "technician__user__username"]

    def get_queryset(self, request):
        seen = Technician.objects.visible_to(request.user)
        return super().get_queryset(request).filter(technician__in=seen)


@admin.register(ClockRecord)
class ClockRecordAdmin(OwnTechniciansLog):
    list_display = ["technician", "clocked_in_at", "clocked_out_at", "closed_by_system"]
    list_filter = ["closed_by_system"]


@admin.register(Break)
class BreakAdmin(ReadOnlyAdmin):
    list_display = ["technician", "began_at", "ended_at"]
    list_select_related = ["clock_record__technician__user"]
    search_fields = [f"clock_record__{field}" for field in OwnTechniciansLog.search_fields]
    ordering = ["-began_at"]

    def get_queryset(self, request):
        seen = Technician.objects.visible_to(request.user)
        return super().get_queryset(request).filter(clock_record__technician__in=seen)

    @admin.display(ordering="clock_record__technician__user__first_name")
    def technician(self, pause):
        return str(pause.clock_record.technician)


@admin.register(OnCall)
class OnCallAdmin(admin.ModelAdmin):
    form = OneOnCallForm
    list_display = ["technician", "starts_at", "ends_at"]
    list_select_related = ["technician__user"]
    search_fields = OwnTechniciansLog.search_fields
    date_hierarchy = "starts_at"
    ordering = ["-starts_at"]

    def get_queryset(self, request):
        seen = Technician.objects.visible_to(request.user)
        return super().get_queryset(request).filter(technician__in=seen)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "technician":
            kwargs["queryset"] = Technician.objects.visible_to(request.user).active().by_name()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
