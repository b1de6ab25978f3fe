"""Queue movers in the admin: does it move, how far behind is it, and what went wrong?"""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.decorators import display

from queues.admin.base import WatchedAdmin
from queues.models import MoverState
from queues.mover.state import is_running

LABELS = {"moves": "success", "failing": "danger", "stopped": "", "silent": "danger"}


@admin.register(MoverState)
class MoverStateAdmin(WatchedAdmin):
    """Looking only; movers are started and stopped where they run."""

    list_display = (
        "job_name",
        "state",
        "route",
        "lag",
        "backlog_events",
        "rate",
        "last_batch",
        "set_aside_total",
        "last_error",
    )
    list_filter = ("failing",)
    search_fields = ("job_name", "source", "target")
    search_help_text = "job, place or queue"
    fieldsets = (
        (None, {"fields": ("job_name", "source", "target", "consumer", "position")}),
        (
            "How it gets on",
            {
                "fields": (
                    "state",
                    ("lag_seconds", "backlog_events", "measured_at"),
                    ("events_per_second", "moved_at", "batch_events"),
                    ("events_total", "set_aside_total"),
                    ("error", "error_at"),
                )
            },
        ),
        (
            "Process",
            {"fields": (("host", "pid"), ("started_at", "seen_at", "stopped_at"))},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        """What is no column too."""
        return ("state", *super().get_readonly_fields(request, obj))

    @display(description="state", label=LABELS)  # type: ignore[untyped-decorator]  # unfold is untyped
    def state(self, row: MoverState) -> str:
        """``silent``: it neither ended nor tells of itself, so it died."""
        if row.failing:
            return "failing"
        if row.stopped_at is not None:
            return "stopped"
        return "moves" if is_running(row) else "silent"

    @admin.display(description="source → target", ordering="source")
    def route(self, row: MoverState) -> SafeString:
        """The places and their queues."""
        return format_html("{} → {}", row.source, row.target)

    @admin.display(description="lag", ordering="lag_seconds")
    def lag(self, row: MoverState) -> str:
        """By the oldest event that is not moved, when it was measured last."""
        return "–" if row.lag_seconds is None else f"{row.lag_seconds:.1f} s"

    @admin.display(description="rate", ordering="events_per_second")
    def rate(self, row: MoverState) -> str:
        """The mean of a minute."""
        return "–" if row.events_per_second is None else f"{row.events_per_second:.1f}/s"

    @admin.display(description="last batch", ordering="moved_at")
    def last_batch(self, row: MoverState) -> str:
        """When, UTC, and how much."""
        if row.moved_at is None:
            return "–"
        return f"{row.moved_at:%Y-%m-%d %H:%M:%S}, {row.batch_events} events"

    @admin.display(description="last error", ordering="error_at")
    def last_error(self, row: MoverState) -> SafeString | str:
        """When, UTC, and what."""
        if row.error_at is None:
            return "–"
        return format_html(
            '<span class="q-wrong"><b>{}</b><span title="{}">{}</span></span>',
            f"{row.error_at:%Y-%m-%d %H:%M:%S}",
            row.error,
            Truncator(row.error).chars(90),
        )
