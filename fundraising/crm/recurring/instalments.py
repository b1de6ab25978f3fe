"""What an instalment is in the books when it is not the first of its subscription.

The first is the one with the earliest date, not the one that came first: when an earlier
payment comes to light, the former first becomes a later one.
"""

from fundraising.crm import gift
from fundraising.crm.models import Contribution
from fundraising.crm.recurring.state import Event

UNTHANKED = "recurring"
CHANNEL = "Recurring Gift"
COLUMNS = ("financial_type", "no_thank_you", "gift_channel", "is_major_gift")


def no_thank_you(frequency_unit: str) -> str:
    """Why a later instalment gets no thank-you: those that come every year do."""
    return "" if frequency_unit == "year" else UNTHANKED


def make_later(row: Contribution, told: Event | None, frequency_unit: str) -> bool:
    """Make a payment a later instalment; returns whether that changed it.

    ``told`` is its event: what the message said itself of these columns stands.
    ``frequency_unit`` is that of the subscription at the time of the payment.
    """
    before = [getattr(row, name) for name in COLUMNS]
    if row.financial_type == gift.RECURRING_GIFT and not (told and told.financial_type):
        row.financial_type = gift.RECURRING_CASH
    if row.no_thank_you in ("", UNTHANKED) and not (told and told.no_thank_you):
        unit = told.frequency_unit if told else ""
        row.no_thank_you = no_thank_you(unit or frequency_unit)
    if not (told and told.channel):
        row.gift_channel = CHANNEL
    row.is_major_gift = False
    return [getattr(row, name) for name in COLUMNS] != before
