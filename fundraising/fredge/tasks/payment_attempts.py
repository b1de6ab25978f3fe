"""The consumer of ``payment-attempts``."""

from collections.abc import Sequence

from fundraising.fredge.merging import Stamp
from fundraising.fredge.messages import PaymentAttemptMessage
from fundraising.fredge.messages.mandatory import incomplete
from fundraising.fredge.models import PaymentAttempt
from fundraising.fredge.rows import Rows
from queues.consumer import Received, group_consumer


@group_consumer("payment-attempts")
def payment_attempts(group: Sequence[Received[PaymentAttemptMessage]]) -> None:
    """Keep what is known of attempts to pay, and what became of them.

    An outcome that comes before its attempt makes the row, which the attempt then fills.
    """
    told = []
    for item in group:
        if item.message.is_outcome and not item.message.told():
            item.set_aside(incomplete(PaymentAttemptMessage.OUTCOME))
        else:
            told.append(item)
    if not told:
        return
    rows = Rows(PaymentAttempt, ((item.message.order_id,) for item in told))
    for item in told:
        stamp = Stamp.of(item.message.at(), item.key)
        rows.tell((item.message.order_id,), stamp, item.message.told())
    rows.save()
