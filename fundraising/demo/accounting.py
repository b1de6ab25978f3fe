"""What became of every message, asked of the database: no counter is trusted."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from fundraising.crm.models import Contribution
from fundraising.demo.samples import DONATIONS, PAYING, PENDING, REUSED, TRACKING, Payment, Sample
from fundraising.pending.models import PendingTransaction
from fundraising.tracking.models import ContributionTracking, TrackingDataPoint
from queues.models import DamagedMessage, InboxMark


class Fate(StrEnum):
    """Where a message can be found. Each is in exactly one place, or something is wrong.

    A duplicate is dropped; what is retried was parked first, then imported.
    """

    IMPORTED = "imported"
    DUPLICATE = "duplicate"
    LATER = "retried"
    DAMAGED = "damaged"
    PARKED = "still parked"
    MISSING = "missing"


# An end; the others are on their way, or lost.
ENDS = (Fate.IMPORTED, Fate.DUPLICATE, Fate.LATER, Fate.DAMAGED)


@dataclass
class Line:
    """What became of the messages of one kind."""

    kind: str
    pushed: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    twice: int = 0


@dataclass
class Account:
    """The answer: a line for each kind, and what is wrong beyond a single message."""

    lines: list[Line]
    faults: list[str]

    @property
    def is_balanced(self) -> bool:
        """Nothing missing, nothing twice, all as it should be."""
        return not self.faults and not any(
            line.fates[Fate.MISSING] or line.fates[Fate.PARKED] or line.twice for line in self.lines
        )

    def total(self, fate: Fate) -> int:
        """How many messages have that fate."""
        return sum(line.fates[fate] for line in self.lines)

    @property
    def ended(self) -> int:
        """How many messages are where they end."""
        return sum(self.total(fate) for fate in ENDS)


class Books:
    """The database as it is now."""

    def __init__(self) -> None:
        marks = InboxMark.objects.values_list("queue", "key")
        self.marks = {(queue, key) for queue, key in marks}
        rows = Contribution.objects.values_list(
            "message_id", "parent_contribution", "gateway", "gateway_txn_id"
        )
        self.contributions = Counter(message_id for message_id, _, _, _ in rows)
        # What refunds or adjusts a payment has its ids.
        self.payments: Counter[Payment | None] = Counter(
            (gateway, txn) for _, parent, gateway, txn in rows if parent is None
        )
        self.points = Counter(TrackingDataPoint.objects.values_list("message_key", flat=True))
        orders = PendingTransaction.objects.values_list("gateway", "order_id")
        self.orders: Counter[Payment | None] = Counter(
            (gateway, order) for gateway, order in orders
        )
        self.damaged: dict[tuple[str, str], list[DamagedMessage]] = defaultdict(list)
        for row in DamagedMessage.objects.all():
            self.damaged[row.original_queue, row.message_id].append(row)

    def rows(self, sample: Sample) -> list[DamagedMessage]:
        """Where this very message was set aside; another may have come under its id."""
        return [
            row
            for row in self.damaged[sample.queue, sample.key]
            if sample.raw is None or row.code == "CARD_DATA" or row.body == sample.raw
        ]

    def effects(self, sample: Sample) -> int:
        """How often this message had its effect, for other queues whether it had one."""
        if sample.queue == DONATIONS:
            return self.contributions[sample.key]
        if sample.queue == PENDING:
            return self.orders[sample.payment]
        if sample.queue == TRACKING:
            return self.points[sample.key]
        return (sample.queue, sample.key) in self.marks

    def fate(self, sample: Sample) -> Fate:
        """Where the message is."""
        statuses = {row.status for row in self.rows(sample)}
        if DamagedMessage.Status.DAMAGED in statuses:
            return Fate.DAMAGED
        if DamagedMessage.Status.WAITING in statuses:
            return Fate.PARKED
        if (sample.queue, sample.key) not in self.marks:
            return Fate.MISSING
        if self.effects(sample):
            return Fate.LATER if statuses else Fate.IMPORTED
        is_paid = self.payments[sample.payment] > 0
        return Fate.DUPLICATE if sample.queue == DONATIONS and is_paid else Fate.MISSING

    def is_twice(self, sample: Sample, fate: Fate) -> bool:
        """Whether it had its effect more than once, or lies in two places."""
        if fate is Fate.DAMAGED:
            has_effect = (sample.queue, sample.key) in self.marks and bool(self.effects(sample))
            return len(self.rows(sample)) > 1 or (has_effect and sample.damage != REUSED)
        return self.effects(sample) > 1 or self.payments[sample.payment] > 1


def account(samples: Sequence[Sample]) -> Account:
    """What has become of the messages pushed so far."""
    books = Books()
    lines: dict[str, Line] = {}
    # The same bytes pushed twice are one message: the second is the duplicate.
    seen: set[tuple[str, str, bytes | None]] = set()
    # Damaged although it is good, imported although it is not, or with another code.
    faults: list[str] = []
    for sample in samples:
        line = lines.setdefault(sample.kind, Line(sample.kind))
        line.pushed += 1
        fate = books.fate(sample)
        identity = (sample.queue, sample.key, sample.raw)
        if fate is Fate.IMPORTED and identity in seen:
            fate = Fate.DUPLICATE
        seen.add(identity)
        line.fates[fate] += 1
        line.twice += books.is_twice(sample, fate)
        codes = {row.code for row in books.rows(sample)} if fate is Fate.DAMAGED else set()
        line.codes.update(codes)
        if fate in ENDS and codes != ({sample.damage} - {""}):
            faults.append(f"{sample.kind}: {fate} {' '.join(codes)}".strip())
    return Account(sorted(lines.values(), key=_place), [*faults, *_faults(samples, books)])


def _place(line: Line) -> tuple[bool, str]:
    """The good kinds first, each by its first word."""
    return bool(line.codes), line.kind


def _faults(samples: Iterable[Sample], books: Books) -> Iterable[str]:
    """What no single message shows."""
    good = [sample for sample in samples if not sample.damage]
    payments = {sample.payment for sample in good if sample.queue in PAYING}
    surplus = set(books.payments) - payments
    if surplus:
        yield f"{len(surplus)} contributions of payments that nobody told of"
    chased = PendingTransaction.objects.unresolved().values_list("gateway", "order_id")
    paid = set(Contribution.objects.values_list("gateway", "order_id"))
    if paid.intersection(chased):
        yield f"{len(paid.intersection(chased))} payments are imported and still pending"
    visits = {sample.key for sample in good if "newer data point" in sample.kind}
    logged = TrackingDataPoint.objects.filter(message_key__in=visits)
    outdated = ContributionTracking.objects.filter(
        pk__in=logged.values("contribution_tracking")
    ).exclude(utm_campaign="newer")
    if outdated:
        yield f"{len(outdated)} visits show an older data point"
