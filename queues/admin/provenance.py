"""Where a row comes from: the hops of the message that wrote it, and when."""

from collections.abc import Mapping
from datetime import UTC, datetime

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from queues.models import FromMessage, InboxMark
from queues.routes import routes


@admin.display(description="message")
def provenance(row: FromMessage) -> SafeString | str:
    """The message that wrote a row last: its hops, when it was received and imported, UTC.

    From its inbox mark; a message that was passed on under its id has one in each queue. To
    be named among the ``fields`` of an admin class.
    """
    if not row.message_id:
        return "–"
    # The index begins with the queue.
    marks = InboxMark.objects.filter(queue__in=list(routes()), key=row.message_id)
    lines = [(name, value) for mark in marks.order_by("imported_at") for name, value in _told(mark)]
    if not lines:
        lines = [("mark", "none: it is older than those that are kept")]
    return format_html(
        '<dl class="q-facts"><dt>message id</dt><dd class="q-code">{}</dd>{}</dl>',
        row.message_id,
        format_html_join("", "<dt>{}</dt><dd>{}</dd>", lines),
    )


def _told(mark: InboxMark) -> list[tuple[str, str]]:
    told = [("queue", mark.queue), ("first hop", _hop(mark.first_hop))]
    if mark.last_hop != mark.first_hop:
        told.append(("last hop", _hop(mark.last_hop)))
    return [*told, ("received", _moment(mark.received_at)), ("imported", _moment(mark.imported_at))]


def _hop(hop: Mapping[str, str | int]) -> str:
    """Who pushed it, where and when."""
    words = [str(hop[name]) for name in ("name", "type", "host", "version") if hop.get(name)]
    pushed = hop.get("enqueued_time")
    if isinstance(pushed, int):
        words.append(_moment(datetime.fromtimestamp(pushed, UTC)))
    return ", ".join(words) or "not told"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
