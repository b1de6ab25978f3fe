"""The tables of the message layer."""

from queues.models.bulk_resend import BulkResend, BulkResendItem
from queues.models.damaged import DamagedMessage, DamagedMessageEvent
from queues.models.message import FromMessage, InboxMark
from queues.models.outbox import OutboxMessage

__all__ = [
    "BulkResend",
    "BulkResendItem",
    "DamagedMessage",
    "DamagedMessageEvent",
    "FromMessage",
    "InboxMark",
    "OutboxMessage",
]
