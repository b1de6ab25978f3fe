"""The message layer in Django's admin: what people see and repair."""

from queues.admin.bulk_resends import BulkResendAdmin
from queues.admin.damaged import DamagedMessageAdmin
from queues.admin.maintenance import MaintenanceWindowAdmin
from queues.admin.movers import MoverStateAdmin

__all__ = ["BulkResendAdmin", "DamagedMessageAdmin", "MaintenanceWindowAdmin", "MoverStateAdmin"]
