"""The ``unsubscribe`` message: the link under a thank-you mail was followed."""

from pydantic import ConfigDict, Field

from fundraising.crm.messages.fields import Email, Number
from queues.messages import Message


class UnsubscribeMessage(Message):
    """Who wants no more e-mail, and the contribution whose mail they had.

    Both are required, which the consumer sees to, as their absence has a code of its own.
    """

    MANDATORY = ("email", "contribution_id")

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    email: Email = ""
    contribution_id: Number = Field(None, alias="contribution-id")
