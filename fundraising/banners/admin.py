"""Banner histories in the admin: which banners did this donor see?"""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from fundraising.banners.models import BannerHistoryAssociation
from fundraising.crm.admin.base import anchor
from queues.admin.base import WatchedAdmin


@admin.register(BannerHistoryAssociation)
class BannerHistoryAssociationAdmin(WatchedAdmin):
    """Looking only."""

    list_display = ("banner_history_log_id", "visit", "told_at", "message_id")
    fields = ("banner_history_log_id", "visit", "told_at", "message_id")
    readonly_fields = ("visit", "message_id")
    search_fields = ("banner_history_log_id",)
    search_help_text = "banner history log id or tracking id"
    ordering = ("-id",)
    show_full_result_count = False

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[BannerHistoryAssociation],
        search_term: str,
    ) -> tuple[QuerySet[BannerHistoryAssociation], bool]:
        """By either id, each answered by an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(banner_history_log_id=term.lower())
        if term.isascii() and term.isdigit() and len(term) <= 18:
            wanted |= Q(contribution_tracking_id=int(term))
        return queryset.filter(wanted), False

    @admin.display(description="visit", ordering="contribution_tracking_id")
    def visit(self, row: BannerHistoryAssociation) -> SafeString:
        """The visit's page, which is there once a message told of the visit."""
        visit = row.contribution_tracking_id
        url = reverse("admin:tracking_contributiontracking_change", args=[visit])
        return anchor(url, str(visit))
