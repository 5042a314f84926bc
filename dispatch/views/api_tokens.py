"""Settings > API tokens: which there are, making one, revoking one."""

from datetime import datetime, time

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dispatch import actions
from dispatch.api.scopes import SCOPES
from dispatch.forms.fields import YEARS
from dispatch.models import ApiToken, User
from dispatch.views.transitions import render_dialog

REVOKED_SHOWN = 20


class ApiTokenForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="The program that will use it.")
    user = forms.ModelChoiceField(
        User.objects.none(), label="Acts as", help_text="It may do what this account may, and is logged under its name."
    )
    expires_on = forms.DateField(
        required=False,
        label="Good until",
        help_text="The last day.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    scopes = forms.MultipleChoiceField(
        choices=list(SCOPES.items()), error_messages={"required": "Choose what it may be used for."}
    )

    def __init__(self, *args, by: User, **kwargs):
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True, is_superuser__in={False, by.is_superuser})
        self.fields["user"].queryset = people.order_by("first_name", "username")

    def clean_expires_on(self):
        day = self.cleaned_data["expires_on"]
        if day and not (timezone.localdate() <= day and day.year in YEARS):
            raise forms.ValidationError("Choose a day from today on.")
        return day

    def expires_at(self) -> datetime | None:
        day = self.cleaned_data["expires_on"]
        return timezone.make_aware(datetime.combine(day, time.max)) if day else None


@never_cache
@require_http_methods(["GET", "POST"])
@permission_required("dispatch.view_apitoken", raise_exception=True)
def api_tokens(request):
    """A new token is shown by the answer to the form, this once."""
    form, new, status = ApiTokenForm(request.POST or None, by=request.user), None, 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            try:
                new = actions.create_api_token(
                    data["name"], data["user"], data["scopes"], expires_at=form.expires_at(), by=request.user
                )
                form, status = ApiTokenForm(by=request.user), 200
            except actions.ActionRefused as refused:
                form.add_error(None, refused.reason)
    return render(request, "dispatch/api_tokens.html", {"form": form, "new": new} | _tokens(), status=status)


def _tokens() -> dict:
    every = list(ApiToken.objects.select_related("user", "created_by"))
    return {
        "standing": [token for token in every if token.revoked_at is None],
        "revoked": [token for token in every if token.revoked_at][:REVOKED_SHOWN],
        "scopes": SCOPES,
        "now": timezone.now(),
    }


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.change_apitoken", raise_exception=True)
def revoke_api_token(request, pk):
    token = get_object_or_404(ApiToken.objects.select_related("user"), pk=pk)
    if request.method == "GET":
        return render_dialog(request, "revoke_api_token", {"token": token})
    if actions.revoke_api_token(token, by=request.user):
        messages.success(request, f"{token.name} is revoked: its token is good for nothing any more.")
    return redirect("api_tokens")
