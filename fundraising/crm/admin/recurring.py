"""Recurring contributions in the admin."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from fundraising.crm.admin.base import ContributionInline, WatchedInline, amount_text, link
from fundraising.crm.models import RecurringContribution, RecurringEvent, TokenDeletion
from queues.admin.base import WatchedAdmin
from queues.admin.provenance import provenance

LABELS = {
    RecurringContribution.Status.IN_PROGRESS: "success",
    RecurringContribution.Status.COMPLETED: "success",
    RecurringContribution.Status.FAILING: "warning",
    RecurringContribution.Status.OVERDUE: "warning",
    RecurringContribution.Status.FAILED: "danger",
}


class InstalmentInline(ContributionInline):
    """What a recurring contribution brought."""

    fk_name = "contribution_recur"
    verbose_name_plural = "instalments"


class EventInline(WatchedInline):
    """What was told of a recurring contribution, the latest first: its state follows from it."""

    model = RecurringEvent
    fields = ("at", "kind", "told", "queue", "message_id", "created_at")
    readonly_fields = ("told", "message_id", "created_at")
    ordering = ("-at", "-id")
    per_page = 20
    verbose_name_plural = "events"

    @admin.display(description="details")
    def told(self, row: RecurringEvent) -> str:
        """What else the message said."""
        return ", ".join(f"{name} {value}" for name, value in sorted(row.details.items()))


@admin.register(RecurringContribution)
class RecurringContributionAdmin(WatchedAdmin):
    """Looking only."""

    list_display = (
        "id",
        "agreed",
        "frequency",
        "state",
        "gateway",
        "start_date",
        "next_sched_contribution_date",
        "failure_count",
        "contact_link",
    )
    list_filter = ("status", "frequency_unit")
    list_select_related = ("contact",)
    search_fields = ("trxn_id",)
    search_help_text = "subscription id (trxn_id), invoice id, rescue reference, id or contact id"
    ordering = ("-id",)
    show_full_result_count = False
    inlines = (InstalmentInline, EventInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("agreed", "frequency", "installments"),
                    "status",
                    ("contact_link", "financial_type", "original_country"),
                    ("start_date", "create_date", "end_date"),
                    ("cancel_date", "cancel_reason"),
                )
            },
        ),
        (
            "Schedule",
            {
                "fields": (
                    ("cycle_day", "next_sched_contribution_date"),
                    ("failure_count", "failure_retry_date"),
                )
            },
        ),
        (
            "At the processor",
            {
                "fields": (
                    ("gateway", "processor_id", "payment_instrument"),
                    ("trxn_id", "invoice_id"),
                    ("processor_contact_id", "payment_service_id", "rescue_reference"),
                )
            },
        ),
        ("Where from", {"fields": (provenance,)}),
    )

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[RecurringContribution],
        search_term: str,
    ) -> tuple[QuerySet[RecurringContribution], bool]:
        """By the ids as people have them at hand."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(trxn_id=term) | Q(invoice_id=term)
        wanted |= Q(rescue_reference=term) & ~Q(rescue_reference="")
        if term.isascii() and term.isdigit() and len(term) <= 18:
            wanted |= Q(pk=int(term)) | Q(contact=int(term))
        return queryset.filter(wanted), False

    @admin.display(description="amount", ordering="amount")
    def agreed(self, row: RecurringContribution) -> str:
        """Each time, in the donor's currency."""
        return amount_text(row.amount, row.currency)

    @admin.display(description="every")
    def frequency(self, row: RecurringContribution) -> str:
        """How often."""
        if row.frequency_interval == 1:
            return row.frequency_unit
        return f"{row.frequency_interval} {row.frequency_unit}s"

    @display(description="status", label=LABELS)  # type: ignore[untyped-decorator]  # the same
    def state(self, row: RecurringContribution) -> tuple[str, str]:
        """The status."""
        return row.status, row.get_status_display()

    @admin.display(description="contact")
    def contact_link(self, row: RecurringContribution) -> SafeString | str:
        """Who gives."""
        return link(row.contact)


@admin.register(TokenDeletion)
class TokenDeletionAdmin(WatchedAdmin):
    """Looking only: tokens that are to be deleted at their processors."""

    list_display = ("id", "asked_at", "gateway", "payment_method", "order_id", "deleted_at")
    list_filter = (("deleted_at", admin.EmptyFieldListFilter),)
    search_fields = ("=order_id", "=token")
    ordering = ("-asked_at", "-id")
    show_full_result_count = False
    fields = (
        ("gateway", "payment_method", "order_id"),
        ("token", "processor_contact_id"),
        ("asked_at", "deleted_at"),
        provenance,
    )
