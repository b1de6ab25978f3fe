"""The ``recurring`` message."""

from pydantic import AliasChoices, Field

from fundraising.crm.messages.donations import DonationMessage
from fundraising.crm.messages.fields import Flag, Id, Moment, Text


class RecurringMessage(DonationMessage):
    """What became of a subscription: ``txn_type`` says what, and which fields matter.

    Terms and donor are told in the fields of a donation; a *subscr_payment* is one.
    """

    MANDATORY = ("txn_type",)

    recurring: Flag = True
    cancel_date: Moment = None
    cancel_reason: Text = ""
    contribution_status: Id = Field("", alias="contribution_status_id:name")
    failure_retry_date: Moment = None
    fiscal_number: Text = Field(
        "", validation_alias=AliasChoices("fiscal_number", "legal_identifier")
    )

    @property
    def is_recurring(self) -> bool:
        """All of this queue are, whatever their producer says."""
        return True
