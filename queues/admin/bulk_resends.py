"""Bulk resends in the admin: the plan, the run, and what came of it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from queues import bulk_resends
from queues.admin.base import ReasonForm, WatchedAdmin, user_of
from queues.models import BulkResend

Status = BulkResend.Status

LABELS = {
    Status.PLANNED: "",
    Status.RUNNING: "info",
    Status.DONE: "success",
    Status.CANCELLED: "warning",
}
#: Most messages listed on the page of a bulk resend.
MOST = 100


class StartForm(ReasonForm):
    """How fast, and why."""

    per_second = forms.IntegerField(
        label="Messages a second",
        min_value=1,
        max_value=bulk_resends.MAX_PER_SECOND,
        initial=10,
        widget=UnfoldAdminIntegerFieldWidget,
    )


@admin.register(BulkResend)
class BulkResendAdmin(WatchedAdmin):
    """They are planned from the list of damaged messages, and run from here."""

    list_display = (
        "__str__",
        "selection",
        "reason",
        "state",
        "created_at",
        "created_by",
        "ended_at",
    )
    list_filter = ("status",)

    def get_urls(self) -> list[URLPattern]:
        """Start and cancel, by POST only."""
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/start/", view(self.start), name="queues_bulkresend_start"),
            path("<int:pk>/cancel/", view(self.cancel), name="queues_bulkresend_cancel"),
        ]
        return [*own, *super().get_urls()]

    @display(description="status", label=LABELS)  # type: ignore[untyped-decorator]  # unfold is untyped
    def state(self, bulk: BulkResend) -> tuple[str, str]:
        """The status."""
        return bulk.status, bulk.get_status_display()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """The plan of what is planned, the progress of what runs, the report of what ran."""
        self.demand(request, "view")
        bulk = get_object_or_404(BulkResend, pk=object_id if object_id.isdigit() else 0)
        return self._show(request, bulk, StartForm())

    def start(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let a planned one run."""
        bulk = self._wanted(request, pk)
        if isinstance(bulk, HttpResponse):
            return bulk
        form = StartForm(request.POST)
        if not form.is_valid():
            return self._show(request, bulk, form)
        try:
            bulk_resends.start(pk=pk, user=user_of(request), **form.cleaned_data)
        except ValueError as error:
            messages.error(request, f"Not started: {error}.")
        return HttpResponseRedirect(reverse("admin:queues_bulkresend_change", args=[pk]))

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Stop one."""
        bulk = self._wanted(request, pk)
        if isinstance(bulk, HttpResponse):
            return bulk
        try:
            bulk_resends.cancel(pk=pk, user=user_of(request))
            messages.success(request, "Cancelled. What was sent before stays sent.")
        except ValueError as error:
            messages.error(request, f"Not cancelled: {error}.")
        return HttpResponseRedirect(reverse("admin:queues_bulkresend_change", args=[pk]))

    def _wanted(self, request: HttpRequest, pk: int) -> BulkResend | HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self._may_resend(request):
            raise PermissionDenied
        return get_object_or_404(BulkResend, pk=pk)

    def _may_resend(self, request: HttpRequest) -> bool:
        return user_of(request).has_perm("queues.resend_damagedmessage")

    def _show(self, request: HttpRequest, bulk: BulkResend, form: StartForm) -> HttpResponse:
        report = bulk_resends.report(bulk)
        doubtful = bulk_resends.outcomes(bulk).select_related("damaged_message")
        context = {
            "bulk": bulk,
            "label": LABELS[Status(bulk.status)],
            "form": form,
            "plan": bulk_resends.summary(bulk),
            "report": report,
            "bars": _bars(report),
            "seconds": _seconds(report, bulk),
            "items": doubtful.filter(bulk_resends.DOUBTFUL).order_by("pk")[:MOST],
            "may_resend": self._may_resend(request),
        }
        return self.page(request, "bulkresend/detail.html", str(bulk).capitalize(), context)


def _bars(report: bulk_resends.Report) -> list[dict[str, Any]]:
    """The parts of the progress bar, in percent."""
    parts = {
        "imported": report.imported,
        "on-the-way": report.on_the_way,
        "damaged": report.damaged_again,
        "skipped": report.skipped,
    }
    total = report.total or 1
    return [
        {"name": name, "count": count, "percent": f"{100 * count / total:.2f}"}
        for name, count in parts.items()
        if count
    ]


def _seconds(report: bulk_resends.Report, bulk: BulkResend) -> int:
    """How long the rest takes at the set rate."""
    return -(-report.unsent // (bulk.per_second or 1))
