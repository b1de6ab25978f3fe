"""Contacts in the admin."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action
from unfold.enums import ActionVariant

from fundraising.crm.admin.base import ContributionInline, WatchedInline, amount_text
from fundraising.crm.models import Address, Contact, Email, Phone, RecurringContribution
from fundraising.privacy.models import Erasure
from fundraising.privacy.page import erase_page
from queues.admin.base import WatchedAdmin, user_of
from queues.admin.provenance import provenance


class EmailInline(WatchedInline):
    """E-mail addresses."""

    model = Email
    fields = ("email", "location_type", "is_primary", "on_hold", "snooze_date")


class PhoneInline(WatchedInline):
    """Telephone numbers."""

    model = Phone
    fields = ("phone", "phone_type", "location_type", "phone_source", "updated_at")


class AddressInline(WatchedInline):
    """Postal addresses."""

    model = Address
    fields = (
        "street_address",
        "supplemental_address_1",
        "city",
        "postal_code",
        "state_province",
        "country",
        "location_type",
        "is_primary",
    )


class GiftInline(ContributionInline):
    """What the contact gave."""

    fk_name = "contact"


class RecurringInline(WatchedInline):
    """The recurring contributions of a contact."""

    model = RecurringContribution
    fields = ("start_date", "agreed", "frequency_unit", "status", "next_sched_contribution_date")
    readonly_fields = ("agreed",)
    ordering = ("-start_date",)
    show_change_link = True

    @admin.display(description="amount")
    def agreed(self, row: RecurringContribution) -> str:
        """Each time."""
        return amount_text(row.amount, row.currency)


class ErasureInline(WatchedInline):
    """When the personal data of the contact was erased, if it was."""

    model = Erasure
    fields = ("at", "by", "reason")


@admin.register(Contact)
class ContactAdmin(WatchedAdmin):
    """Looking only, as contacts are written by the import; and erasing a donor."""

    list_display = ("id", "display_name", "contact_type", "preferred_language", "created_at")
    list_display_links = ("id", "display_name")
    list_filter = ("contact_type", "is_deleted")
    search_fields = ("last_name",)
    search_help_text = "contact id, e-mail, telephone, or last name (or its beginning)"
    show_full_result_count = False
    ordering = ("-id",)
    inlines = (
        EmailInline,
        PhoneInline,
        AddressInline,
        GiftInline,
        RecurringInline,
        ErasureInline,
    )
    actions_detail = ("erase",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("display_name", "contact_type"),
                    ("first_name", "middle_name", "last_name"),
                    ("prefix", "suffix", "nick_name"),
                    "organization_name",
                    ("preferred_language", "source"),
                    ("employer", "employer_provided_by_donor"),
                    ("is_deceased", "is_deleted", "merged_into"),
                    ("created_at", "modified_at"),
                )
            },
        ),
        (
            "Wishes",
            {
                "fields": (
                    ("opt_in", "is_opt_out"),
                    ("do_not_email", "do_not_mail", "do_not_phone"),
                    ("do_not_sms", "do_not_trade", "do_not_solicit"),
                    ("optin_source", "optin_medium", "optin_campaign"),
                )
            },
        ),
        (
            "At the processors",
            {"fields": (("fundraiseup_id", "gravy_id"), ("paypal_payer_id", "venmo_user_name"))},
        ),
        ("Where from", {"fields": (provenance,)}),
    )

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Contact],
        search_term: str,
    ) -> tuple[QuerySet[Contact], bool]:
        """As people have it at hand, each answered by an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            found = Email.objects.filter(email=term.lower()).values("contact")
            return queryset.filter(pk__in=found), False
        wanted = Q(last_name__startswith=term)
        wanted |= Q(pk__in=Phone.objects.filter(phone=term).values("contact"))
        if term.isascii() and term.isdigit() and len(term) <= 18:
            wanted |= Q(pk=int(term))
        return queryset.filter(wanted), False

    def has_erase_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Whether the user may erase donors."""
        return user_of(request).has_perm("privacy.erase_contact")

    @action(  # type: ignore[untyped-decorator]  # unfold is untyped
        description="Erase personal data…",
        url_path="erase",
        permissions=["erase"],
        variant=ActionVariant.DANGER,
    )
    def erase(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the page that shows what would go and asks for a reason."""
        return erase_page(self, request, object_id)
