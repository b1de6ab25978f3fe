"""The ``opt-in`` message: no donation came of it, but the donor wants our e-mail."""

from fundraising.crm.messages import DonationMessage


class OptInMessage(DonationMessage):
    """Of the fields of a donation, those that tell of the donor and how they came.

    ``email`` is required, which the consumer sees to, as its absence has a code of its own.
    """

    MANDATORY = ("email",)
