from dispatch.models.accounts import User
from dispatch.models.customers import Customer, Site
from dispatch.models.history import FieldChange, JobNote, StatusChange
from dispatch.models.jobs import Job, JobType, JobTypeSkill, RequiredSkill, Status
from dispatch.models.money import BillingRecord, BillingSettings
from dispatch.models.notifications import Notification
from dispatch.models.rules import AssignmentRule, DispatchSettings
from dispatch.models.versions import LiveVersion
from sla.models import Priority

__all__ = [
    "AssignmentRule",
    "BillingRecord",
    "BillingSettings",
    "Customer",
    "DispatchSettings",
    "FieldChange",
    "Job",
    "JobNote",
    "JobType",
    "JobTypeSkill",
    "LiveVersion",
    "Notification",
    "Priority",
    "RequiredSkill",
    "Site",
    "Status",
    "StatusChange",
    "User",
]
