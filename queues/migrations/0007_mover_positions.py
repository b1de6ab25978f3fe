import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queues", "0006_movers")]

    operations = [
        migrations.CreateModel(
            name="MoverPosition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(help_text="identity of the source's queue", max_length=255),
                ),
                ("queue", models.CharField(help_text="the source's queue", max_length=255)),
                ("consumer", models.CharField(max_length=255)),
                (
                    "position",
                    models.CharField(
                        blank=True,
                        help_text="of the last batch, in the source's words",
                        max_length=255,
                    ),
                ),
                ("moved_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source", "queue", "consumer"), name="mover_position_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OutboxPassage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("queue", models.CharField(max_length=64)),
                ("consumer", models.CharField(max_length=255)),
                ("identity", models.CharField(max_length=32)),
                ("is_registered", models.BooleanField(default=False)),
                (
                    "position",
                    models.CharField(
                        help_text="of the last batch that was finished", max_length=255
                    ),
                ),
                (
                    "in_hand",
                    models.JSONField(default=list, help_text="the rows of the batch in hand"),
                ),
                (
                    "reached",
                    models.CharField(
                        blank=True, help_text="the position after the batch in hand", max_length=255
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("queue", "consumer"), name="outbox_passage_once"
                    )
                ],
            },
        ),
    ]
