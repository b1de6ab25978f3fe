"""Attempts to pay in the admin: what was fraud, and what was a gift?"""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from unfold.decorators import display

from fundraising.crm.admin.base import amount_text
from fundraising.crm.currencies.money import Money
from fundraising.fredge import labels
from fundraising.fredge.admin.base import GatewayFilter, OrderAdmin, masked
from fundraising.fredge.models import PaymentAttempt, PaymentAttemptLabel
from queues.admin.base import WatchedAdmin, user_of

PERSONAL = (
    "email_localpart",
    "first_name",
    "last_name",
    "street_address",
    "postal_code",
    "user_ip",
    "referrer",
)


class LabelFilter(admin.SimpleListFilter):
    """What a person said the attempt was."""

    title = "label"
    parameter_name = "label"

    _VALUES: ClassVar = {"fraud": True, "gift": False, "none": None}

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("fraud", "fraud"), ("gift", "no fraud"), ("none", "not labelled")]

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[PaymentAttempt],
    ) -> QuerySet[PaymentAttempt]:
        value = self.value() or ""
        if value not in self._VALUES:
            return queryset
        return queryset.filter(Q(label=self._VALUES[value]))


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(OrderAdmin):
    """Looking and labelling."""

    list_display = (
        "order_id",
        "ts",
        "gateway",
        "payment_method",
        "tried",
        "email",
        "ip_country",
        "auth_decline",
        "blocked_by_filter",
        "fraud_flagged_by_processor",
        "labelled",
    )
    list_filter = (
        GatewayFilter,
        LabelFilter,
        "fraud_flagged_by_processor",
        "auth_decline",
        "blocked_by_filter",
    )
    date_hierarchy = "ts"
    ordering = ("-ts", "-pk")
    actions = ("label_as_fraud", "label_as_gift")
    readonly_fields = ("tried", "labelled", "email", "message_id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("order_id", "contribution_tracking_id", "ts"),
                    ("gateway", "payment_method", "payment_submethod"),
                    ("tried", "amount_in_usd_cents", "bin_hash"),
                    "message_id",
                )
            },
        ),
        (
            "Outcome",
            {
                "fields": (
                    ("auth_decline", "blocked_by_filter", "fraud_flagged_by_processor"),
                    "labelled",
                )
            },
        ),
        (
            "Where from",
            {
                "fields": (
                    ("utm_source", "utm_medium", "utm_campaign", "utm_key"),
                    ("landing_page", "country", "ip_country"),
                    ("language", "http_accept_language", "time_zone_offset"),
                )
            },
        ),
        (
            "With what",
            {
                "fields": (
                    ("browser", "browser_version", "os", "os_version"),
                    ("screen_width", "screen_height", "color_depth"),
                )
            },
        ),
        ("Again and again", {"fields": ("recent_attempt_count", "repeats")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentAttempt]:
        """Each with its label, which is by order id."""
        found = PaymentAttemptLabel.objects.filter(order_id=OuterRef("order_id"))
        rows: QuerySet[PaymentAttempt] = super().get_queryset(request)
        return rows.annotate(label=Subquery(found.values("is_fraud")[:1]))

    def get_fieldsets(self, request: HttpRequest, obj: PaymentAttempt | None = None) -> Any:  # noqa: ANN401
        """Whoever may see personal data sees who the donor is."""
        shown = (*PERSONAL, "email_domain") if self.may(request, "reveal") else ("email",)
        return (*super().get_fieldsets(request, obj), ("Donor", {"fields": shown}))

    @admin.display(description="amount", ordering="amount_in_usd_cents")
    def tried(self, row: PaymentAttempt) -> str:
        """What the donor tried to give."""
        if row.amount_in_minor_units is None or not row.currency:
            return "–"
        money = Money.from_minor_units(row.amount_in_minor_units, row.currency)
        return amount_text(money.amount, money.currency)

    @admin.display(description="e-mail")
    def email(self, row: PaymentAttempt) -> str:
        """The address without who it is."""
        return f"{masked(row.email_localpart)}@{row.email_domain}" if row.email_domain else "–"

    @display(description="label", label={"fraud": "danger", "no fraud": "success"})  # type: ignore[untyped-decorator]  # unfold is untyped
    def labelled(self, row: PaymentAttempt) -> str:
        """What a person said it was."""
        label = getattr(row, "label", None)
        return "–" if label is None else "fraud" if label else "no fraud"

    def has_label_permission(self, request: HttpRequest) -> bool:
        """Whether the user may say what attempts were."""
        return self.may(request, "label")

    @admin.action(description="Label as fraud", permissions=["label"])
    def label_as_fraud(self, request: HttpRequest, queryset: QuerySet[PaymentAttempt]) -> None:
        """They were fraud."""
        self._label(request, queryset, is_fraud=True)

    @admin.action(description="Label as no fraud", permissions=["label"])
    def label_as_gift(self, request: HttpRequest, queryset: QuerySet[PaymentAttempt]) -> None:
        """They were not."""
        self._label(request, queryset, is_fraud=False)

    def _label(
        self, request: HttpRequest, queryset: QuerySet[PaymentAttempt], *, is_fraud: bool
    ) -> None:
        count = labels.label(
            queryset.values_list("order_id", flat=True), is_fraud=is_fraud, by=user_of(request)
        )
        said = "fraud" if is_fraud else "no fraud"
        messages.success(request, f"{count} payment attempts labelled as {said}")


@admin.register(PaymentAttemptLabel)
class PaymentAttemptLabelAdmin(WatchedAdmin):
    """Looking only: labels are given on the list of attempts."""

    list_display = ("order_id", "is_fraud", "labelled_at", "labelled_by")
    list_filter = ("is_fraud",)
    list_select_related = ("labelled_by",)
    search_fields = ("=order_id",)
    search_help_text = "order id"
    ordering = ("-labelled_at", "-pk")
    show_full_result_count = False
