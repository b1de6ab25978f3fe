"""Exchange rates in the admin."""

from django.contrib import admin

from fundraising.crm.models import ExchangeRate
from queues.admin.base import WatchedAdmin


@admin.register(ExchangeRate)
class ExchangeRateAdmin(WatchedAdmin):
    """Looking only: rates are loaded from the bank's list."""

    list_display = ("currency", "value_in_usd", "bank_update", "local_update")
    list_filter = ("bank_update",)
    search_fields = ("currency",)
    date_hierarchy = "bank_update"
