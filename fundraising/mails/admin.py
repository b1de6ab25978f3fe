"""Mails to donors in the admin: was it sent, and if not, why?"""

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from fundraising.crm.admin.base import anchor
from fundraising.mails import outgoing
from fundraising.mails.models import OutgoingMail
from fundraising.pending.personal import mask_email
from queues.admin.base import WatchedAdmin

LABELS = {
    OutgoingMail.Status.SENT: "success",
    OutgoingMail.Status.WAITING: "info",
    OutgoingMail.Status.FAILED: "danger",
}


@admin.register(OutgoingMail)
class OutgoingMailAdmin(WatchedAdmin):
    """Looking, and sending again what failed for good."""

    list_display = (
        "id",
        "template",
        "state",
        "masked_recipient",
        "language",
        "attempts",
        "error",
        "created_at",
        "sent_at",
    )
    list_display_links = ("id", "template")
    list_filter = ("status", "template", "language")
    search_fields = ("key",)
    search_help_text = "what it was sent for (a message id), contact id, or whole e-mail address"
    date_hierarchy = "created_at"
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("send_again",)
    fieldsets = (
        (None, {"fields": ("template", "key", "contact_link", "masked_recipient", "language")}),
        (
            "State",
            {"fields": (("state", "error"), ("attempts", "next_try_at"), "created_at", "sent_at")},
        ),
    )

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[OutgoingMail],
        search_term: str,
    ) -> tuple[QuerySet[OutgoingMail], bool]:
        """As people have it at hand."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            return queryset.filter(recipient__iexact=term), False
        wanted = Q(key=term)
        if term.isascii() and term.isdigit() and len(term) <= 18:
            wanted |= Q(contact=int(term))
        return queryset.filter(wanted), False

    @display(description="status", ordering="status", label=LABELS)  # type: ignore[untyped-decorator]  # unfold is untyped
    def state(self, row: OutgoingMail) -> tuple[str, str]:
        """Whether it was sent."""
        return row.status, row.get_status_display()

    @admin.display(description="recipient")
    def masked_recipient(self, row: OutgoingMail) -> str:
        """Enough of the address to tell two apart."""
        return mask_email(row.recipient)

    @admin.display(description="contact")
    def contact_link(self, row: OutgoingMail) -> SafeString:
        """Whom it is for, by id."""
        url = reverse("admin:crm_contact_change", args=[row.contact_id])
        return anchor(url, str(row.contact_id))

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Whether the user may send mails again."""
        return self.may(request, "resend")

    @admin.action(description="Send again", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutgoingMail]) -> None:
        """What failed for good is tried again within the minute."""
        chosen = queryset.values_list("pk", flat=True)
        again = sum(outgoing.send_again(mail_id) for mail_id in chosen)
        messages.success(request, f"{again} of {len(chosen)} will be sent again.")
