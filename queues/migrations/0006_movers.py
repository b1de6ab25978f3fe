from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("queues", "0005_maintenance")]

    operations = []
