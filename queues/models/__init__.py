"""The tables of the message layer."""

from queues.models.bulk_resend import BulkResend, BulkResendItem
from queues.models.damaged import DamagedMessage, DamagedMessageEvent
from queues.models.maintenance import MaintenanceWindow
from queues.models.message import FromMessage, InboxMark
from queues.models.mover import MoverState
from queues.models.mover_position import MoverPosition, OutboxPassage
from queues.models.outbox import OutboxMessage
from queues.models.sequence import SequenceGuard, SequenceNumber

__all__ = [
    "BulkResend",
    "BulkResendItem",
    "DamagedMessage",
    "DamagedMessageEvent",
    "FromMessage",
    "InboxMark",
    "MaintenanceWindow",
    "MoverPosition",
    "MoverState",
    "OutboxMessage",
    "OutboxPassage",
    "SequenceGuard",
    "SequenceNumber",
]
