"""A donor's telephone."""

import base64
import binascii
import re
from dataclasses import dataclass

SMS_LOCATION = "sms_mobile"
# Stands for the number of a recipient whom only the sender of text messages knows.
UNKNOWN_NUMBER = "99999"

_DIGITS = re.compile(r"\d{1,18}", re.ASCII)
_US_NUMBER = re.compile(r"1?\d{10}", re.ASCII)
_NOT_DIGITS = re.compile(r"\D", re.ASCII)


@dataclass(frozen=True, slots=True)
class Phone:
    """A telephone number and how it came to us.

    ``type`` is Phone or Mobile; ``source`` Venmo, Paypal, Payments Form, Acoustic or empty;
    ``location`` is ``sms_mobile`` for numbers that may be texted, else empty (then not saved).
    """

    number: str
    type: str = "Phone"
    source: str = ""
    location: str = ""
    country_code: str = ""
    recipient_id: str = ""


def phone(
    number: str,
    *,
    gateway: str = "",
    payment_method: str = "",
    sms_opt_in: bool = False,
    recipient_id: str = "",
) -> Phone | None:
    """The telephone a donation message tells of, or None.

    Raises ValueError for a recipient_id that is neither a number nor one in base64.
    """
    if recipient_id:
        return Phone(
            number or UNKNOWN_NUMBER,
            type="Mobile",
            source="Acoustic",
            location=SMS_LOCATION,
            recipient_id=_recipient(recipient_id),
        )
    if not number:
        return None
    if sms_opt_in:
        country_code, national = _us_parts(number)
        return Phone(
            national, source="Payments Form", location=SMS_LOCATION, country_code=country_code
        )
    return Phone(number, source=_source(gateway, payment_method))


def _source(gateway: str, payment_method: str) -> str:
    if payment_method == "venmo" or (gateway == "braintree" and not payment_method):
        return "Venmo"
    if payment_method == "paypal" or gateway in ("paypal", "paypal_ec"):
        return "Paypal"
    return ""


def _us_parts(number: str) -> tuple[str, str]:
    """Country code and national number; a number that is not of North America stays whole."""
    digits = _NOT_DIGITS.sub("", number)
    is_foreign = number.startswith("+") and not digits.startswith("1")
    if is_foreign or not _US_NUMBER.fullmatch(digits):
        return "", number
    return "1", digits[-10:]


def _recipient(text: str) -> str:
    if _DIGITS.fullmatch(text):
        return text
    # The mail sender's links carry it in base64 with two more characters behind.
    encoded = text[:-2].rstrip("=")
    padding = "=" * (-len(encoded) % 4)
    try:
        decoded = base64.b64decode(encoded + padding, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        decoded = ""
    if not _DIGITS.fullmatch(decoded):
        raise ValueError("is neither a number nor a number in base64")
    return decoded
