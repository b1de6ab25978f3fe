from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queues", "0005_maintenance")]

    operations = [
        migrations.CreateModel(
            name="MoverState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("job_name", models.CharField(max_length=255, unique=True, verbose_name="job")),
                ("source", models.TextField(help_text="place and queue")),
                ("target", models.TextField(help_text="place and queue")),
                ("consumer", models.CharField(max_length=255)),
                ("host", models.CharField(max_length=255)),
                ("pid", models.PositiveIntegerField(default=0, verbose_name="process")),
                ("started_at", models.DateTimeField(null=True)),
                (
                    "stopped_at",
                    models.DateTimeField(help_text="empty while it runs, or if it died", null=True),
                ),
                (
                    "seen_at",
                    models.DateTimeField(help_text="when it told of itself last", null=True),
                ),
                (
                    "position",
                    models.CharField(help_text="of the source, on the target", max_length=255),
                ),
                ("moved_at", models.DateTimeField(null=True, verbose_name="last batch")),
                (
                    "batch_events",
                    models.PositiveIntegerField(default=0, verbose_name="events in it"),
                ),
                (
                    "events_total",
                    models.PositiveBigIntegerField(default=0, verbose_name="events moved"),
                ),
                (
                    "set_aside_total",
                    models.PositiveBigIntegerField(default=0, verbose_name="events set aside"),
                ),
                ("measured_at", models.DateTimeField(null=True, verbose_name="lag measured at")),
                (
                    "lag_seconds",
                    models.FloatField(help_text="seconds", null=True, verbose_name="lag"),
                ),
                (
                    "backlog_events",
                    models.PositiveBigIntegerField(
                        help_text="events, where the source can tell",
                        null=True,
                        verbose_name="backlog",
                    ),
                ),
                (
                    "events_per_second",
                    models.FloatField(help_text="events a second", null=True, verbose_name="rate"),
                ),
                ("failing", models.BooleanField(default=False)),
                ("error", models.TextField(blank=True, verbose_name="last error")),
                ("error_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "queue mover",
                "ordering": ["job_name"],
            },
        ),
    ]
