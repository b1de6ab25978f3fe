"""The ``lead-generation`` message: somebody signed up for our e-mail without a donation."""

from fundraising.crm.messages import DonationMessage
from fundraising.crm.messages.fields import Text


class LeadGenerationMessage(DonationMessage):
    """Of the fields of a donation, those that tell of the donor; and where they signed up.

    ``email`` and ``leadgen_source`` are required, which the consumer sees to, as their
    absence has a code of its own.
    """

    MANDATORY = ("email", "leadgen_source")

    leadgen_source: Text = ""
