"""What a token may be used for, as far as its user may do it at all."""

from typing import Final

SCOPES: Final = {
    "jobs:read": "See jobs, their status log and their notes",
    "jobs:write": "Create, change, assign and cancel jobs, take their next steps, write notes",
    "customers:read": "See customers",
    "customers:write": "Create and change customers",
    "sites:read": "See the places of customers",
    "sites:write": "Create and change them",
    "technicians:read": "See technicians, their skills and zones",
    "positions:read": "See where technicians on duty are, and where they have been on duty",
    "positions:write": "Send positions of technicians",
    "plans:read": "See route plans and maintenance plans",
    "plans:write": "Ask for route plans, apply and discard them; make and change maintenance plans",
    "violations:read": "See SLA violations",
    "violations:write": "Acknowledge SLA violations and write notes about them",
    "catalogue:read": "See job types, skills and service zones",
}
