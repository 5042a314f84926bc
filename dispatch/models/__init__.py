from dispatch.models.accounts import User
from dispatch.models.arrivals import Arrival
from dispatch.models.customer_links import CustomerDelivery, CustomerLink, CustomerMessage, Rating
from dispatch.models.customers import Customer, Site
from dispatch.models.field import Check, ChecklistItem, Material, MaterialUse, Picture, RunningLate, Tap
from dispatch.models.history import FieldChange, JobNote, StatusChange
from dispatch.models.integrations import (
    ApiToken,
    FileImport,
    Geocoding,
    IdempotencyKey,
    KnownAddress,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from dispatch.models.jobs import Job, JobType, JobTypeSkill, RequiredSkill, Status
from dispatch.models.journal import BoardAction, ChangedJob
from dispatch.models.maintenance import MaintenancePlan, MaintenanceVisit
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
    "ApiToken",
    "Arrival",
    "AssignmentRule",
    "AutoAssignRun",
    "BillingRecord",
    "BillingSettings",
    "BoardAction",
    "ChangedJob",
    "Check",
    "ChecklistItem",
    "Customer",
    "CustomerDelivery",
    "CustomerLink",
    "CustomerMessage",
    "Delivery",
    "DispatchSettings",
    "FieldChange",
    "FileImport",
    "Geocoding",
    "IdempotencyKey",
    "Job",
    "JobNote",
    "JobType",
    "JobTypeSkill",
    "KnownAddress",
    "KnownLeg",
    "LiveVersion",
    "MaintenancePlan",
    "MaintenanceVisit",
    "Material",
    "MaterialUse",
    "Notification",
    "NotificationPreference",
    "Picture",
    "Plan",
    "PlanningSettings",
    "Priority",
    "PushSubscription",
    "Rating",
    "RequiredSkill",
    "RunningLate",
    "SavedView",
    "Site",
    "SiteVisit",
    "Status",
    "StatusChange",
    "Suggestion",
    "Tap",
    "TravelServer",
    "User",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
