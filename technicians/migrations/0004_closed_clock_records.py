import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("technicians", "0003_whole_pairs"),
    ]

    operations = [
        migrations.AddField(
            model_name="clockrecord",
            name="closed_by",
            field=models.ForeignKey(
                blank=True,
                help_text="Who clocked them out in their place.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="clockrecord",
            name="close_reason",
            field=models.CharField(blank=True, max_length=200),
        ),
    ]
