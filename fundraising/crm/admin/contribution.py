"""Contributions in the admin."""

from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from fundraising.crm.admin.base import ContributionInline, amount_text, anchor, link
from fundraising.crm.models import Contribution
from fundraising.crm.refunds import adjustments
from queues.admin.base import WatchedAdmin
from queues.admin.provenance import provenance

LABELS = {
    Contribution.Status.COMPLETED: "success",
    Contribution.Status.REFUNDED: "warning",
    Contribution.Status.CHARGEBACK: "danger",
    Contribution.Status.CANCELLED: "warning",
    Contribution.Status.REVERSAL: "warning",
}


class AdjustmentInline(ContributionInline):
    """Refunds, chargebacks and reversals of a payment."""

    fk_name = "parent_contribution"
    verbose_name_plural = "refunds, reversals and adjustments"


@admin.register(Contribution)
class ContributionAdmin(WatchedAdmin):
    """Looking only: money is moved by messages."""

    list_display = (
        "id",
        "receive_date",
        "given",
        "total_amount",
        "state",
        "gateway",
        "payment_instrument",
        "trxn_id",
        "contact_link",
    )
    list_display_links = ("id", "trxn_id")
    list_filter = ("contribution_status", "is_payment")
    list_select_related = ("contact",)
    search_fields = ("trxn_id",)
    search_help_text = "order id, gateway's transaction id, trxn_id, tracking id or contact id"
    date_hierarchy = "receive_date"
    ordering = ("-receive_date", "-id")
    show_full_result_count = False
    inlines = (AdjustmentInline,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("given", "contribution_status", "receive_date"),
                    ("total_amount", "fee_amount", "net_amount"),
                    ("contact_link", "recurring_link", "parent_link"),
                    "no_thank_you",
                )
            },
        ),
        (
            "Taken back",
            {
                "fields": (
                    ("kept", "cancel_date", "cancel_reason"),
                    ("refund_trxn_id", "backend_processor_reversal_id"),
                    "payment_orchestrator_reversal_id",
                )
            },
        ),
        (
            "Payment",
            {
                "fields": (
                    ("gateway", "gateway_account"),
                    ("payment_instrument", "financial_type"),
                    ("trxn_id", "invoice_id"),
                    ("order_id", "gateway_txn_id", "gateway_status_raw"),
                    ("backend_processor", "backend_processor_txn_id"),
                    ("payment_orchestrator_reconciliation_id", "auth_id", "capture_id"),
                )
            },
        ),
        (
            "Gift",
            {
                "fields": (
                    ("gift_fund", "gift_campaign", "gift_appeal"),
                    ("gift_channel", "gift_package", "is_major_gift"),
                )
            },
        ),
        (
            "Settlement",
            {
                "fields": (
                    ("settlement_date", "settlement_currency", "settlement_batch_reference"),
                    ("settled_donation_amount", "settled_fee_amount"),
                    (
                        "settlement_batch_reversal_reference",
                        "settled_reversal_amount",
                        "settled_fee_reversal_amount",
                    ),
                )
            },
        ),
        (
            "Where from",
            {
                "fields": (
                    ("trace_link", "tracking_link", "damaged_link"),
                    provenance,
                    ("source_name", "source_type", "source_host"),
                    ("source_enqueued_time", "created_at"),
                )
            },
        ),
    )

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Contribution],
        search_term: str,
    ) -> tuple[QuerySet[Contribution], bool]:
        """By the ids as people have them at hand."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = (
            Q(order_id=term)
            | Q(order_id__startswith=f"{term}.")
            | Q(gateway_txn_id=term)
            | Q(backend_processor_txn_id=term) & ~Q(backend_processor_txn_id="")
            | Q(trxn_id=term)
            | Q(invoice_id=term)
        )
        if term.isascii() and term.isdigit() and len(term) <= 18:
            wanted |= Q(pk=int(term)) | Q(contact=int(term)) | Q(contribution_tracking_id=int(term))
        return queryset.filter(wanted), False

    @admin.display(description="amount", ordering="original_amount")
    def given(self, row: Contribution) -> str:
        """What the donor gave, in the donor's currency."""
        return amount_text(row.original_amount, row.original_currency)

    @admin.display(description="kept of the gift")
    def kept(self, row: Contribution) -> str:
        """What is left of a payment after its refunds, in the donor's currency and in USD."""
        if not row.is_payment:
            return "–"
        amount, usd = adjustments.kept(row)
        return f"{amount_text(amount.amount, amount.currency)} ({amount_text(usd, 'USD')})"

    @display(description="status", label=LABELS)  # type: ignore[untyped-decorator]  # unfold is untyped
    def state(self, row: Contribution) -> tuple[str, str]:
        """The status."""
        return row.contribution_status, row.get_contribution_status_display()

    @admin.display(description="contact")
    def contact_link(self, row: Contribution) -> SafeString | str:
        """Who gave."""
        return link(row.contact)

    @admin.display(description="recurring contribution")
    def recurring_link(self, row: Contribution) -> SafeString | str:
        """The agreement that it is an instalment of."""
        return link(row.contribution_recur)

    @admin.display(description="of payment")
    def parent_link(self, row: Contribution) -> SafeString | str:
        """The payment that this refunds, reverses or adjusts."""
        return link(row.parent_contribution)

    @admin.display(description="tracking")
    def tracking_link(self, row: Contribution) -> SafeString | str:
        """The visit that it came of."""
        if row.contribution_tracking_id is None:
            return "–"
        url = reverse(
            "admin:tracking_contributiontracking_change", args=[row.contribution_tracking_id]
        )
        return anchor(url, str(row.contribution_tracking_id))

    @admin.display(description="timeline")
    def trace_link(self, row: Contribution) -> SafeString | str:
        """All that is known of the payment, in the order in which it happened."""
        known_by = row.order_id or row.gateway_txn_id
        return (
            anchor(f"{reverse('trace')}?{urlencode({'q': known_by})}", "trace") if known_by else "–"
        )

    @admin.display(description="damaged messages")
    def damaged_link(self, row: Contribution) -> SafeString | str:
        """Messages of this order that could not be imported at first, or cannot."""
        if not row.order_id:
            return "–"
        url = reverse("admin:queues_damagedmessage_changelist")
        query = urlencode({"status": "all", "q": row.order_id})
        return anchor(f"{url}?{query}", "of this order")
