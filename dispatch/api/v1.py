"""Version 1: its resources and their addresses."""

from django.urls import re_path

from dispatch.api import catalogue, customers, jobs, maintenance, plans, steps, technicians, violations
from dispatch.api.door import door, knows_its_parameters, no_such_path
from dispatch.api.openapi import TruckrollAPI
from dispatch.api.problems import handle_errors

api = TruckrollAPI(
    title="Truckroll",
    version="1",
    description="Jobs, customers, technicians and what becomes of them. Times are RFC 3339, answered in UTC.",
    urls_namespace="api",
    docs_url=None,
    openapi_url="/openapi.json",
)
handle_errors(api)
for module in (jobs, steps, customers, technicians, plans, maintenance, violations, catalogue):
    api.add_router("", module.router)

for operation in api.operations():
    operation.run = knows_its_parameters(operation)
patterns, app_name, namespace = api.urls
for pattern in patterns:
    pattern.callback = door(pattern.callback)
patterns.append(re_path(r"", no_such_path, name="no-such-path"))
urls = (patterns, app_name, namespace)
