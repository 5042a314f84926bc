"""Who may open the phone's pages. Who was shut out is told whom to call, and what becomes of the taps on the phone."""

from functools import wraps

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import JsonResponse
from django.shortcuts import render

from dispatch.models import DispatchSettings, User
from technicians.models import Technician


class ShutOut(PermissionDenied):
    """A technician whose account or profile is not active now; it may be again."""


def technician_of(request) -> Technician:
    if shut_out_user(request):
        raise ShutOut("Your account is not active.")
    if not request.user.has_perm("dispatch.work_job"):
        raise PermissionDenied("This page is for technicians.")
    technician = Technician.objects.active().select_related("user").filter(user=request.user).first()
    if technician is None:
        raise ShutOut("Your account has no active technician profile.")
    return technician


def shut_out_user(request) -> User | None:
    """Whose session it is, where the account was closed since. To Django nobody is logged in then."""
    if request.user.is_authenticated or SESSION_KEY not in request.session:
        return None
    return User.objects.filter(pk=request.session[SESSION_KEY], is_active=False).first()


def page_for_technicians(view):
    """Not sent to the login for ever, where logging in does not help."""

    @login_not_required
    @wraps(view)
    def page(request, *args, **kwargs):
        if not request.user.is_authenticated and not shut_out_user(request):
            return redirect_to_login(request.get_full_path())
        try:
            return view(request, *args, **kwargs)
        except ShutOut as why:
            owner = request.user if request.user.is_authenticated else shut_out_user(request)
            context = {"why": why, "owner": owner, "office_phone": DispatchSettings.load().office_phone}
            return render(request, "dispatch/phone_closed.html", context, status=403)

    return page


def kept_out(why: PermissionDenied) -> JsonResponse:
    """For the script that sends taps: it keeps them, says this, and tries again later."""
    office = DispatchSettings.load().office_phone
    call = f"Call the office: {office}." if office else "Call the office."
    return JsonResponse({"error": f"{why} {call}"}, status=403)
