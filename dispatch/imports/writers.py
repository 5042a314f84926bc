"""Which writer takes which kind of row."""

from datetime import datetime

from dispatch.imports.customers import CustomerWriter
from dispatch.imports.jobs import JobWriter
from dispatch.imports.maintenance import MaintenanceWriter
from dispatch.imports.mapping import Mapping
from dispatch.imports.run import Writer
from dispatch.imports.technicians import TechnicianWriter


def writer_for(mapping: Mapping, *, by, now: datetime) -> Writer:
    if mapping.kind == "jobs":
        return JobWriter(mapping, now=now)
    if mapping.kind == "maintenance":
        return MaintenanceWriter(mapping, by=by, now=now)
    return CustomerWriter(mapping) if mapping.kind == "customers" else TechnicianWriter(mapping)
