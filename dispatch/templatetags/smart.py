from django import template

from dispatch.models import Priority

register = template.Library()

FACTORS = {
    "skill": "Skill",
    "proximity": "Proximity",
    "availability": "Availability",
    "workload": "Workload",
    "sla": "SLA and time block",
}


@register.filter
def factor_name(kind: str) -> str:
    return FACTORS.get(kind, kind)


@register.filter
def percent_of(points: int, out_of: int) -> int:
    return round(100 * points / out_of) if out_of else 0


@register.filter
def rule_priority(name: str) -> int:
    """The number of the priority whose rule the field holds."""
    return Priority[name.upper()]
