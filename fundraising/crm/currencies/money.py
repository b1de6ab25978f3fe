"""Money: amounts as ``Decimal``, rounded by the digits of ISO 4217."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache

from iso4217 import Currency

REPORTING_CURRENCY = "USD"

# Beyond any payment, and in any currency of the tables still a numeric(20, 2) of dollars.
MAX_INTEGER_DIGITS = 14
MAX_FRACTION_DIGITS = 12
DEFAULT_DIGITS = 2

# Thousands commas must be in their places: "1,50" is a European decimal comma, and to
# read it as 150 would book a hundredfold.
_AMOUNT = re.compile(
    r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3})?(?:\.\d*)?", re.ASCII
)
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)


class InvalidMoney(ValueError):
    """An amount or a currency is not usable; the text says why and never holds the value."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217 code, upper case)."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        """As a contribution's source names it: ``CZK 1.00``."""
        return f"{self.currency} {self.amount:f}"

    def rounded(self) -> "Money":
        """To the digits of the currency, half away from zero."""
        return Money(rounded(self.amount, self.currency), self.currency)

    def convert(self, rate: Decimal, currency: str) -> "Money":
        """In another currency, of which one unit of ours buys ``rate``; rounded."""
        return Money(self.amount * rate, currency).rounded()

    @property
    def minor_units(self) -> int:
        """Rounded, in the smallest unit (cents), as processors count."""
        return int(self.rounded().amount.scaleb(digits(self.currency)))

    @classmethod
    def from_minor_units(cls, units: int, currency: str) -> "Money":
        """From the smallest unit (cents); exact."""
        return cls(Decimal(units).scaleb(-digits(currency)), currency)


@cache
def digits(currency: str) -> int:
    """Decimal places of a currency by ISO 4217.

    2 for one that ISO has withdrawn or that has no minor unit (metals), because the
    static rate table still holds those and their amounts must still round.
    """
    try:
        exponent = Currency(currency).exponent
    except ValueError:
        return DEFAULT_DIGITS
    return DEFAULT_DIGITS if exponent is None else exponent


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the digits of the currency, half away from zero; negative zero becomes zero."""
    return amount.quantize(Decimal(1).scaleb(-digits(currency)), ROUND_HALF_UP) + 0


def parse_amount(value: object) -> Decimal:
    """An amount from the wire: text (thousands commas allowed), int or Decimal.

    Raises ``InvalidMoney`` for anything else, NaN, infinities, exponents and absurd sizes.
    """
    amount = _decimal(value)
    if not amount.is_finite():
        raise InvalidMoney("is not a finite number")
    if amount.adjusted() >= MAX_INTEGER_DIGITS:
        raise InvalidMoney(f"has more than {MAX_INTEGER_DIGITS} digits before the point")
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MAX_FRACTION_DIGITS:
        # Producers that count in binary floats send tails such as 12.100000000000000355.
        amount = amount.quantize(Decimal(1).scaleb(-MAX_FRACTION_DIGITS), ROUND_HALF_UP)
    return amount


def parse_currency(value: object) -> str:
    """A three-letter code, upper case; whether anyone knows it is for the rates to say.

    Raises ``InvalidMoney``.
    """
    code = value.strip().upper() if isinstance(value, str) else ""
    if not _CODE.fullmatch(code):
        raise InvalidMoney("is not a three-letter currency code")
    return code


def _decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, str):
        raise InvalidMoney(f"is of type {type(value).__name__}, not an amount")
    text = value.strip()
    if len(text) > 64:
        raise InvalidMoney("has too many digits")
    if not _AMOUNT.fullmatch(text):
        raise InvalidMoney("is not a decimal number")
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise InvalidMoney("is not a decimal number") from None
