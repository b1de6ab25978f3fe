"""Contribution tracking in the admin: where did this donation come from?"""

import json
from typing import ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from fundraising.crm.models import Contribution
from fundraising.tracking.models import ContributionTracking, TrackingDataPoint
from fundraising.tracking.summary import PAYMENT_METHODS


class LinkFilter(admin.SimpleListFilter):
    """Whether a contribution came of the visit."""

    title = "contribution"
    parameter_name = "linked"

    _CONDITIONS: ClassVar = {
        "yes": ("linked", Q(contribution__isnull=False)),
        "no": ("not linked", Q(contribution__isnull=True)),
        "conflict": ("said to be of several", Q(link_conflicts__gt=0)),
    }

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(key, title) for key, (title, _) in self._CONDITIONS.items()]

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[ContributionTracking],
    ) -> QuerySet[ContributionTracking]:
        chosen = self._CONDITIONS.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


class PaymentMethodFilter(admin.SimpleListFilter):
    """The known methods, as to ask the table for all of its values takes long."""

    title = "payment method"
    parameter_name = "payment_method"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(label, label) for label in PAYMENT_METHODS.values()]

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[ContributionTracking],
    ) -> QuerySet[ContributionTracking]:
        return queryset.filter(payment_method=self.value()) if self.value() else queryset


class _ReadOnly:
    """The log and what is folded from it are written by the consumer alone."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False


class TrackingDataPointInline(_ReadOnly, TabularInline):  # type: ignore[misc]  # unfold is untyped
    """What was told of the visit, message by message."""

    model = TrackingDataPoint
    fields = ("source_enqueued_time", "source_name", "source_type", "message_key", "told")
    readonly_fields = ("told",)
    ordering = ("source_enqueued_time", "digest")
    extra = 0

    @admin.display(description="message")
    def told(self, point: TrackingDataPoint) -> SafeString:
        """The message as it came."""
        text = json.dumps(point.message, indent=2, sort_keys=True, ensure_ascii=False)
        return format_html("<pre>{}</pre>", text)


@admin.register(ContributionTracking)
class ContributionTrackingAdmin(_ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Looking only."""

    list_display = (
        "id",
        "tracking_date",
        "amount",
        "currency",
        "gateway",
        "payment_method",
        "utm_medium",
        "utm_campaign",
        "banner",
        "country",
        "contribution_link",
    )
    list_filter = (LinkFilter, "is_recurring", PaymentMethodFilter, "device_type")
    search_fields = ("id",)
    search_help_text = "tracking id, contribution id, banner history log id, campaign or banner"
    date_hierarchy = "tracking_date"
    ordering = ("-id",)
    show_full_result_count = False
    inlines = (TrackingDataPointInline,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "id",
                    "tracking_date",
                    "contribution_link",
                    "link_conflicts",
                    ("amount", "currency", "usd_amount"),
                    ("is_recurring", "recurring_choice", "is_pay_fee"),
                    ("gateway", "payment_method", "payment_submethod"),
                    ("country", "language"),
                )
            },
        ),
        (
            "Where from",
            {
                "fields": (
                    ("utm_source", "utm_medium", "utm_campaign", "utm_key"),
                    ("banner", "banner_variant", "banner_size", "is_test_variant"),
                    ("landing_page", "mailing_identifier"),
                    "referrer",
                    ("appeal", "payments_form_variant"),
                    ("banner_history_log_id", "app_install_id"),
                )
            },
        ),
        (
            "With what",
            {
                "fields": (
                    ("os", "os_version", "browser", "browser_version"),
                    ("device_type", "screen_width", "screen_height"),
                )
            },
        ),
    )

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[ContributionTracking],
        search_term: str,
    ) -> tuple[QuerySet[ContributionTracking], bool]:
        """By ids and names as people have them at hand, each answered by an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(utm_campaign=term) | Q(banner=term) | Q(banner_history_log_id=term.lower())
        if term.isascii() and term.isdigit() and len(term) <= 18:
            wanted |= Q(id=int(term)) | Q(contribution=int(term))
        return queryset.filter(wanted), False

    @admin.display(description="contribution", ordering="contribution_id")
    def contribution_link(self, row: ContributionTracking) -> SafeString | str:
        """The contribution by its id; it may not exist, see the model."""
        if row.contribution_id is None:
            return "–"
        if not admin.site.is_registered(Contribution):
            return str(row.contribution_id)
        url = reverse("admin:crm_contribution_change", args=[row.contribution_id])
        return format_html('<a href="{}">{}</a>', url, row.contribution_id)
