from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("queues", "0003_damaged_by_order")]

    operations = []
