"""The ``settle`` message."""

from fundraising.crm.messages.fields import Amount, CurrencyCode, Id, Moment, Number
from queues.messages import Message


class SettleMessage(Message):
    """How the bank settled a contribution; a negative total settles its refund.

    Amounts are in ``settled_currency``, USD when it is not told; a fee that we paid is
    negative.
    """

    MANDATORY = ("contribution_id", "settled_date", "settled_total_amount")

    contribution_id: Number = None
    settled_date: Moment = None
    settled_currency: CurrencyCode = ""
    settled_total_amount: Amount = None
    settled_fee_amount: Amount = None
    settlement_batch_reference: Id = ""
