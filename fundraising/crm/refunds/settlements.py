"""How the bank settled a contribution, written on its row; rules on an unsaved row.

A contribution is settled when its money arrives, and again when it is taken back. What is
told of each is kept in columns of its own (domain section 3.9, *settle*).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from fundraising.crm.currencies import money
from fundraising.crm.currencies.money import REPORTING_CURRENCY
from fundraising.crm.currencies.rates import Rates
from fundraising.crm.models import Contribution

_STORED = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One settlement; amounts are in ``currency``, a fee that we paid is negative.

    A negative ``total`` settles that the money was taken back.
    """

    at: datetime
    currency: str
    total: Decimal
    fee: Decimal | None = None
    batch_reference: str = ""


class _Side(NamedTuple):
    """The columns of one of the two settlements."""

    total: str
    fee: str
    batch_reference: str


_DONATION = _Side("settled_donation_amount", "settled_fee_amount", "settlement_batch_reference")
_REVERSAL = _Side(
    "settled_reversal_amount",
    "settled_fee_reversal_amount",
    "settlement_batch_reversal_reference",
)
REVERSAL_COLUMNS: tuple[str, ...] = _REVERSAL
"""How the money that was taken back was settled."""

COLUMNS: tuple[str, ...] = (
    *("total_amount", "fee_amount", "net_amount", "settlement_date", "settlement_currency"),
    *_DONATION,
    *_REVERSAL,
)
"""All that a settlement may change."""


def settle(row: Contribution, told: Settled, rates: Rates) -> bool:
    """Write a settlement on a row; returns whether anything changed.

    What is known is never overwritten with nothing. Of two settlements of one gift the
    later by date stands (of two reversals, which have no date of their own on the row, the
    one with the greater batch reference), whichever is told first.
    Raises ``UnknownCurrency`` for a fee in a currency that has no rate.
    """
    before = [getattr(row, name) for name in COLUMNS]
    side = _REVERSAL if told.total < 0 else _DONATION
    is_later = _record(row, told, side)
    if is_later and (side is _DONATION or row.settled_donation_amount is None):
        row.settlement_date, row.settlement_currency = told.at, told.currency
    if side is _DONATION:
        _correct_amounts(row, rates)
    return [getattr(row, name) for name in COLUMNS] != before


def _record(row: Contribution, told: Settled, side: _Side) -> bool:
    """Write one side; returns whether this settlement is the later one, and stands."""
    fee = None if told.fee is None else _stored(told.fee)
    told = replace(told, total=_stored(told.total), fee=fee)
    known = Settled(
        at=row.settlement_date or told.at,
        currency=row.settlement_currency,
        total=getattr(row, side.total) or Decimal(0),
        fee=getattr(row, side.fee),
        batch_reference=getattr(row, side.batch_reference),
    )
    is_later = getattr(row, side.total) is None or _rank(told, side) >= _rank(known, side)
    first, second = (told, known) if is_later else (known, told)
    setattr(row, side.total, first.total)
    setattr(row, side.fee, second.fee if first.fee is None else first.fee)
    setattr(row, side.batch_reference, first.batch_reference or second.batch_reference)
    return is_later


def _rank(settled: Settled, side: _Side) -> tuple[object, ...]:
    fee = settled.fee
    told = settled.batch_reference, settled.total, fee is not None, fee or Decimal(0)
    dated = settled.at, settled.currency
    return (*dated, *told) if side is _DONATION else (*told, *dated)


def _stored(amount: Decimal) -> Decimal:
    """As the columns hold it."""
    return amount.quantize(_STORED, ROUND_HALF_UP)


def _correct_amounts(row: Contribution, rates: Rates) -> None:
    """The USD amounts by what the bank really paid, as far as it tells them.

    Settled in another currency, only a fee that the donation's own message did not tell
    becomes known.
    """
    total, fee, at = row.settled_donation_amount, row.settled_fee_amount, row.settlement_date
    if row.settlement_currency == REPORTING_CURRENCY and total is not None:
        row.total_amount = money.rounded(total, REPORTING_CURRENCY)
        if fee is not None:
            row.fee_amount = money.rounded(-fee, REPORTING_CURRENCY)
    elif fee is not None and at is not None and not row.original_fee_amount:
        rate = rates.value_in_usd(row.settlement_currency, at)
        row.fee_amount = money.rounded(-fee * rate, REPORTING_CURRENCY)
    row.net_amount = row.total_amount - row.fee_amount
