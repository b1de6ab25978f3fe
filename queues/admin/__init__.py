"""The message layer in Django's admin: what people see and repair."""

from queues.admin.bulk_resends import BulkResendAdmin
from queues.admin.damaged import DamagedMessageAdmin

__all__ = ["BulkResendAdmin", "DamagedMessageAdmin"]
