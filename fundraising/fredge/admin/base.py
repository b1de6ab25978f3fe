"""What the pages of this app share."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from fundraising.fredge.models.told import ToldRow
from queues.admin.base import WatchedAdmin
from queues.admin.masking import HIDDEN


class GatewayFilter(admin.SimpleListFilter):
    """The known gateways, as to ask a large table for all of its values takes long."""

    title = "gateway"
    parameter_name = "gateway"

    _CODES: ClassVar = (
        "adyen",
        "amazon",
        "astropay",
        "braintree",
        "checkoutcom",
        "dlocal",
        "fundraiseup",
        "globalcollect",
        "gravy",
        "ingenico",
        "paypal",
        "paypal_ec",
        "square",
        "stripe",
        "trustly",
    )

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(code, code) for code in self._CODES]

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[ToldRow],
    ) -> QuerySet[ToldRow]:
        return queryset.filter(Q(gateway=self.value())) if self.value() else queryset


class OrderAdmin(WatchedAdmin):
    """Rows of an order and a visit, to look at."""

    search_fields = ("order_id",)
    search_help_text = "order id (or its beginning), tracking id, gateway's transaction id"
    show_full_result_count = False

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[ToldRow],
        search_term: str,
    ) -> tuple[QuerySet[ToldRow], bool]:
        """By the ids as people have them at hand, each answered by an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(order_id=term) | Q(order_id__startswith=f"{term}.")
        if "gateway_txn_id" in {field.name for field in self.opts.concrete_fields}:
            wanted |= Q(gateway_txn_id=term)
        if term.isascii() and term.isdigit() and len(term) <= 18:
            wanted |= Q(contribution_tracking_id=int(term))
        return queryset.filter(wanted), False


def masked(value: str | None) -> str:
    """Whether something personal is known, not what."""
    return HIDDEN if value else "–"
