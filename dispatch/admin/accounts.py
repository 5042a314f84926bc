from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Prefetch
from django.urls import reverse
from django.utils.html import format_html

from config.model_admins import KeepUsedAdmin
from dispatch.admin.account_forms import UserAddForm, UserChangeForm, granted_zones
from dispatch.models import Job, User
from dispatch.roles import Role, give_role, role_of
from technicians.models import Technician
from zones.access import ALL_ZONES, grant_zones
from zones.models import ServiceZoneUserObjectPermission


class RoleFilter(admin.SimpleListFilter):
    title = "role"
    parameter_name = "role"

    def lookups(self, request, model_admin):
        return [*Role.choices, ("none", "No role")]

    def queryset(self, request, queryset):
        if self.value() in Role.values:
            return queryset.filter(groups__name=self.value())
        return queryset.filter(groups=None) if self.value() == "none" else queryset


@admin.register(User)
class UserAdmin(KeepUsedAdmin, DjangoUserAdmin):
    """Accounts. A role is chosen, never single permissions; nobody changes their own role or edits a greater one."""

    add_form = UserAddForm
    form = UserChangeForm
    add_form_template = None
    list_display = ["username", "full_name", "role_name", "zone_names", "email", "is_active", "last_login"]
    list_filter = [RoleFilter, "is_active"]
    filter_horizontal = []
    readonly_fields = ["technician_profile", "last_login", "date_joined"]
    role_fields = ["role", "reach", "zones"]
    add_fieldsets = [
        (None, {"fields": ["username", "password1", "password2"]}),
        ("Person", {"fields": ["first_name", "last_name", "email"]}),
        ("Role", {"fields": role_fields}),
    ]
    instead_of_deleting = "Untick “Active” instead: the person can then no longer log in."

    class Media:
        css = {"all": ["css/user_admin.css"]}

    def get_queryset(self, request):
        single = ServiceZoneUserObjectPermission.objects.select_related("content_object")
        return (
            super()
            .get_queryset(request)
            .select_related("technician")
            .prefetch_related("groups", "user_permissions", Prefetch("servicezoneuserobjectpermission_set", single))
        )

    def get_fieldsets(self, request, obj=None):
        if obj is None:
            return self.add_fieldsets
        role = self.role_fields if self.has_change_permission(request, obj) else ["role_name", "zone_names"]
        rights = ["is_active", *(["is_superuser"] if request.user.is_superuser else [])]
        return [
            (None, {"fields": ["username", "password"]}),
            ("Person", {"fields": ["first_name", "last_name", "email"]}),
            ("Role", {"fields": [*role, *rights, "technician_profile"]}),
            ("Dates", {"fields": ["last_login", "date_joined"]}),
        ]

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        form.acting_user = request.user
        return form

    def has_change_permission(self, request, obj=None):
        """Also the page that sets a password asks this: only a superuser may take over a superuser's account."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or not obj.is_superuser or request.user.is_superuser)

    def has_delete_permission(self, request, obj=None):
        may = super().has_delete_permission(request, obj)
        return may and (obj is None or not obj.is_superuser or request.user.is_superuser)

    def reason_to_keep(self, request, user):
        if user == request.user:
            return "it is your own account."
        if user.is_superuser and not request.user.is_superuser:
            return "only a superuser may delete a superuser."
        if LogEntry.objects.filter(user=user).exists():
            return f"it has changed things here, and that history stays. {self.instead_of_deleting}"
        return ""

    def save_model(self, request, user, form, change):
        super().save_model(request, user, form, change)
        role = Role(form.cleaned_data["role"])
        was = role_of(user)
        give_role(user, role)
        if role == Role.DISPATCHER:
            grant_zones(user, form.chosen_zones)
        if role != was:
            (self._give_profile if role == Role.TECHNICIAN else self._retire_profile)(request, user)

    def _give_profile(self, request, user):
        technician, created = Technician.objects.get_or_create(user=user)
        if not created and not technician.is_active:
            technician.is_active = True
            technician.save(update_fields=["is_active"])
        if created:
            text = format_html(
                'A technician profile was made. <a href="{}">Add zones, skills and working hours</a>.',
                profile_url(technician),
            )
            self.message_user(request, text, messages.INFO)

    def _retire_profile(self, request, user):
        """Whoever is no technician any more is given no more work; what they have is for a dispatcher to pass on."""
        technician = Technician.objects.filter(user=user, is_active=True).first()
        if technician is None:
            return
        technician.is_active = False
        technician.save(update_fields=["is_active"])
        text = f"{technician} is no longer a technician: the profile is inactive."
        if left := Job.objects.open().of(technician).count():
            text += f" {left} open {'job is' if left == 1 else 'jobs are'} still assigned to them."
        self.message_user(request, text, messages.WARNING)

    @admin.display(description="name", ordering="first_name")
    def full_name(self, user):
        return user.get_full_name()

    @admin.display(description="role")
    def role_name(self, user):
        role = role_of(user)
        return f"{role.label} (superuser)" if user.is_superuser else role.label if role else "No role"

    @admin.display(description="zones")
    def zone_names(self, user):
        if role_of(user) in (Role.ADMIN, Role.MANAGER):
            return "All zones"
        if role_of(user) != Role.DISPATCHER:
            return ""
        zones = granted_zones(user)
        return "All zones" if zones is ALL_ZONES else ", ".join(zone.name for zone in zones) or "None"

    @admin.display(description="technician profile")
    def technician_profile(self, user):
        technician = getattr(user, "technician", None)
        return format_html('<a href="{}">{}</a>', profile_url(technician), technician) if technician else "None"


def profile_url(technician: Technician) -> str:
    return reverse("admin:technicians_technician_change", args=[technician.pk])
