"""What the pages of contacts and contributions share."""

from decimal import Decimal

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline

from fundraising.crm.currencies import money
from fundraising.crm.models import Contribution


def amount_text(amount: Decimal, currency: str) -> str:
    """An amount with as many digits as its currency has, such as ``12.50 EUR``."""
    try:
        return f"{money.rounded(amount, currency)} {currency}"
    except ValueError:
        return f"{amount} {currency}"


def anchor(url: str, text: str) -> SafeString:
    """A link that looks like one in the theme."""
    return format_html(
        '<a class="font-medium text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, text
    )


def link(obj: Model | None) -> SafeString | str:
    """A link to a row's page."""
    if obj is None:
        return "–"
    name = f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change"
    return anchor(reverse(name, args=[obj.pk]), str(obj))


class WatchedInline(TabularInline):  # type: ignore[misc]  # unfold is untyped
    """Looking only."""

    extra = 0
    hide_title = True
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False


class ContributionInline(WatchedInline):
    """Contributions that hang on another row, the latest first; a subclass names the key."""

    model = Contribution
    fields = ("receive_date", "given", "contribution_status", "payment_instrument", "trxn_id")
    readonly_fields = ("given",)
    ordering = ("-receive_date",)
    per_page = 10
    show_change_link = True

    @admin.display(description="amount")
    def given(self, row: Contribution) -> str:
        """What the donor gave, in the donor's currency."""
        return amount_text(row.original_amount, row.original_currency)
