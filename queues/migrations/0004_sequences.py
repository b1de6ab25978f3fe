import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queues", "0003_damaged_by_order")]

    operations = [
        migrations.CreateModel(
            name="SequenceGuard",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("counter", models.BigIntegerField(help_text="the greatest that was ever seen")),
                (
                    "server",
                    models.CharField(
                        help_text="which server had it: its run_id and replication id",
                        max_length=96,
                    ),
                ),
                (
                    "behind",
                    models.BigIntegerField(
                        default=0, help_text="how far below numbers in use it was"
                    ),
                ),
                ("checked_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"verbose_name": "sequence guard"},
        ),
        migrations.CreateModel(
            name="SequenceNumber",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("number", models.BigIntegerField()),
                ("taken_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "sequence number",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name", "number"), name="sequence_number_once"
                    )
                ],
            },
        ),
    ]
