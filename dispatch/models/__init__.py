from dispatch.models.accounts import User
from dispatch.models.arrivals import Arrival
from dispatch.models.customers import Customer, Site
from dispatch.models.history import FieldChange, JobNote, StatusChange
from dispatch.models.jobs import Job, JobType, JobTypeSkill, RequiredSkill, Status
from dispatch.models.journal import BoardAction, ChangedJob
from dispatch.models.money import BillingRecord, BillingSettings
from dispatch.models.notifications import Delivery, Notification, NotificationPreference, PushSubscription
from dispatch.models.plans import Plan, PlanningSettings
from dispatch.models.rules import AssignmentRule, DispatchSettings
from dispatch.models.suggestions import AutoAssignRun, Suggestion
from dispatch.models.travel import KnownLeg, TravelServer
from dispatch.models.versions import LiveVersion
from dispatch.models.views import SavedView
from dispatch.models.visits import SiteVisit
from sla.models import Priority

__all__ = [
    "Arrival",
    "AssignmentRule",
    "AutoAssignRun",
    "BillingRecord",
    "BillingSettings",
    "BoardAction",
    "ChangedJob",
    "Customer",
    "Delivery",
    "DispatchSettings",
    "FieldChange",
    "Job",
    "JobNote",
    "JobType",
    "JobTypeSkill",
    "KnownLeg",
    "LiveVersion",
    "Notification",
    "NotificationPreference",
    "Plan",
    "PlanningSettings",
    "Priority",
    "PushSubscription",
    "RequiredSkill",
    "SavedView",
    "Site",
    "SiteVisit",
    "Status",
    "StatusChange",
    "Suggestion",
    "TravelServer",
    "User",
]
