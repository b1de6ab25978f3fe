"""What the refunds of a gift make of its books: plain rules on plain values.

Refund here is whatever takes a payment back: a refund, chargeback, cancellation or reversal
(domain section 3.5). All that was told of one gift is a set; its books are computed from the
whole set, so that they are the same in whatever order the messages came, and however often.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from fundraising.crm.currencies import money
from fundraising.crm.currencies.money import REPORTING_CURRENCY, Money
from fundraising.crm.currencies.rates import Rates, UnknownCurrency
from fundraising.crm.models import Contribution
from queues.outcomes import Damaged

Status = Contribution.Status

BY_TYPE = {
    "refund": Status.REFUNDED,
    "chargeback": Status.CHARGEBACK,
    "cancel": Status.CANCELLED,
    "reversal": Status.REVERSAL,
    "admin_fraud_reversal": Status.CHARGEBACK,
}
"""The status that each type of message gives."""

# Those with one kind name the same things; a kind is also the word in a trxn_id.
_KINDS = {
    Status.REFUNDED: "",
    Status.CANCELLED: "",
    Status.CHARGEBACK: "CHARGEBACK",
    Status.REVERSAL: "REVERSAL",
}
BY_KIND = {"": Status.REFUNDED, "CHARGEBACK": Status.CHARGEBACK, "REVERSAL": Status.REVERSAL}
# The entry by which money comes back after all, and the kind of what it undoes.
GIVEN_AGAIN = {
    "REFUND_REVERSAL": "",
    "CHARGEBACK_REVERSAL": "CHARGEBACK",
    "REVERSAL_REVERSAL": "REVERSAL",
}
# A payment of one of these is no longer counted: it was taken back.
TAKEN_BACK = frozenset({Status.REFUNDED, Status.CANCELLED, Status.CHARGEBACK})
# More than this part of a gift beyond its amount is worth an alert.
TOLERANCE = Decimal("0.02")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One taking back: ``amount``, above 0, is in the currency of the gift.

    Ids are empty when unknown; ``message_id`` is that of the message that told it.
    """

    status: str
    amount: Decimal
    at: datetime
    refund_id: str = ""
    backend_reversal_id: str = ""
    orchestrator_reversal_id: str = ""
    message_id: str = ""

    @property
    def kind(self) -> str:
        """Its word in a trxn_id; refunds and cancellations have none."""
        return _KINDS[Status(self.status)]

    @property
    def order(self) -> tuple[datetime, str, str, str, Decimal]:
        """Its place among the refunds of a gift."""
        return self.at, self.status, self.refund_id, self.backend_reversal_id, self.amount

    def is_over(self, gift: Decimal) -> bool:
        """Whether more went back than rates and fees explain."""
        return self.amount - gift > TOLERANCE * gift


@dataclass(frozen=True, slots=True)
class Entry:
    """A row beside the payment; amounts are signed, ``amount`` in the currency of the gift.

    An *adjustment* corrects what the payment's own row says; another entry is an event of
    its own, such as the chargeback of a gift that was refunded before.
    """

    refund: Refund
    amount: Decimal
    usd: Decimal
    is_adjustment: bool


@dataclass(frozen=True, slots=True)
class Books:
    """``turned`` gives the payment its status, and takes all of it out of the books."""

    turned: Refund | None
    entries: Sequence[Entry]


def amount_of(told: Money, gift: Money, at: datetime, rates: Rates) -> Decimal:
    """What was taken back, in the currency of a gift received ``at``.

    A sum in USD is set against the worth of the gift on its own day. Raises ``Damaged`` for
    other currencies.
    """
    if told.currency == gift.currency:
        return told.rounded().amount
    if told.currency != REPORTING_CURRENCY:
        text = "is neither the currency of the gift nor USD"
        raise Damaged("INVALID_MESSAGE", text, "gross_currency")
    try:
        rate = rates.value_in_usd(gift.currency, at)
    except UnknownCurrency as error:
        raise Damaged("INVALID_MESSAGE", str(error), "gross_currency") from None
    if told.rounded() == gift.convert(rate, REPORTING_CURRENCY):
        return gift.amount
    return told.convert(1 / rate, gift.currency).amount


