"""Events of processors in the admin: did they tell us of this payment, and what became of it?"""

from django.contrib import admin

from fundraising.gateways.models import ProcessorEvent
from queues.admin.base import WatchedAdmin


@admin.register(ProcessorEvent)
class ProcessorEventAdmin(WatchedAdmin):
    """Looking only."""

    list_display = ("event_id", "queue", "gateway", "order_id", "gateway_txn_id", "created_at")
    list_filter = ("queue", "gateway")
    search_fields = ("=event_id", "=order_id", "=gateway_txn_id")
    search_help_text = "event, order id or gateway's transaction id"
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-pk")
    show_full_result_count = False
