"""The Django project: the domain of fundraising on top of the message layer."""

from fundraising.celery import app as celery_app

__all__ = ["celery_app"]
