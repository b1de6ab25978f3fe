from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crm", "0003_recurring_history")]

    operations = [
        migrations.AlterField(
            model_name="contribution",
            name="contribution_tracking_id",
            field=models.BigIntegerField(blank=True, db_index=True, null=True),
        ),
    ]
