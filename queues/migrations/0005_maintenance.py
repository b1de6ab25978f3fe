import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queues", "0004_sequences")]

    operations = [
        migrations.CreateModel(
            name="MaintenanceWindow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("instances", models.JSONField(help_text="the Redis instances that are held")),
                ("reason", models.CharField(max_length=255)),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
                ("by", models.CharField(max_length=255, verbose_name="begun by")),
                (
                    "drained_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="when workers had first finished what they had",
                        null=True,
                    ),
                ),
                ("until", models.DateTimeField(blank=True, null=True)),
                ("ended_by", models.CharField(blank=True, max_length=255)),
            ],
            options={
                "verbose_name": "maintenance window",
                "ordering": ["-since", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        models.Value(1),
                        condition=models.Q(("until", None)),
                        name="one_open_maintenance_window",
                    )
                ],
            },
        ),
    ]
