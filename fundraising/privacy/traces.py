"""What the rows of a donor are found by, wherever they are."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Model, QuerySet

from fundraising.crm.models import Contact, Contribution, Email
from fundraising.pending.models import PendingTransaction
from fundraising.tracking.models import ContributionTracking
from queues.models import DamagedMessage, OutboxMessage

# (gateway, id)
Pair = tuple[str, str]


@dataclass
class Traces:
    """The ids of a donor's rows, and what their messages hold. E-mail is lower case."""

    contacts: frozenset[int]
    emails: set[str] = field(default_factory=set)
    orders: set[Pair] = field(default_factory=set)
    payments: set[Pair] = field(default_factory=set)
    visits: set[int] = field(default_factory=set)
    # Rows whose bytes hold an e-mail address of the donor; no column tells it of all.
    damaged: set[int] = field(default_factory=set)
    outgoing: set[int] = field(default_factory=set)

    @property
    def order_ids(self) -> set[str]:
        """The order ids alone."""
        return {order_id for _, order_id in self.orders}

    @property
    def payment_ids(self) -> set[str]:
        """The payments' ids alone."""
        return {txn_id for _, txn_id in self.payments}


def family(contact_id: int) -> frozenset[int]:
    """A contact and those that were merged into it, which are the same person."""
    found, latest = {contact_id}, {contact_id}
    while latest:
        merged = Contact.objects.filter(merged_into__in=latest).exclude(pk__in=found)
        latest = set(merged.values_list("pk", flat=True))
        found |= latest
    return frozenset(found)


def follow(contacts: frozenset[int]) -> Traces:
    """All that leads to rows of these contacts.

    From contributions to their orders, payments and visits; from e-mail addresses to what
    was begun with them, and to the raw messages that hold them.
    """
    traces = Traces(contacts)
    emails = Email.objects.filter(contact__in=contacts).values_list("email", flat=True)
    traces.emails = {email.lower() for email in emails if email}
    given = Contribution.objects.filter(contact__in=contacts)
    _take(traces, given)
    _take(traces, PendingTransaction.objects.filter(email__in=traces.emails))
    visits = ContributionTracking.objects.filter(contribution__in=given)
    traces.visits.update(visits.values_list("pk", flat=True))
    if traces.emails:
        address = _pattern(traces.emails)
        traces.damaged = _holding(address, DamagedMessage.objects.all(), "message")
        traces.outgoing = _holding(address, OutboxMessage.objects.all(), "body")
    return traces


def _take(traces: Traces, rows: QuerySet[Contribution] | QuerySet[PendingTransaction]) -> None:
    for gateway, order_id, txn_id, visit in rows.values_list(
        "gateway", "order_id", "gateway_txn_id", "contribution_tracking_id"
    ):
        if order_id:
            traces.orders.add((gateway, order_id))
        if txn_id:
            traces.payments.add((gateway, txn_id))
        if visit is not None:
            traces.visits.add(visit)


def _pattern(emails: Iterable[str]) -> re.Pattern[bytes]:
    """Finds an address, and not one that only ends or begins alike."""
    anyone = b"|".join(re.escape(email.encode()) for email in sorted(emails))
    return re.compile(rb"(?<![\w.+-])(?:" + anyone + rb")(?![\w-]|\.\w)", re.IGNORECASE)


def _holding(address: re.Pattern[bytes], rows: QuerySet[Model], column: str) -> set[int]:
    bodies = rows.values_list("pk", column).iterator(chunk_size=200)
    return {pk for pk, body in bodies if address.search(bytes(body))}
