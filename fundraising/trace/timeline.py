"""All that is known of a payment or a donor, in the order in which it happened."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from fundraising.crm.models import Contribution
from fundraising.trace.clues import Clues, follow
from fundraising.trace.entries import Entry, Tone
from fundraising.trace.sources import (
    banners,
    crm,
    fredge,
    gateways,
    mails,
    pending,
    queues,
    tracking,
)
from queues.models import InboxMark
from queues.routes import routes

Source = Callable[[Clues], Iterator[Entry]]

SOURCES: tuple[Source, ...] = (
    banners.entries,
    tracking.entries,
    fredge.entries,
    pending.entries,
    gateways.entries,
    crm.entries,
    mails.entries,
    queues.entries,
)
# More is no timeline any more; a donor of many years has some hundred lines.
MOST = 1000


@dataclass(frozen=True)
class Verdict:
    """The answer to what people come with: what became of it?"""

    text: str
    tone: Tone


@dataclass(frozen=True)
class Line:
    """An entry with where its message came from."""

    entry: Entry
    marks: Sequence[InboxMark]


@dataclass(frozen=True)
class Timeline:
    """The page's content; ``left_off`` counts the oldest lines that are not shown."""

    clues: Clues
    verdict: Verdict
    lines: Sequence[Line]
    left_off: int


def trace(text: str) -> Timeline:
    """All that is known of an order id, gateway transaction id, e-mail or tracking id."""
    clues = follow(text)
    found = sorted(_entries(clues), key=lambda entry: (entry.at, entry.source, entry.title))
    shown = found[-MOST:]
    marks = _marks(entry.message_id for entry in shown)
    return Timeline(
        clues=clues,
        verdict=_verdict(clues, found),
        lines=[Line(entry, marks.get(entry.message_id, ())) for entry in shown],
        left_off=len(found) - len(shown),
    )


def _entries(clues: Clues) -> Iterator[Entry]:
    for source in SOURCES:
        yield from source(clues)


def _marks(message_ids: Iterable[str]) -> dict[str, list[InboxMark]]:
    """The inbox marks of messages, by message id: one message may pass several queues."""
    marks: dict[str, list[InboxMark]] = {}
    ids = set(message_ids) - {""}
    # By queue too, as the index begins with it.
    for mark in InboxMark.objects.filter(queue__in=list(routes()), key__in=ids).order_by("pk"):
        marks.setdefault(mark.key, []).append(mark)
    return marks


def _verdict(clues: Clues, found: Sequence[Entry]) -> Verdict:
    """The one sentence; what needs a person comes before what is well."""
    if not found:
        return Verdict("Nothing is known by this.", Tone.BAD)
    damaged = _count(found, Tone.BAD)
    if damaged:
        return Verdict(f"{damaged} damaged: a person is needed.", Tone.BAD)
    payments = Contribution.objects.filter(pk__in=clues.contributions, is_payment=True)
    statuses = {row.get_contribution_status_display() for row in payments}
    waiting = any(entry.source == "Damaged messages" for entry in found if _warns(entry))
    if waiting:
        return Verdict("Parked: it is tried again by itself.", Tone.WARNING)
    if any(entry.source == "Outbox" for entry in found):
        return Verdict("Something is still on its way out.", Tone.WARNING)
    if payments:
        number = f"{len(payments)} donations" if len(payments) > 1 else "Donation"
        is_well = statuses == {Contribution.Status.COMPLETED.label}
        text = f"{number} imported: {', '.join(sorted(statuses))}."
        return Verdict(text, Tone.GOOD if is_well else Tone.WARNING)
    if any(entry.source == "Pending" for entry in found if _warns(entry)):
        return Verdict("Begun, and nobody knows yet whether it was paid.", Tone.WARNING)
    return Verdict("No donation was imported.", Tone.PLAIN)


def _warns(entry: Entry) -> bool:
    return entry.tone is Tone.WARNING


def _count(found: Iterable[Entry], tone: Tone) -> int:
    return sum(entry.tone is tone for entry in found)
