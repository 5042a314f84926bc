from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from config import health
from dispatch.views.account import ChangePassword, LoginForm, home, set_columns, set_density, set_theme

urlpatterns = [
    path("", home, name="home"),
    path(
        "login/",
        auth_views.LoginView.as_view(authentication_form=LoginForm, redirect_authenticated_user=True),
        name="login",
    ),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("account/password/", ChangePassword.as_view(), name="password_change"),
    path("account/theme/", set_theme, name="set_theme"),
    path("account/density/", set_density, name="set_density"),
    path("account/columns/", set_columns, name="set_columns"),
    path("", include("dispatch.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
