"""The inbox: which messages had their effect."""

from collections.abc import Iterable, Sequence

from django.db.models import Q

from queues import provenance
from queues.messages import Schema
from queues.models import InboxMark
from queues.received import Received


def seen(queue: str, keys: Iterable[str]) -> dict[str, str]:
    """The digests, by key, of those messages that had their effect before."""
    marks = InboxMark.objects.filter(queue=queue, key__in=list(keys))
    return dict(marks.values_list("key", "digest"))


def of(queue: str, item: Received[Schema]) -> InboxMark:
    """The mark of a message that has its effect, and where the message came from."""
    return InboxMark(
        queue=queue,
        key=item.key,
        digest=item.digest,
        first_hop=provenance.first_hop(item.message),
        last_hop=provenance.last_hop(item.message),
        received_at=item.received_at,
    )


def mark(marks: Sequence[InboxMark]) -> None:
    """Write marks of messages that have their effect in this transaction.

    Raises ``IntegrityError`` when another worker commits the same message first.
    """
    InboxMark.objects.bulk_create(marks)


def holds(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (queue, key) had their effect."""
    wanted = Q(pk__in=[])
    for queue, key in pairs:
        wanted |= Q(queue=queue, key=key)
    return set(InboxMark.objects.filter(wanted).values_list("queue", "key"))
