"""Maintenance windows in the admin: when, by whom, why."""

from django.contrib import admin
from unfold.decorators import display

from queues.admin.base import WatchedAdmin
from queues.models import MaintenanceWindow

LABELS = {"open": "warning", "ended": "info"}


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(WatchedAdmin):
    """Looking only; ``manage.py maintenance`` begins and ends them."""

    list_display = ("since", "until", "state", "held", "by", "ended_by", "reason", "drained_at")
    search_fields = ("reason", "by")
    search_help_text = "reason or who"
    date_hierarchy = "since"
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("held", "reason")}),
        ("Times", {"fields": (("since", "by"), "drained_at", ("until", "ended_by"))}),
    )

    @display(description="state", label=LABELS)  # type: ignore[untyped-decorator]  # unfold is untyped
    def state(self, row: MaintenanceWindow) -> str:
        """Whether it is over."""
        return "ended" if row.until else "open"

    @admin.display(description="instances")
    def held(self, row: MaintenanceWindow) -> str:
        """What is or was held."""
        return ", ".join(row.instances)
