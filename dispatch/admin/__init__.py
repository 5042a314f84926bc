from django.contrib import admin
from django.contrib.auth.models import Group
from django_rq.models import Dashboard

from dispatch.admin import accounts, configuration, logs, sla_rules

__all__ = ["accounts", "configuration", "logs", "sla_rules"]

# Groups are the roles, which dispatch/roles.py states; the queue's pages let every member of staff delete tasks.
for model in (Group, Dashboard):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
