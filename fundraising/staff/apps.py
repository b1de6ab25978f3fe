"""Django application of who may do what."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class StaffConfig(AppConfig):
    name = "fundraising.staff"
    label = "staff"
    verbose_name = "Staff"

    def ready(self) -> None:
        from fundraising.staff.groups import grant

        post_migrate.connect(grant, dispatch_uid="fundraising.staff.grant")
