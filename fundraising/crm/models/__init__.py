"""The tables of contacts and contributions.

Text that is unknown is empty; null stands only for unknown dates and numbers, and for
texts that must be unique.
"""

from fundraising.crm.models.activity import Activity
from fundraising.crm.models.contact import Address, Contact, Email, Phone
from fundraising.crm.models.contribution import Contribution
from fundraising.crm.models.exchange_rate import ExchangeRate
from fundraising.crm.models.recurring import (
    PaymentToken,
    RecurringContribution,
    RecurringEvent,
    TokenDeletion,
)

__all__ = [
    "Activity",
    "Address",
    "Contact",
    "Contribution",
    "Email",
    "ExchangeRate",
    "PaymentToken",
    "Phone",
    "RecurringContribution",
    "RecurringEvent",
    "TokenDeletion",
]
