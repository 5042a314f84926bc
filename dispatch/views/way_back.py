from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


def way_back(request) -> str:
    """The page of ours that the user came from, which a form carries on as `back`; else the first page."""
    came_from = request.POST.get("back") or request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    return came_from if is_ours else reverse("home")
