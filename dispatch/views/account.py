from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.forms import AuthenticationForm, UsernameField
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.views.decorators.http import require_GET, require_POST

from dispatch.board.board_list import HIDEABLE
from dispatch.models import User
from dispatch.views.way_back import way_back


@require_GET
def home(request):
    """Everyone logs in at the same place and lands where their role works."""
    if request.user.has_perm("dispatch.view_job"):
        return redirect("dashboard")
    if request.user.has_perm("dispatch.work_job"):
        return redirect("phone")
    if request.user.is_staff:
        return redirect("admin:index")
    raise PermissionDenied("Your account has no role yet. Ask an administrator for one.")


class LoginForm(AuthenticationForm):
    """Django's takes names of any length, and so longer ones than the record of failed attempts can keep."""

    username = UsernameField(max_length=150, widget=forms.TextInput(attrs={"autofocus": True}))


class ChangePassword(PasswordChangeView):
    template_name = "registration/password_change.html"
    success_url = reverse_lazy("home")

    def form_valid(self, form):
        messages.success(self.request, "Your password is changed.")
        return super().form_valid(form)


@require_POST
def set_theme(request):
    theme = request.POST.get("theme")
    if theme not in User.Theme.values:
        return HttpResponse("No such theme.", status=422)
    User.objects.filter(pk=request.user.pk).update(theme=theme)
    return redirect(way_back(request))


@require_POST
def set_density(request):
    density = request.POST.get("density")
    if density not in User.Density.values:
        return HttpResponse("No such density.", status=422)
    User.objects.filter(pk=request.user.pk).update(density=density)
    return redirect(way_back(request))


@require_POST
@permission_required("dispatch.view_job", raise_exception=True)
def set_columns(request):
    """Of the board's list: `shown` are the keys of the columns that stay; the job itself always does."""
    shown = request.POST.getlist("shown")
    hidden = [key for key in HIDEABLE if key not in shown]
    User.objects.filter(pk=request.user.pk).update(hidden_columns=hidden)
    return HttpResponse(status=204) if request.htmx else redirect(way_back(request))
