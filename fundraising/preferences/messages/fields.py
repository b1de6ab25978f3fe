"""The types of the fields that the donor-prefs messages share."""

import re
from datetime import date
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field

from fundraising.crm.contacts import addresses
from fundraising.crm.messages.fields import Email, Id, Text, says

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LETTERS = re.compile(r"[A-Za-z]*")
_LANGUAGE = re.compile(r"[0-9A-Za-z_-]*")


def _mailbox(value: str) -> str:
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        # Its own text may hold a part of the address.
        raise ValueError("is no e-mail address") from None
    return value


def _country(value: str) -> str:
    if not _LETTERS.fullmatch(value):
        raise ValueError("is not of letters")
    # Front ends send XX for a country that they could not tell.
    return addresses.valid_country(value)


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise ValueError("is no language code")
    return value


def _day(value: object) -> object:
    if value is None or value is False or value == "":
        return None
    if not isinstance(value, str) or not _DAY.fullmatch(value.strip()):
        raise ValueError("is not of the form YYYY-MM-DD")
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("is a day that there is not") from None


ContactId = Annotated[int, Field(ge=1, lt=2**63)]
Checksum = Annotated[Id, Field(min_length=1)]
Mailbox = Annotated[Email, AfterValidator(_mailbox)]
Country = Annotated[Text, AfterValidator(_country)]
Language = Annotated[Text, AfterValidator(_language)]
Day = Annotated[date | None, BeforeValidator(_day), says("day", "string")]
