"""Erasures in the admin: what was erased, when and why."""

from django.contrib import admin
from django.utils.safestring import SafeString

from fundraising.crm.admin.base import link
from fundraising.privacy.models import Erasure
from queues.admin.base import WatchedAdmin


@admin.register(Erasure)
class ErasureAdmin(WatchedAdmin):
    """Looking only; a contact is erased from its own page."""

    list_display = ("at", "contact_link", "by", "reason")
    list_select_related = ("contact",)
    search_fields = ("=contact__id",)
    search_help_text = "contact id"
    date_hierarchy = "at"
    fields = ("contact_link", "at", "by", "reason", "rows")

    @admin.display(description="contact", ordering="contact")
    def contact_link(self, row: Erasure) -> SafeString | str:
        """Whose data it was."""
        return link(row.contact)

    @admin.display(description="rows")
    def rows(self, row: Erasure) -> str:
        """How many of each table."""
        return ", ".join(f"{count} {table}" for table, count in row.counts.items())
