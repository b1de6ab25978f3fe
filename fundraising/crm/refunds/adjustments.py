"""The rows of a gift that was taken back: its payment's own, and those beside it.

:mod:`fundraising.crm.refunds.rules` says what stands in the books; here it is read from the rows
and written on them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from django.db.models import Q, QuerySet

from fundraising.crm import trxn_ids
from fundraising.crm.currencies.money import Money
from fundraising.crm.models import Contribution
from fundraising.crm.refunds import rules, settlements
from fundraising.crm.refunds.rules import Entry, Refund
from fundraising.crm.trxn_ids import TrxnId

Status = Contribution.Status
Values = dict[str, object]

NO_THANK_YOU = "refund"
_INVOICE_LENGTH = 300
GIFT_DATA = (
    *("gift_fund", "gift_campaign", "gift_appeal", "gift_channel", "gift_package"),
    "is_major_gift",
)
_TAKEN_OVER = (
    *("contact_id", "payment_instrument", "order_id", "gateway", "gateway_txn_id"),
    *("gateway_account", "backend_processor", "backend_processor_txn_id", "original_currency"),
    *GIFT_DATA,
)
# By status: the financial type, and the raw status, which an adjustment keeps besides.
_NAMES = {
    Status.REFUNDED: ("Refund", "refund"),
    Status.CANCELLED: ("Refund", "cancel"),
    Status.CHARGEBACK: ("Chargeback", "chargeback"),
    Status.REVERSAL: ("Reversal", "reversal"),
}
_BY_RAW = {raw: status for status, (_, raw) in _NAMES.items()}
_NOT_SETTLED: Values = dict(zip(settlements.REVERSAL_COLUMNS, (None, None, ""), strict=True))


@dataclass(eq=False, slots=True)
class Line:
    """A refund of a gift, and the row beside the payment that shows it, if there is one.

    ``settled`` are the columns that tell how the bank settled it.
    """

    refund: Refund
    row: Contribution | None = None
    settled: Values = field(default_factory=_NOT_SETTLED.copy)
    is_new: bool = False


class GiftBooks:
    """The refunds of one payment, whose row must be locked (``select_for_update``)."""

    def __init__(self, payment: Contribution) -> None:
        """Reads what is known; one query."""
        self.payment = payment
        self._given_again: list[tuple[str, Decimal]] = []
        self._lines: list[Line] = []
        adjustments: list[Line] = []
        for row in beside(payment):
            trxn_id = trxn_ids.parse(row.trxn_id or "")
            if trxn_id.is_refund:
                line = Line(_shown_by(row, trxn_id), row, _settled(row))
                (adjustments if trxn_id.adjustment else self._lines).append(line)
            elif row.original_currency == payment.original_currency:
                kind = rules.GIVEN_AGAIN.get(trxn_id.kind, trxn_id.kind)
                self._given_again.append((kind, row.original_amount))
        self._turned = _turning(payment, adjustments)
        self._lines += adjustments + ([self._turned] if self._turned else [])

    @property
    def refunds(self) -> list[Refund]:
        """All that is known."""
        return [line.refund for line in self._lines]

    @property
    def charged_back_at(self) -> datetime | None:
        """When it was first charged back."""
        moments = (one.at for one in self.refunds if one.status == Status.CHARGEBACK)
        return min(moments, default=None)

    def tell(self, told: Refund) -> Line:
        """Take what a message tells into account.

        Raises ``Damaged`` when there was not so much left to take back.
        """
        one, known = rules.with_told(self.refunds, told)
        if one is not None:
            line = next(line for line in self._lines if line.refund is one)
            line.refund = known
            return line
        self._lines.append(Line(known, is_new=True))
        rules.require_left(
            self.payment.original_amount,
            [refund for refund in self.refunds if refund.kind == told.kind],
            sum((amount for kind, amount in self._given_again if kind == told.kind), Decimal(0)),
        )
        return self._lines[-1]

    def write(self) -> bool:
        """Bring the rows to what the refunds make of them; returns whether any changed.

        A row stays with its refund, so that whoever knows its number still finds it.
        """
        books = rules.books(self.payment.original_amount, self.payment.total_amount, self.refunds)
        turned = next((line for line in self._lines if line.refund is books.turned), None)
        entries = {entry.refund: entry for entry in books.entries}
        changed = self._turn(turned) if turned else False
        for line in self._lines:
            changed |= self._show(line, entries.get(line.refund))
        return changed

    def row_of(self, line: Line) -> Contribution:
        """The row that tells of a refund, once written."""
        return self.payment if line is self._turned or line.row is None else line.row

    def _turn(self, line: Line) -> bool:
        """Have the payment's row tell of the refund that takes it out of the books."""
        if self._turned is None:
            line.settled = _settled(self.payment)
        self._turned, refund = line, line.refund
        return _set(
            self.payment,
            {
                "contribution_status": refund.status,
                "cancel_date": refund.at,
                "refund_trxn_id": refund.refund_id,
                "backend_processor_reversal_id": refund.backend_reversal_id,
                "payment_orchestrator_reversal_id": refund.orchestrator_reversal_id,
                **line.settled,
            },
        )

    def _show(self, line: Line, entry: Entry | None) -> bool:
        """Have a row beside the payment for an entry, and none without."""
        if entry is None:
            if line.row is None:
                return False
            line.row.delete()
            line.row = None
            return True
        if line.row is None:
            line.row = Contribution(parent_contribution=self.payment, is_payment=False)
        settled = _NOT_SETTLED if line is self._turned else line.settled
        return _set(line.row, {**_values(self.payment, entry), **settled})


