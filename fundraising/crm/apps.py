"""Django application of contacts and contributions."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "fundraising.crm"
    label = "crm"
    verbose_name = "Contacts and contributions"
    default_auto_field = "django.db.models.BigAutoField"
