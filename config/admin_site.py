from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache


class TruckrollAdminSite(AdminSite):
    site_header = "Truckroll administration"
    site_title = "Truckroll administration"
    index_title = "Administration"
    site_url = None  # the header links to the board instead

    @method_decorator(never_cache)
    @method_decorator(login_not_required)
    def login(self, request, extra_context=None):
        """Everyone logs in at the one login page; whoever is logged in and no staff has no business here."""
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
        if not self.has_permission(request):
            raise PermissionDenied("Your role has no part in the administration.")
        return redirect("admin:index")
