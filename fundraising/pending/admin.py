"""Pending transactions in the admin: is this payment waiting, and since when?"""

import json
from datetime import timedelta
from typing import ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from unfold.admin import ModelAdmin

from fundraising.crm.models import Contribution
from fundraising.pending.models import PendingTransaction
from fundraising.pending.personal import mask_email, without_personal_data
from queues.admin.provenance import provenance
from queues.admin.search import by_ids

REVEAL = "pending.reveal_pendingtransaction"


class AgeFilter(admin.SimpleListFilter):
    """How long ago the payment began."""

    title = "age"
    parameter_name = "age"

    _AGES: ClassVar = {
        "hour": ("under an hour", timedelta(0), timedelta(hours=1)),
        "day": ("an hour to a day", timedelta(hours=1), timedelta(days=1)),
        "week": ("a day to a week", timedelta(days=1), timedelta(days=7)),
        "old": ("more than a week", timedelta(days=7), timedelta(days=36500)),
    }

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(key, title) for key, (title, _, _) in self._AGES.items()]

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[PendingTransaction],
    ) -> QuerySet[PendingTransaction]:
        chosen = self._AGES.get(self.value() or "")
        if chosen is None:
            return queryset
        _, least, most = chosen
        now = timezone.now()
        return queryset.filter(date__lte=now - least, date__gt=now - most)


@admin.register(PendingTransaction)
class PendingTransactionAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Looking only: what becomes of a row is for the donation, the resolver or the expiry."""

    list_display = (
        "order_id",
        "gateway",
        "gateway_txn_id",
        "payment_method",
        "is_resolved",
        "date",
        "age",
        "donor",
    )
    list_display_links = ("order_id", "gateway_txn_id")
    list_filter = ("is_resolved", AgeFilter, "gateway", "payment_method")
    search_fields = ("order_id",)
    search_help_text = "order id (or its beginning), gateway's transaction id, tracking id, e-mail"
    date_hierarchy = "date"
    ordering = ("-date", "-pk")
    show_full_result_count = False
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "order_id",
                    "gateway",
                    "gateway_account",
                    "gateway_txn_id",
                    "contribution_tracking_id",
                    "payment_method",
                    "donor",
                )
            },
        ),
        ("State", {"fields": ("is_resolved", "is_given_up", "contribution", "date", "age")}),
        (
            "Behind the gateway",
            {
                "fields": (
                    "backend_processor",
                    "backend_processor_txn_id",
                    "payment_orchestrator_reconciliation_id",
                )
            },
        ),
        ("Where from", {"fields": (provenance,)}),
        ("All that is known", {"fields": ("told",)}),
    )

    class Media:
        css: ClassVar = {"all": ("queues/admin.css",)}

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[PendingTransaction],
        search_term: str,
    ) -> tuple[QuerySet[PendingTransaction], bool]:
        """By whole ids."""
        columns = ("order_id", "gateway_txn_id", "backend_processor_txn_id", "email")
        found = by_ids(queryset, search_term, *columns, numbers=["contribution_tracking_id"])
        return found, False

    @admin.display(description="age", ordering="-date")
    def age(self, row: PendingTransaction) -> str:
        """Since the payment began."""
        return timesince(row.date)

    @admin.display(description="donor", ordering="email")
    def donor(self, row: PendingTransaction) -> str:
        """The e-mail address, masked."""
        return mask_email(row.email)

    @admin.display(description="contribution")
    def contribution(self, row: PendingTransaction) -> SafeString | str:
        """What became of the payment, if it did."""
        ids = Q(pk__in=[])
        if row.order_id:
            ids |= Q(order_id=row.order_id)
        if row.gateway_txn_id:
            ids |= Q(gateway_txn_id=row.gateway_txn_id)
        found = Contribution.objects.filter(ids, gateway=row.gateway, is_payment=True).first()
        if found is None:
            return "none"
        if not admin.site.is_registered(Contribution):
            return str(found)
        url = reverse("admin:crm_contribution_change", args=[found.pk])
        return format_html('<a href="{}">{}</a>', url, found)

    def get_fieldsets(self, request: HttpRequest, obj: PendingTransaction | None = None) -> object:
        """Whoever may see personal data sees the message as it is."""
        fieldsets = super().get_fieldsets(request, obj)
        if not request.user.has_perm(REVEAL):
            return fieldsets
        return (*fieldsets[:-1], ("All that is known", {"fields": ("email", "told_in_full")}))

    @admin.display(description="message, without personal data")
    def told(self, row: PendingTransaction) -> SafeString:
        """The message with personal data hidden."""
        return _pretty(without_personal_data(row.message))

    @admin.display(description="message")
    def told_in_full(self, row: PendingTransaction) -> SafeString:
        """The message as it is."""
        return _pretty(row.message)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: PendingTransaction | None = None,  # noqa: ARG002
    ) -> bool:
        return False

    def has_delete_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: PendingTransaction | None = None,  # noqa: ARG002
    ) -> bool:
        return False


def _pretty(value: object) -> SafeString:
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    return format_html("<pre>{}</pre>", text)
