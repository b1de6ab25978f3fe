"""The Celery app of frqueue: ``celery -A fundraising worker``."""

import os

from queues.celery import make_app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fundraising.settings")

app = make_app("fundraising", instance="frqueue")
