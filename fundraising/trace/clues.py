"""From one id to all others of the same payment, or from an e-mail address to a donor's."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q

from fundraising.crm.models import Contribution, Email, RecurringContribution
from fundraising.pending.models import PendingTransaction
from fundraising.tracking.models import ContributionTracking

# An order id is the tracking id with the number of the attempt; nobody tries more often.
_ATTEMPTS = range(10)
_ORDER = re.compile(r"(\d{1,18})(?:[.-]\d+)?", re.ASCII)
# Each step finds ids that the next can use: visit → pending → payment → subscription.
_STEPS = 3


@dataclass
class Clues:
    """What a payment or a donor is known by. ``emails`` are lower case."""

    text: str
    orders: set[str] = field(default_factory=set)
    payments: set[str] = field(default_factory=set)
    visits: set[int] = field(default_factory=set)
    contributions: set[int] = field(default_factory=set)
    recurring: set[int] = field(default_factory=set)
    contacts: set[int] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)

    @property
    def is_donor(self) -> bool:
        """Asked for a donor, not for a payment."""
        return "@" in self.text


def follow(text: str) -> Clues:
    """All ids that lead on from an order id, gateway transaction id, e-mail or tracking id."""
    clues = Clues(text.strip())
    if not clues.text:
        return clues
    if clues.is_donor:
        _start_with_donor(clues)
    else:
        _start_with_payment(clues)
    for _ in range(_STEPS):
        _add_contributions(clues)
        _add_recurring(clues)
        _add_pending(clues)
        _add_visits(clues)
    return clues


def _start_with_donor(clues: Clues) -> None:
    clues.emails = {clues.text.lower()}
    rows = Email.objects.filter(email__in=clues.emails)
    clues.contacts = set(rows.values_list("contact", flat=True))
    mine = Contribution.objects.filter(contact__in=clues.contacts)
    clues.contributions = set(mine.values_list("pk", flat=True))
    agreed = RecurringContribution.objects.filter(contact__in=clues.contacts)
    clues.recurring = set(agreed.values_list("pk", flat=True))
    begun = PendingTransaction.objects.filter(email__in=clues.emails)
    _take(clues, begun.values_list("order_id", "gateway_txn_id", "contribution_tracking_id"))


def _start_with_payment(clues: Clues) -> None:
    clues.orders = {clues.text}
    clues.payments = {clues.text}
    if parts := _ORDER.fullmatch(clues.text):
        visit = parts.group(1)
        clues.visits = {int(visit)}
        if visit == clues.text:
            clues.orders |= {f"{visit}.{attempt}" for attempt in _ATTEMPTS}


def _add_contributions(clues: Clues) -> None:
    rows = Contribution.objects.filter(
        Q(pk__in=clues.contributions)
        | Q(order_id__in=clues.orders)
        | Q(invoice_id__in=clues.orders)
        | Q(gateway_txn_id__in=clues.payments)
        | Q(trxn_id=clues.text)
        | Q(backend_processor_txn_id__in=clues.payments)
        | Q(contribution_trackings__in=clues.visits)
    )
    for row in rows:
        clues.contributions.add(row.pk)
        clues.contacts.add(row.contact_id)
        if row.parent_contribution_id is not None:
            clues.contributions.add(row.parent_contribution_id)
        if row.contribution_recur_id is not None:
            clues.recurring.add(row.contribution_recur_id)
        _take(clues, [(row.order_id, row.gateway_txn_id, row.contribution_tracking_id)])
    below = Contribution.objects.filter(parent_contribution__in=clues.contributions)
    clues.contributions.update(below.values_list("pk", flat=True))


def _add_recurring(clues: Clues) -> None:
    rows = RecurringContribution.objects.filter(
        Q(trxn_id__in=clues.payments | clues.orders) | Q(invoice_id__in=clues.orders)
    )
    for row in rows:
        clues.recurring.add(row.pk)
        clues.contacts.add(row.contact_id)
        if row.trxn_id == clues.text:
            # Asked for the subscription itself: all its instalments.
            clues.contributions.update(row.contributions.values_list("pk", flat=True))


def _add_pending(clues: Clues) -> None:
    rows = PendingTransaction.objects.filter(
        Q(order_id__in=clues.orders)
        | Q(gateway_txn_id__in=clues.payments)
        | Q(contribution_tracking_id__in=clues.visits)
    )
    _take(clues, rows.values_list("order_id", "gateway_txn_id", "contribution_tracking_id"))


def _add_visits(clues: Clues) -> None:
    rows = ContributionTracking.objects.filter(contribution__in=clues.contributions)
    clues.visits.update(rows.values_list("pk", flat=True))


def _take(clues: Clues, ids: Iterable[tuple[str, str, int | None]]) -> None:
    for order, payment, visit in ids:
        clues.orders.update({order} - {""})
        clues.payments.update({payment} - {""})
        if visit is not None:
            clues.visits.add(visit)
