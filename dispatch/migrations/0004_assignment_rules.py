"""A rule for each priority: smart dispatch suggests, and leaves low priority alone."""

from django.db import migrations

MODES = {1: "manual", 2: "suggest", 3: "suggest", 4: "suggest"}


def seed(apps, schema_editor):
    rules = apps.get_model("dispatch", "AssignmentRule").objects
    for priority, mode in MODES.items():
        rules.get_or_create(priority=priority, defaults={"mode": mode})


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0003_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