def beside(payment: Contribution) -> QuerySet[Contribution]:
    """The rows that undo or adjust a payment, whichever queue they came by."""
    rows = Contribution.objects.filter(is_payment=False, trxn_id__isnull=False)
    same_ids = Q(gateway=payment.gateway, gateway_txn_id=payment.gateway_txn_id)
    return rows.filter(Q(parent_contribution=payment) | same_ids & ~Q(gateway_txn_id=""))


def kept(payment: Contribution) -> tuple[Money, Decimal]:
    """What is left of a gift after all that was told of it: in its currency, and in USD."""
    counted = [row for row in beside(payment) if row.original_currency == payment.original_currency]
    if payment.contribution_status not in rules.TAKEN_BACK:
        counted.append(payment)
    amount = sum((row.original_amount for row in counted), Decimal(0))
    usd = sum((row.total_amount for row in counted), Decimal(0))
    return Money(amount, payment.original_currency).rounded(), usd


def follow(payments: Iterable[Contribution]) -> None:
    """Have the rows beside payments take over their gift data, which changed."""
    rows = Contribution.objects.filter(parent_contribution__in=payments)
    for row in rows.select_related("parent_contribution"):
        _set(row, {column: getattr(row.parent_contribution, column) for column in GIFT_DATA})


def name(payment: Contribution, refund: Refund, *, is_adjustment: bool) -> TrxnId:
    """The trxn_id of the row that shows a refund; one without an id is named by its moment.

    Raises ``InvalidTrxnId`` for an id that makes none.
    """
    refund_id = "-".join((refund.refund_id or refund.backend_reversal_id).split())
    return TrxnId(
        payment.gateway,
        refund_id or payment.gateway_txn_id,
        is_refund=True,
        kind=refund.kind,
        recurring=payment.contribution_recur_id is not None,
        adjustment=is_adjustment,
        timestamp="" if refund_id else str(int(refund.at.timestamp())),
    )


def _turning(payment: Contribution, adjustments: list[Line]) -> Line | None:
    """The refund that gave the payment its status.

    Its row, if there is one, is taken off the adjustments: it shows what was left of the gift.
    """
    if payment.contribution_status not in rules.TAKEN_BACK:
        return None
    refund = Refund(
        status=payment.contribution_status,
        amount=payment.original_amount,
        at=payment.cancel_date or payment.receive_date,
        refund_id=payment.refund_trxn_id,
        backend_reversal_id=payment.backend_processor_reversal_id,
        orchestrator_reversal_id=payment.payment_orchestrator_reversal_id,
    )
    line = Line(refund, settled=_settled(payment))
    for other in adjustments:
        if _identity(other.refund) == _identity(refund) and other.row is not None:
            adjustments.remove(other)
            line.row = other.row
            line.refund = replace(
                refund,
                amount=payment.original_amount - other.row.original_amount,
                message_id=other.row.message_id,
            )
            break
    return line


def _identity(refund: Refund) -> tuple[str, str, str, datetime]:
    return refund.kind, refund.refund_id, refund.backend_reversal_id, refund.at


def _shown_by(row: Contribution, trxn_id: TrxnId) -> Refund:
    """The refund that a row shows, unless it shows what one left of the gift."""
    return Refund(
        status=_BY_RAW.get(row.gateway_status_raw) or rules.BY_KIND[trxn_id.kind],
        amount=-row.original_amount,
        at=row.receive_date,
        refund_id=row.refund_trxn_id,
        backend_reversal_id=row.backend_processor_reversal_id,
        orchestrator_reversal_id=row.payment_orchestrator_reversal_id,
        message_id=row.message_id,
    )


def _values(payment: Contribution, entry: Entry) -> Values:
    refund = entry.refund
    trxn_id = name(payment, refund, is_adjustment=entry.is_adjustment)
    financial_type, raw = _NAMES[Status(refund.status)]
    return {
        **{column: getattr(payment, column) for column in _TAKEN_OVER},
        "total_amount": entry.usd,
        "net_amount": entry.usd,
        "original_amount": entry.amount,
        "source": str(Money(entry.amount, payment.original_currency).rounded()),
        "receive_date": refund.at,
        "contribution_status": Status.COMPLETED if entry.is_adjustment else refund.status,
        "financial_type": "Refund" if entry.is_adjustment else financial_type,
        "gateway_status_raw": raw,
        "no_thank_you": NO_THANK_YOU,
        "trxn_id": str(trxn_id),
        "invoice_id": _invoice_id(payment, trxn_id) if entry.is_adjustment else None,
        "refund_trxn_id": refund.refund_id,
        "backend_processor_reversal_id": refund.backend_reversal_id,
        "payment_orchestrator_reversal_id": refund.orchestrator_reversal_id,
        "message_id": refund.message_id,
    }


def _invoice_id(payment: Contribution, trxn_id: TrxnId) -> str | None:
    if not payment.invoice_id:
        return None
    number = "-".join(filter(None, (trxn_id.gateway_txn_id, trxn_id.timestamp)))
    return f"{payment.invoice_id}-adjustment-{number}"[:_INVOICE_LENGTH]


def _settled(row: Contribution) -> Values:
    return {column: getattr(row, column) for column in settlements.REVERSAL_COLUMNS}


def _set(row: Contribution, values: Values) -> bool:
    """Write what differs; returns whether anything did."""
    changed = [column for column, value in values.items() if getattr(row, column) != value]
    for column in changed:
        setattr(row, column, values[column])
    if row.pk is None:
        row.save()
    elif changed:
        row.save(update_fields=changed)
    return bool(changed)
