"""The exchange rate for a donation's moment."""

import csv
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files

from fundraising.crm.currencies.money import REPORTING_CURRENCY


class UnknownCurrency(LookupError):
    """No table has a rate; the text is ``UNKNOWN_CURRENCY: '<CUR>'``."""

    def __init__(self, currency: str) -> None:
        # Only what looks like a code is repeated: another field's value may stand there.
        shown = (
            currency if len(currency) == 3 and currency.isascii() and currency.isalpha() else "?"
        )
        super().__init__(f"UNKNOWN_CURRENCY: '{shown}'")


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of ``currency`` is worth by the bank's figure of ``bank_update`` (aware)."""

    currency: str
    value_in_usd: Decimal
    bank_update: datetime


class Rates:
    """Rates known from the bank, and the static table behind them."""

    def __init__(self, rows: Iterable[Rate] = ()) -> None:
        self._rows: dict[str, list[Rate]] = {}
        for row in sorted(rows, key=lambda row: row.bank_update):
            self._rows.setdefault(row.currency, []).append(row)

    def value_in_usd(self, currency: str, at: datetime) -> Decimal:
        """Newest bank rate strictly before ``at``, else the static table.

        ``at`` is aware; every moment is looked up for itself, so that the first donation of
        a day does not fix the rate of the whole day. Raises ``UnknownCurrency``.
        """
        if currency == REPORTING_CURRENCY:
            return Decimal(1)
        rows = self._rows.get(currency, [])
        position = bisect_left(rows, at, key=lambda row: row.bank_update)
        if position:
            return rows[position - 1].value_in_usd
        return static_value_in_usd(currency)


def static_value_in_usd(currency: str) -> Decimal:
    """By the table that comes with the package. Raises ``UnknownCurrency``."""
    try:
        return 1 / _units_per_usd()[currency]
    except KeyError:
        raise UnknownCurrency(currency) from None


@cache
def _units_per_usd() -> dict[str, Decimal]:
    table = files("fundraising.crm").joinpath("data/units_per_usd.csv").read_text("ascii")
    lines = (line for line in table.splitlines() if not line.startswith("#"))
    return {row["currency"]: Decimal(row["units_per_usd"]) for row in csv.DictReader(lines)}
