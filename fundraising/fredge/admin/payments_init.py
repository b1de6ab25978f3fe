"""How attempts to pay ended, in the admin."""

from django.contrib import admin

from fundraising.crm.admin.base import amount_text
from fundraising.fredge.admin.base import GatewayFilter, OrderAdmin
from fundraising.fredge.models import PaymentsInit


@admin.register(PaymentsInit)
class PaymentsInitAdmin(OrderAdmin):
    """Looking only."""

    list_display = (
        "order_id",
        "contribution_tracking_id",
        "gateway",
        "payments_final_status",
        "validation_action",
        "payment_method",
        "tried",
        "country",
        "date",
    )
    list_display_links = ("order_id", "contribution_tracking_id")
    list_filter = (GatewayFilter, "payments_final_status", "validation_action")
    date_hierarchy = "date"
    ordering = ("-date", "-pk")
    fields = (
        ("order_id", "contribution_tracking_id"),
        ("gateway", "gateway_txn_id"),
        ("payments_final_status", "validation_action"),
        ("payment_method", "payment_submethod"),
        ("tried", "country"),
        ("date", "server"),
        "message_id",
    )
    readonly_fields = ("tried", "message_id")

    @admin.display(description="amount", ordering="amount")
    def tried(self, row: PaymentsInit) -> str:
        """What the donor tried to give."""
        return amount_text(row.amount, row.currency_code)
