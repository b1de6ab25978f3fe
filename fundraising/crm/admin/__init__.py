"""Contacts and contributions in the admin: who gave what, how, and what became of it."""

from fundraising.crm.admin.contact import ContactAdmin
from fundraising.crm.admin.contribution import ContributionAdmin
from fundraising.crm.admin.exchange_rate import ExchangeRateAdmin
from fundraising.crm.admin.recurring import RecurringContributionAdmin, TokenDeletionAdmin

__all__ = [
    "ContactAdmin",
    "ContributionAdmin",
    "ExchangeRateAdmin",
    "RecurringContributionAdmin",
    "TokenDeletionAdmin",
]
