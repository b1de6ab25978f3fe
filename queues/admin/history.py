"""What happened to a damaged message: who did what, why, and what it changed."""

from typing import Any

from queues.admin.changes import changes
from queues.models import DamagedMessage


def history(row: DamagedMessage, *, masked: bool) -> list[dict[str, Any]]:
    """What happened to a message, with what each edit changed; the latest first."""
    events = row.events.select_related("by").order_by("-at", "-pk")
    return [
        {
            "event": event,
            "changes": changes(bytes(event.before), bytes(event.after), masked=masked)
            if event.before is not None and event.after is not None
            else [],
        }
        for event in events
    ]