def with_told(known: Collection[Refund], told: Refund) -> tuple[Refund | None, Refund]:
    """Which of the known refunds a message tells of (None: of a new one), and what is known then.

    Two that tell one refund are told together: the earlier date, and the rest by that which
    has an id, then by the earlier, so that it does not matter which came first.
    """
    same = [refund for refund in known if _is_same(refund, told)]
    if not same:
        return None, told
    one = min(same, key=lambda refund: (not _shares_id(refund, told), refund.order))
    better, other = sorted((one, told), key=_credit)
    is_dated = better.status == Status.CANCELLED or other.status != Status.CANCELLED
    return one, replace(
        better,
        at=min(better.at, other.at) if is_dated else better.at,
        refund_id=_either(better.refund_id, other.refund_id),
        backend_reversal_id=_either(better.backend_reversal_id, other.backend_reversal_id),
        orchestrator_reversal_id=_either(
            better.orchestrator_reversal_id, other.orchestrator_reversal_id
        ),
    )


def require_left(gift: Decimal, refunds: Iterable[Refund], given_again: Decimal) -> None:
    """Raises ``Damaged`` when refunds of one kind together exceed what there was to refund.

    ``given_again`` is what reversals of such refunds brought back. One refund alone may
    exceed the gift: banks add their fees.
    """
    amounts = [refund.amount for refund in refunds]
    if len(amounts) > 1 and sum(amounts) > gift + given_again:
        text = "is more than what is left of the gift after its other refunds"
        raise Damaged("DATA_INCONSISTENT", text, "gross")


def books(gift: Decimal, usd: Decimal, refunds: Iterable[Refund]) -> Books:
    """The books of a gift of ``gift`` in its currency, worth ``usd``.

    The first refund by date takes the payment's whole row out; an adjustment puts back what
    it left (or takes what it took beyond). Each of the others is an entry of its own amount.
    A reversal never touches the payment's row. What is kept is worth its part of ``usd``, to
    the cent, at every step.
    """
    ordered = sorted(refunds, key=lambda refund: refund.order)
    turned = next((refund for refund in ordered if refund.status in TAKEN_BACK), None)
    left = gift
    entries = []
    if turned is not None:
        left -= turned.amount
        if left:
            entries.append(Entry(turned, left, _part(usd, left, gift), is_adjustment=True))
    for refund in ordered:
        if refund is not turned:
            before, left = left, left - refund.amount
            worth = _part(usd, left, gift) - _part(usd, before, gift)
            is_adjustment = turned is not None and refund.kind == turned.kind
            entries.append(Entry(refund, -refund.amount, worth, is_adjustment))
    return Books(turned, entries)


def _part(usd: Decimal, left: Decimal, gift: Decimal) -> Decimal:
    return money.rounded(usd * left / gift, REPORTING_CURRENCY)


def _is_same(known: Refund, told: Refund) -> bool:
    """Ids decide; where none can be compared, a refund of the same amount is the same.

    A cancellation only says that the payment came to nothing, which the refund or
    chargeback that another system tells of says better.
    """
    is_vague = Status.CANCELLED in (known.status, told.status)
    if known.kind != told.kind and (Status.REVERSAL in (known.status, told.status) or not is_vague):
        return False
    if any(_comparable(known, told)):
        return _shares_id(known, told)
    return known.amount == told.amount


def _comparable(known: Refund, told: Refund) -> list[tuple[str, str]]:
    pairs = (
        (known.refund_id, told.refund_id),
        (known.backend_reversal_id, told.backend_reversal_id),
    )
    return [pair for pair in pairs if all(pair)]


def _shares_id(known: Refund, told: Refund) -> bool:
    return any(ours == theirs for ours, theirs in _comparable(known, told))


def _credit(refund: Refund) -> tuple[bool, bool, datetime, Decimal]:
    """Smaller for the better telling."""
    has_id = bool(refund.refund_id or refund.backend_reversal_id)
    return refund.status == Status.CANCELLED, not has_id, refund.at, refund.amount


def _either(better: str, other: str) -> str:
    """Two different ids of one refund: always the same one of them."""
    return min(filter(None, (better, other)), default="")
