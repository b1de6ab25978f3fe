"""Django for a process that has not loaded it, and needs it for a part of its work only."""

from django.apps import apps
from django.conf import settings


def load() -> None:
    """Load the models; once, whichever thread asks.

    As ``django.setup()`` does, which would put the settings' log handlers in place of a mover's.
    """
    apps.populate(settings.INSTALLED_APPS)
