"""Contributions for tests."""

from decimal import Decimal
from typing import Any

from django.utils import timezone

from fundraising.crm.models import Contact, Contribution


def contribute(**fields: Any) -> Contribution:
    """A contribution of somebody."""
    defaults: dict[str, Any] = {
        "total_amount": Decimal("10.00"),
        "net_amount": Decimal("10.00"),
        "original_amount": Decimal("10.00"),
        "original_currency": "USD",
        "receive_date": timezone.now(),
        "financial_type": "Cash",
    }
    return Contribution.objects.create(contact=Contact.objects.create(), **{**defaults, **fields})
