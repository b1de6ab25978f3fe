"""Django application of donors' right to be forgotten, and of how long rows are kept."""

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "fundraising.privacy"
    label = "privacy"
    verbose_name = "Privacy"

    def ready(self) -> None:
        from fundraising.privacy import checks  # noqa: F401 (registers the check)
