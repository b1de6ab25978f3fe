"""Django application of the pending transactions."""

from django.apps import AppConfig


class PendingConfig(AppConfig):
    name = "fundraising.pending"
    label = "pending"
    verbose_name = "Pending transactions"
    default_auto_field = "django.db.models.BigAutoField"
