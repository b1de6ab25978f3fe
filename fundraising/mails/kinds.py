"""The mails that we send: which there are, what each must be told, where its link leads."""

from collections.abc import Mapping
from dataclasses import dataclass

DONOR_PORTAL = "DonorPortal"
EMAIL_PREFERENCES = "EmailPreferences"
OPT_IN = "OptIn"
RECURRING_UPGRADE = "RecurUpgrade"
VERIFY_EMAIL = "VerifyEmail"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of mail.

    ``needs`` are the names that its context must have. ``page`` is where its link leads;
    empty: to the page that the context names.
    """

    page: str
    needs: frozenset[str] = frozenset()


_GIFT = frozenset({"amount", "currency"})

#: By the name of the template. ``amount`` is a decimal number of ``currency`` (ISO 4217);
#: names ending in ``_date`` are ISO dates, and may be "" or absent where not needed.
KINDS: Mapping[str, Kind] = {
    # page: one of the constants above
    "new_checksum_link": Kind("", frozenset({"page"})),
    "verify_email": Kind(VERIFY_EMAIL),
    "double_opt_in": Kind(VERIFY_EMAIL),
    # next_date: the first charge
    "monthly_convert": Kind(DONOR_PORTAL, _GIFT),
    # next_date: when the new amount is charged first
    "recurring_upgrade_message": Kind(DONOR_PORTAL, _GIFT),
    # change: the txn_type (recurring_downgrade, recurring_annual_conversion,
    # recurring_paused, recurring_cancel); next_date: the next charge, if there is one
    "donor_portal_recurring": Kind(DONOR_PORTAL, _GIFT | {"change"}),
    # next_date: the next try; without one it has come to an end
    "recurring_failed": Kind(DONOR_PORTAL, _GIFT),
}
