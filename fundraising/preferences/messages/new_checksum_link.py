"""The ``new-checksum-link`` message: a donor's link has expired, and they ask for another."""

from typing import Annotated

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from fundraising.crm.messages.fields import Email, Number, Text
from fundraising.mails.kinds import DONOR_PORTAL, EMAIL_PREFERENCES, OPT_IN, RECURRING_UPGRADE
from queues.messages import Message

PAGES = frozenset({DONOR_PORTAL, EMAIL_PREFERENCES, RECURRING_UPGRADE})
SUBPAGES = {"optIn": OPT_IN}


class NewChecksumLinkMessage(Message):
    """Who asks, by contact id or e-mail address, and for the link to which page."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    contact_id: Number = Field(None, alias="contactID")
    email: Annotated[Email, Field(validate_default=True)] = ""
    page: Text
    subpage: Text = ""

    @field_validator("email")
    @classmethod
    def _or_contact_id(cls, value: str, info: ValidationInfo) -> str:
        if not value and not info.data.get("contact_id"):
            raise ValueError("is missing, and so is contactID")
        return value

    @field_validator("page")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in PAGES:
            raise ValueError("is no page that links are mailed for")
        return value

    @field_validator("subpage")
    @classmethod
    def _of_page(cls, value: str, info: ValidationInfo) -> str:
        if value and (value not in SUBPAGES or info.data.get("page") != EMAIL_PREFERENCES):
            raise ValueError("is no subpage of the page")
        return value

    @property
    def target(self) -> str:
        """The page that the link leads to, as mails name it."""
        return SUBPAGES.get(self.subpage, self.page)
