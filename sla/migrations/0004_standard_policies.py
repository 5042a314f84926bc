"""A calendar of ordinary business hours and three policies to begin with, of which Standard is the default."""

from datetime import time

from django.conf import settings
from django.db import migrations

LOW, NORMAL, HIGH, URGENT = 1, 2, 3, 4
MONDAY_TO_FRIDAY = range(5)
# Per priority: response, then resolution.
POLICIES = {
    "Standard": {
        LOW: (48, "hours", 5, "business_days"),
        NORMAL: (24, "hours", 3, "business_days"),
        HIGH: (4, "hours", 24, "hours"),
        URGENT: (1, "hours", 4, "hours"),
    },
    # Half of Standard, whole business days rounded down.
    "Premium": {
        LOW: (24, "hours", 2, "business_days"),
        NORMAL: (12, "hours", 1, "business_days"),
        HIGH: (2, "hours", 12, "hours"),
        URGENT: (30, "minutes", 2, "hours"),
    },
    "Emergency": {
        LOW: (12, "hours", 1, "business_days"),
        NORMAL: (4, "hours", 12, "hours"),
        HIGH: (1, "hours", 4, "hours"),
        URGENT: (15, "minutes", 1, "hours"),
    },
}


def seed(apps, schema_editor):
    calendar = seed_calendar(apps.get_model("sla", "BusinessCalendar"), apps.get_model("sla", "OpeningInterval"))
    policies, targets = apps.get_model("sla", "SLAPolicy").objects, apps.get_model("sla", "SLATarget").objects
    for name, by_priority in POLICIES.items():
        policy, _ = policies.get_or_create(name=name, defaults={"calendar": calendar})
        for priority, target in by_priority.items():
            names = ("response_amount", "response_unit", "resolution_amount", "resolution_unit")
            targets.get_or_create(policy=policy, priority=priority, defaults=dict(zip(names, target, strict=True)))
    if not policies.filter(is_default=True).exists():
        policies.filter(name="Standard").update(is_default=True)


def seed_calendar(calendars, intervals):
    calendar, created = calendars.objects.get_or_create(
        name="Business hours", defaults={"time_zone": settings.TIME_ZONE}
    )
    if created:
        for weekday in MONDAY_TO_FRIDAY:
            intervals.objects.create(calendar=calendar, weekday=weekday, opens_at=time(8), closes_at=time(17))
    return calendar


class Migration(migrations.Migration):
    dependencies = [("sla", "0003_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
