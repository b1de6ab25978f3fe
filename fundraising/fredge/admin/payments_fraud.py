"""Fraud scores in the admin."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from fundraising.crm.admin.base import WatchedInline
from fundraising.fredge.admin.base import GatewayFilter, OrderAdmin, masked
from fundraising.fredge.models import PaymentsFraud, PaymentsFraudBreakdown


class RiskFilter(admin.SimpleListFilter):
    """What the scores lead to by the usual thresholds."""

    title = "risk"
    parameter_name = "risk"

    _RANGES: ClassVar[dict[str, tuple[str, dict[str, int]]]] = {
        "process": ("up to 75", {"risk_score__lte": 75}),
        "review": ("over 75, up to 125", {"risk_score__gt": 75, "risk_score__lte": 125}),
        "reject": ("over 125", {"risk_score__gt": 125}),
    }

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(key, title) for key, (title, _) in self._RANGES.items()]

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[PaymentsFraud],
    ) -> QuerySet[PaymentsFraud]:
        chosen = self._RANGES.get(self.value() or "")
        return queryset.filter(**chosen[1]) if chosen else queryset


class BreakdownInline(WatchedInline):
    """The score of each filter."""

    model = PaymentsFraudBreakdown
    fields = ("filter_name", "score", "told_at", "message_id")
    readonly_fields = ("score", "message_id")
    ordering = ("-risk_score", "filter_name")
    verbose_name_plural = "filters"

    @admin.display(description="score")
    def score(self, row: PaymentsFraudBreakdown) -> str:
        """Without noughts behind."""
        return f"{row.risk_score.normalize():f}"


@admin.register(PaymentsFraud)
class PaymentsFraudAdmin(OrderAdmin):
    """Looking only."""

    list_display = (
        "order_id",
        "contribution_tracking_id",
        "gateway",
        "score",
        "validation_action",
        "payment_method",
        "date",
    )
    list_filter = (GatewayFilter, "validation_action", RiskFilter)
    date_hierarchy = "date"
    ordering = ("-date", "-pk")
    inlines = (BreakdownInline,)
    readonly_fields = ("score", "address", "message_id", "breakdown_message_id")

    def get_fields(self, request: HttpRequest, obj: PaymentsFraud | None = None) -> Any:  # noqa: ANN401, ARG002
        """Whoever may see personal data sees the donor's address."""
        return (
            ("order_id", "contribution_tracking_id"),
            ("gateway", "gateway_txn_id"),
            ("score", "validation_action"),
            ("payment_method", "user_ip" if self.may(request, "reveal") else "address"),
            ("date", "server"),
            ("message_id", "breakdown_message_id"),
        )

    @admin.display(description="score", ordering="risk_score")
    def score(self, row: PaymentsFraud) -> str:
        """Without noughts behind."""
        return f"{row.risk_score.normalize():f}"

    @admin.display(description="IP address")
    def address(self, row: PaymentsFraud) -> str:
        """Whether it is known."""
        return masked(row.user_ip)
