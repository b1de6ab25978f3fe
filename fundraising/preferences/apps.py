"""Django application of what donors want to hear from us."""

from django.apps import AppConfig


class PreferencesConfig(AppConfig):
    name = "fundraising.preferences"
    label = "preferences"
    verbose_name = "Preferences"
