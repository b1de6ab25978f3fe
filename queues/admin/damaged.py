"""Damaged messages in the admin: what is wrong, how many, since when, and what became of them."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.decorators import action, display
from unfold.views import ChangeList

from queues import bulk_resends, wire
from queues.admin import filters, masking, reasons
from queues.admin.base import user_of
from queues.admin.changelist import DamagedList
from queues.admin.changes import read
from queues.admin.history import history
from queues.admin.repairs import RepairPages
from queues.admin.search import by_ids
from queues.models import DamagedMessage, InboxMark

Status = DamagedMessage.Status

LABELS = {
    Status.DAMAGED: "danger",
    Status.WAITING: "warning",
    Status.RESENT: "info",
    Status.DISCARDED: "",
}


@admin.register(DamagedMessage)
class DamagedMessageAdmin(RepairPages):
    """The list, the groups by reason, and the page of one message."""

    list_display = (
        "order",
        "state",
        "wrong",
        "alike",
        "original_queue",
        "gateway",
        "failed",
        "pushed",
    )
    list_filter = (
        filters.StatusFilter,
        filters.QueueFilter,
        filters.CodeFilter,
        filters.GatewayFilter,
        filters.ReasonFilter,
        filters.BulkResendFilter,
    )
    search_fields = ("order_id",)
    search_help_text = "order id, gateway's transaction id, e-mail or message id; whole, not a part"
    list_per_page = 50
    show_full_result_count = False
    list_before_template = "admin/queues/damagedmessage/_tabs.html"
    actions_list = ("by_reason",)
    actions = ("resend_selected", "plan_selected", "discard_selected")

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:  # noqa: ARG002
        return DamagedList

    def get_urls(self) -> list[URLPattern]:
        """The pages of what can be done, before those of a stock admin."""
        view = self.admin_site.admin_view
        own = [
            path("reasons/plan/", view(self.plan_reason), name="queues_damagedmessage_plan"),
            path("resend/", view(self.resend_page), name="queues_damagedmessage_resend"),
            path("discard/", view(self.discard_page), name="queues_damagedmessage_discard"),
            path("<int:pk>/open/", view(self.open_page), name="queues_damagedmessage_open"),
        ]
        return [*own, *super().get_urls()]

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[DamagedMessage],
        search_term: str,
    ) -> tuple[QuerySet[DamagedMessage], bool]:
        """By whole ids."""
        columns = ("order_id", "gateway_txn_id", "message_id", "email")
        return by_ids(queryset, search_term, *columns), False

    # Columns

    @admin.display(description="order", ordering="order_id")
    def order(self, row: DamagedMessage) -> str:
        """By what people know the message."""
        return row.order_id or row.gateway_txn_id or f"{row.message_id[:12]}…"

    @admin.display(description="what is wrong", ordering="code")
    def wrong(self, row: DamagedMessage) -> SafeString:
        """The fault's name, its field and its text."""
        text = f"{row.field}: {row.error}" if row.field else row.error
        return format_html(
            '<span class="q-wrong"><b>{}</b><span title="{}">{}</span></span>',
            row.code,
            text[:500],
            Truncator(text).chars(90),
        )

    @admin.display(description="alike")
    def alike(self, row: DamagedMessage) -> SafeString:
        """How many open messages have this reason."""
        return format_html(
            '<a class="q-link" href="?reason={}" title="all with this reason">{}</a>',
            row.fingerprint,
            getattr(row, "alike", ""),
        )

    @admin.display(description="first pushed", ordering="original_date")
    def pushed(self, row: DamagedMessage) -> SafeString:
        """When it was first pushed, UTC."""
        return moment(row.original_date)

    @admin.display(description="last failed", ordering="damaged_date")
    def failed(self, row: DamagedMessage) -> SafeString:
        """When it last failed, UTC, and how often it did."""
        times = f" ({row.attempts}×)" if row.attempts > 1 else ""
        return format_html("{}{}", moment(row.damaged_date), times)

    @display(description="status", ordering="status", label=LABELS)  # type: ignore[untyped-decorator]  # unfold is untyped
    def state(self, row: DamagedMessage) -> tuple[str, str]:
        """The status, and for what waits its time."""
        if row.status == Status.WAITING and row.retry_at is not None:
            return row.status, f"retry {row.retry_at:%d %b %H:%M}"
        return row.status, row.get_status_display()

    # Many at once

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Whether the user may send messages again."""
        return self.may(request, "resend")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        """Whether the user may give messages up."""
        return self.may(request, "discard")

    @admin.action(description="Send again…", permissions=["resend"])
    def resend_selected(
        self, request: HttpRequest, queryset: QuerySet[DamagedMessage]
    ) -> HttpResponse | None:
        """To the page that asks for a reason."""
        return self.confirm_many(request, queryset, "resend")

    @admin.action(description="Discard…", permissions=["discard"])
    def discard_selected(
        self, request: HttpRequest, queryset: QuerySet[DamagedMessage]
    ) -> HttpResponse | None:
        """To the page that asks for a reason."""
        return self.confirm_many(request, queryset, "discard")

    @admin.action(description="Plan a bulk resend…", permissions=["resend"])
    def plan_selected(
        self, request: HttpRequest, queryset: QuerySet[DamagedMessage]
    ) -> HttpResponse | None:
        """Count and check what is selected; nothing is sent yet."""
        chosen = {name: value for name, value in request.GET.items() if name not in ("p", "o", "q")}
        selection = ", ".join(f"{name} {value}" for name, value in chosen.items()) or "open"
        if request.POST.get("select_across") != "1":
            selection = f"chosen by hand from: {selection}"
        elif request.GET.get("q"):
            selection += ", found by search"
        return self._plan(request, queryset, selection)

    def plan_reason(self, request: HttpRequest) -> HttpResponse:
        """Plan to send all open messages again that have a reason."""
        self.demand(request, "resend")
        rows = DamagedMessage.objects.filter(
            fingerprint=request.POST.get("reason", ""), status__in=filters.OPEN
        )
        first = rows.first()
        selection = f"{first.original_queue} {first.code} {first.field}".strip() if first else ""
        planned = self._plan(request, rows, selection)
        return planned or HttpResponseRedirect(reverse("admin:queues_damagedmessage_by_reason"))

    def _plan(
        self, request: HttpRequest, rows: QuerySet[DamagedMessage], selection: str
    ) -> HttpResponse | None:
        try:
            bulk = bulk_resends.plan(rows=rows, selection=selection, user=user_of(request))
        except ValueError as error:
            messages.error(request, str(error))
            return None
        return HttpResponseRedirect(reverse("admin:queues_bulkresend_change", args=[bulk.pk]))

    @action(description="By reason", url_path="reasons", icon="category", permissions=["view"])  # type: ignore[untyped-decorator]  # the same
    def by_reason(self, request: HttpRequest) -> HttpResponse:
        """What is open, grouped by what is wrong."""
        groups = reasons.reasons()
        context = {
            "groups": groups,
            "total": sum(group["count"] for group in groups),
            "may_resend": self.may(request, "resend"),
        }
        return self.page(
            request, "damagedmessage/reasons.html", "Damaged messages by reason", context
        )

    # One message

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """One message with personal data hidden, its history, and what can be done."""
        self.demand(request, "view")
        row = get_object_or_404(DamagedMessage, pk=object_id if object_id.isdigit() else 0)
        value = read(row.body)
        shown = (
            masking.shape(row.body)
            if value is None
            else wire.dumps(masking.without_personal_data(value), indent=2)
        )
        context = {
            **self.facts(request, row),
            "lines": _lines(shown, row.field),
            "readable": value is not None,
            "history": history(row, masked=True),
        }
        return self.page(request, "damagedmessage/detail.html", self.title(row), context)

    def history_view(
        self,
        request: HttpRequest,  # noqa: ARG002
        object_id: str,
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """The history stands on the message's page."""
        url = reverse("admin:queues_damagedmessage_change", args=[object_id])
        return HttpResponseRedirect(f"{url}#history")

    def facts(self, request: HttpRequest, row: DamagedMessage) -> dict[str, Any]:
        """What the pages of a message show of it."""
        mark = InboxMark.objects.filter(queue=row.original_queue, key=row.message_id).first()
        return {
            **super().facts(request, row),
            "label": LABELS[Status(row.status)],
            "mark": mark,
            "alike": reasons.counts({row.fingerprint}).get(row.fingerprint, 0),
        }


def moment(value: datetime) -> SafeString:
    """A time, UTC, short enough for a column."""
    return format_html(
        '<time class="q-time" datetime="{}">{}</time>', value.isoformat(), f"{value:%Y-%m-%d %H:%M}"
    )


def _lines(text: str, field: str) -> list[tuple[str, bool]]:
    """The lines of a shown message, each with whether it is the field at fault."""
    names = {f'"{name.strip().split(".")[0]}":' for name in field.split(",") if name.strip()}
    return [
        (line, any(line.startswith(f"  {name}") for name in names)) for line in text.split("\n")
    ]
