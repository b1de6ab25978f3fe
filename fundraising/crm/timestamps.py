"""Dates from the wire, as aware UTC datetimes."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
# Beyond this are milliseconds taken for seconds, not payments.
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

_SECONDS = re.compile(r"@?(-?\d{1,20})(?:\.\d*)?", re.ASCII)
_MEDIAWIKI = re.compile(r"\d{14}", re.ASCII)
# After ISO 8601 and RFC 2822, what PayPal and settlement files write.
_FORMATS = (
    "%H:%M:%S %b %d, %Y %Z",
    "%Y-%m-%d %H:%M:%S %Z",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
    "%d %B %Y",
    "%B %d, %Y",
)
_PACIFIC = {"PST": timedelta(hours=8), "PDT": timedelta(hours=7)}
_PAYPAL = re.compile(r"\d{1,2}:\d{2}:\d{2} [A-Za-z]{3} \d{1,2}, \d{4} (PST|PDT)", re.ASCII)


class InvalidTimestamp(ValueError):
    """A date is not usable; the text names the field and the fault, not the value."""


def parse(value: object, field: str, default: datetime) -> datetime:
    """The moment that ``value`` means.

    Unix seconds as a number or digits (a fraction is cut, ``@123.456`` too), a MediaWiki
    timestamp (14 digits), or date text, UTC unless it names a zone. Empty means ``default``.
    Raises ``InvalidTimestamp``, where the original took the present for what it could not read.
    """
    if value is None or value is False or (isinstance(value, str) and not value.strip()):
        return default
    moment = _moment(value, field)
    if not EARLIEST <= moment < LATEST:
        raise InvalidTimestamp(
            f"{field} lies outside the years {EARLIEST.year} to {LATEST.year - 1}"
        )
    return moment


def _moment(value: object, field: str) -> datetime:
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _unix(value, field)
    if isinstance(value, Decimal) and value.is_finite():
        return _unix(int(value), field)
    if not isinstance(value, str):
        raise InvalidTimestamp(f"{field} is of type {type(value).__name__}, not a date")
    text = value.strip()
    if _MEDIAWIKI.fullmatch(text):
        return _strptime(text, "%Y%m%d%H%M%S") or _unreadable(field)
    if seconds := _SECONDS.fullmatch(text):
        return _unix(int(seconds.group(1)), field)
    return _from_text(text) or _unreadable(field)


def _from_text(text: str) -> datetime | None:
    if len(text) > 64:
        return None
    if paypal := _PAYPAL.fullmatch(text):
        local = _strptime(text[: -len(" PST")], "%H:%M:%S %b %d, %Y")
        return local + _PACIFIC[paypal.group(1)] if local else None
    try:
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        pass  # not ISO 8601: the other forms are tried
    try:
        return _utc(parsedate_to_datetime(text))
    except (ValueError, OverflowError):
        pass  # nor RFC 2822
    return next((moment for form in _FORMATS if (moment := _strptime(text, form))), None)


def _strptime(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None


def _unix(seconds: int, field: str) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise InvalidTimestamp(f"{field} is no moment in unix seconds") from None


def _utc(moment: datetime) -> datetime:
    """Text without a zone is UTC, as everything on the wire."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _unreadable(field: str) -> datetime:
    raise InvalidTimestamp(f"{field} is not a date in any known form")
