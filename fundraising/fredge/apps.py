"""Django application of fraud scores, payment attempts and their outcome."""

from django.apps import AppConfig


class FredgeConfig(AppConfig):
    name = "fundraising.fredge"
    label = "fredge"
    verbose_name = "Fredge"
