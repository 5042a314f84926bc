from django import forms
from django.contrib.auth.forms import BaseUserCreationForm, ReadOnlyPasswordHashWidget
from django.contrib.auth.forms import UserChangeForm as DjangoUserChangeForm

from dispatch.models import User
from dispatch.roles import Role, role_of
from zones import access
from zones.models import ServiceZone


class Reach:
    """Which zones a dispatcher may dispatch in."""

    ALL = "all"
    SOME = "some"
    CHOICES = [(ALL, "All zones, those drawn later included"), (SOME, "Only these:")]


def granted_zones(user: User) -> list[ServiceZone] | None:
    """The zones granted to a dispatcher, or ALL_ZONES; of an inactive account too, unlike what it may do now."""
    if any(permission.codename == "dispatch_servicezone" for permission in user.user_permissions.all()):
        return access.ALL_ZONES
    granted = (row.content_object for row in user.servicezoneuserobjectpermission_set.all())
    return sorted(granted, key=lambda zone: zone.name)


class RoleForm(forms.ModelForm):
    """The part about role and zones, which adding and changing an account share."""

    role = forms.ChoiceField(choices=Role.choices, help_text="Decides what the person may see and do.")
    reach = forms.ChoiceField(
        label="Dispatches in", choices=Reach.CHOICES, widget=forms.RadioSelect, initial=Reach.ALL, required=False
    )
    zones = forms.ModelMultipleChoiceField(
        ServiceZone.objects.all(), widget=forms.CheckboxSelectMultiple, required=False, label="Zones"
    )
    acting_user: User  # who fills the form in; set by the admin

    def clean(self):
        data = super().clean()
        if data.get("role") != Role.DISPATCHER:
            return data
        if data.get("reach") == Reach.SOME and not data.get("zones") and "zones" not in self.errors:
            self.add_error("zones", "Choose at least one zone, or all zones.")
        return data

    @property
    def chosen_zones(self):
        """What zones.access.grant_zones takes."""
        return self.cleaned_data["zones"] if self.cleaned_data["reach"] == Reach.SOME else access.ALL_ZONES


class UserAddForm(RoleForm, BaseUserCreationForm):
    field_order = ["username", "first_name", "last_name", "email", "role", "reach", "zones", "password1", "password2"]

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # The first of the roles may do most: nobody should get it by not choosing.
        self.fields["role"].choices = [("", "Choose a role"), *Role.choices]


class PasswordWidget(ReadOnlyPasswordHashWidget):
    def get_context(self, name, value, attrs):
        return super().get_context(name, value, attrs) | {"password_url": "../password/"}


class UserChangeForm(RoleForm, DjangoUserChangeForm):
    class Meta:
        model = User
        fields = ["username", "password", "first_name", "last_name", "email", "is_active", "is_superuser"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["password"].widget = PasswordWidget()
        self.initial["role"] = role_of(self.instance)
        if self.initial["role"] == Role.DISPATCHER and (zones := granted_zones(self.instance)) is not access.ALL_ZONES:
            self.initial |= {"reach": Reach.SOME, "zones": zones}
        if self.instance == self.acting_user:
            self._lock_own_account()

    def _lock_own_account(self):
        for name in ("role", "is_active", "is_superuser"):
            if name in self.fields:
                self.fields[name].disabled = True
                self.fields[name].help_text = "You cannot change this on your own account."

    def clean(self):
        data = super().clean()
        if data.get("is_superuser") and data.get("role") not in (None, Role.ADMIN):
            self.add_error("role", "A superuser may do everything and so has the admin role.")
        return data
