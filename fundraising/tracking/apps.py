"""Django application of contribution tracking."""

from django.apps import AppConfig


class TrackingConfig(AppConfig):
    name = "fundraising.tracking"
    label = "tracking"
    verbose_name = "Contribution tracking"
    default_auto_field = "django.db.models.BigAutoField"
