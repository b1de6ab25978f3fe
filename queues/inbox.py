"""The inbox: which messages had their effect."""

from collections.abc import Iterable, Mapping

from django.db.models import Q

from queues.models import InboxMark


def seen(queue: str, keys: Iterable[str]) -> dict[str, str]:
    """The digests, by key, of those messages that had their effect before."""
    marks = InboxMark.objects.filter(queue=queue, key__in=list(keys))
    return dict(marks.values_list("key", "digest"))


def mark(queue: str, digests: Mapping[str, str]) -> None:
    """Mark messages (key → digest) as having their effect in this transaction.

    Raises ``IntegrityError`` when another worker commits the same message first.
    """
    InboxMark.objects.bulk_create(
        InboxMark(queue=queue, key=key, digest=digest) for key, digest in digests.items()
    )


def holds(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (queue, key) had their effect."""
    wanted = Q(pk__in=[])
    for queue, key in pairs:
        wanted |= Q(queue=queue, key=key)
    return set(InboxMark.objects.filter(wanted).values_list("queue", "key"))
