from django.apps import AppConfig
from django.db.backends.signals import connection_created

from sla.percentiles import teach_sqlite


class SlaConfig(AppConfig):
    name = "sla"
    verbose_name = "Service levels"

    def ready(self):
        connection_created.connect(teach_sqlite)
