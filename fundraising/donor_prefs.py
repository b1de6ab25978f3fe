"""The Celery app of donor-prefs: ``celery -A fundraising.donor_prefs worker``."""

import os

from queues.celery import make_app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fundraising.settings")

app = make_app("donor_prefs", instance="donor-prefs", default=False)
