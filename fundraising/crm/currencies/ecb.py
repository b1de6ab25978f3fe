"""The daily reference rates of the European Central Bank."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from fundraising.crm.currencies import money
from fundraising.crm.currencies.rates import Rate

BASE = "EUR"
_CUBE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"


class InvalidFeed(ValueError):
    """The document is not the bank's feed."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Units of ``currency`` per euro on a bank day."""

    date: date
    currency: str
    units_per_eur: Decimal


def parse_daily(xml: bytes) -> list[Quote]:
    """The quotes of the bank's XML feed (one day or many), EUR = 1 included.

    Raises ``InvalidFeed``; a feed with one bad quote is refused whole, because a rate that
    is silently missing would be replaced by an old one.
    """
    try:
        root = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException) as error:
        raise InvalidFeed(f"not usable XML: {type(error).__name__}") from error
    quotes = []
    for day in root.iter(_CUBE):
        if "time" not in day.attrib:
            continue
        bank_day = _date(day.attrib["time"])
        quotes.append(Quote(bank_day, BASE, Decimal(1)))
        quotes.extend(_quote(bank_day, cube.attrib) for cube in day)
    if not quotes:
        raise InvalidFeed("holds no rates")
    return quotes


def to_usd(quotes: Iterable[Quote]) -> list[Rate]:
    """Rates in USD, by the USD quote of the same day; bank_update is 00:00 UTC of that day.

    Raises ``InvalidFeed`` when a day has no USD quote.
    """
    listed = list(quotes)
    usd_per_eur = {
        quote.date: quote.units_per_eur
        for quote in listed
        if quote.currency == money.REPORTING_CURRENCY
    }
    missing = {quote.date for quote in listed} - usd_per_eur.keys()
    if missing:
        raise InvalidFeed(f"no {money.REPORTING_CURRENCY} quote on {min(missing).isoformat()}")
    return [
        Rate(
            quote.currency,
            usd_per_eur[quote.date] / quote.units_per_eur,
            datetime.combine(quote.date, time(), UTC),
        )
        for quote in listed
        if quote.currency != money.REPORTING_CURRENCY
    ]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidFeed("a day is not a date") from None


def _quote(bank_day: date, attributes: dict[str, str]) -> Quote:
    try:
        currency = money.parse_currency(attributes.get("currency"))
        units = money.parse_amount(attributes.get("rate"))
    except money.InvalidMoney as error:
        raise InvalidFeed(f"a quote of {bank_day.isoformat()} {error}") from None
    if units <= 0:
        raise InvalidFeed(f"the quote for {currency} of {bank_day.isoformat()} is not positive")
    return Quote(bank_day, currency, units)
