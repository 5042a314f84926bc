"""No clock was ever kept in these tables; the next migration makes the ones that are."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sla", "0004_standard_policies")]
    operations = [migrations.DeleteModel("ClockPause"), migrations.DeleteModel("JobClock")]
