from importlib import import_module

from django.apps import apps
from django.contrib.admin.apps import SimpleAdminConfig
from django.utils.module_loading import module_has_submodule


class TruckrollAdminConfig(SimpleAdminConfig):
    """Django's admin, finding every app's admin module except Leaflet's.

    `leaflet.admin` imports GeoDjango and so needs GDAL; the product keeps geometry in shapely and does not install it.
    """

    default_site = "config.admin_site.TruckrollAdminSite"

    def ready(self):
        super().ready()
        for app in apps.get_app_configs():
            if app.name != "leaflet" and module_has_submodule(app.module, "admin"):
                import_module(f"{app.name}.admin")
