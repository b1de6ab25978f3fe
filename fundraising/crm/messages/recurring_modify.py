"""The ``recurring-modify`` message."""

from fundraising.crm.messages.fields import Amount, Flag, Id, Moment, Text
from fundraising.crm.messages.recurring import RecurringMessage


class RecurringModifyMessage(RecurringMessage):
    """What a donor, or a processor's own pages, changed of a recurring contribution.

    ``txn_type`` says what, and which fields matter. ``amount`` is in ``currency``, empty for
    that of the record; ``duration`` is such as ``60 days``. What an outside system tells of
    the donor comes in the fields of a donation.
    """

    trxn_id: Id = ""
    amount: Amount = None
    duration: Text = ""
    next_sched_contribution_date: Moment = None
    is_from_save_flow: Flag = False
    campaign: Text = ""
    medium: Text = ""
    source: Text = ""
