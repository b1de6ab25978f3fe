"""What all data points about a visit say together.

A fold that no order, repetition or grouping of the data points changes: each field has the
value that was pushed last, and data points pushed in the same second are told apart by the
digest of their bytes. So the summary can be made anew from the log at any time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fundraising.banners.log_ids import is_log_id
from fundraising.crm import instruments, utm
from fundraising.tracking.messages import MAX_AMOUNT, ContributionTrackingMessage

AUDIT = "audit"

# How many characters the columns have.
LENGTHS = {
    "currency": 3,
    "country": 2,
    "language": 8,
    "gateway": 32,
    "mailing_identifier": 32,
    "appeal": 64,
    "payments_form_variant": 64,
    "payment_method": 64,
    "payment_submethod": 64,
    "banner": 128,
    "banner_variant": 128,
    "landing_page": 128,
    "utm_source": 128,
    "utm_medium": 128,
    "utm_campaign": 128,
    "utm_key": 128,
    "os": 255,
    "os_version": 255,
    "browser": 255,
    "browser_version": 255,
    "banner_history_log_id": 255,
    "app_install_id": 255,
    "referrer": 4096,
}

PAYMENT_METHODS = {
    "cc": "Credit Card",
    "dd": "Direct Debit",
    "cash": "Cash",
    "obt": "Online Bank Transfer",
    "ew": "E-Wallet",
    "rtbt": "Real-time Bank Transfer",
    "bt": "Bank Transfer",
    "paypal": "Paypal",
    "amazon": "Amazon",
    "apple": "ApplePay",
    "google": "GooglePay",
    "venmo": "Venmo",
}

_CENT_TENTHS = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class DataPoint:
    """A message, and ``digest``, the SHA-256 of its bytes."""

    digest: str
    message: ContributionTrackingMessage

    @property
    def order(self) -> tuple[int, str]:
        """Its place among the data points of its visit; without a push time, before all."""
        return self.message.source_enqueued_time or 0, self.digest

    @property
    def is_from_audit(self) -> bool:
        """Made up by an audit for a donation of whose visit nothing was known."""
        return self.message.utm_medium.lower() == AUDIT

    @property
    def linked_at(self) -> tuple[bool, int, str]:
        """The place of its link: an audit's last, else by the donation's date if it is told."""
        pushed, digest = self.order
        given = self.message.contribution_date
        return self.is_from_audit, int(given.timestamp()) if given else pushed, digest

    def details(self) -> dict[str, Any]:
        """The fields that say something of the visit."""
        told = {name: getattr(self.message, name) for name in _DETAILS}
        if not is_log_id(told["banner_history_log_id"]):
            del told["banner_history_log_id"]
        return {name: value for name, value in told.items() if value not in (None, "")}


_DETAILS = frozenset(ContributionTrackingMessage.model_fields) - {
    "id",
    "contribution_id",
    "contribution_date",
    "unlinked_contribution_id",
    "message_id",
    "source_name",
    "source_type",
    "source_host",
    "source_run_id",
    "source_version",
    "source_enqueued_time",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """The current state of a visit. Text that is unknown is ``""``."""

    contribution_id: int | None = None
    link_conflicts: int = 0
    amount: Decimal | None = None
    currency: str = ""
    is_recurring: bool | None = None
    referrer: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_key: str = ""
    gateway: str = ""
    appeal: str = ""
    payments_form_variant: str = ""
    banner: str = ""
    banner_variant: str = ""
    banner_size: str = ""
    device_type: str = ""
    landing_page: str = ""
    mailing_identifier: str = ""
    payment_method: str = ""
    payment_submethod: str = ""
    recurring_choice: str = ""
    is_test_variant: bool | None = None
    is_pay_fee: bool | None = None
    language: str = ""
    country: str = ""
    tracking_date: datetime | None = None
    os: str = ""
    os_version: str = ""
    browser: str = ""
    browser_version: str = ""
    banner_history_log_id: str = ""
    app_install_id: str = ""


def fold(points: Iterable[DataPoint]) -> Summary:
    """The summary of the data points of one visit."""
    ordered = sorted({point.digest: point for point in points}.values(), key=lambda p: p.order)
    details = _details(ordered)
    contribution_id, conflicts = _link(ordered)
    columns: dict[str, Any] = {
        **{name: value for name, value in details.items() if name in Summary.__slots__},
        **_traits(details),
        "contribution_id": contribution_id,
        "link_conflicts": conflicts,
        "tracking_date": details.get("ts") or details.get("tracking_date"),
        "payment_method": _method(details.get("payment_method", "")),
        "payment_submethod": _submethod(details),
        "amount": _amount(details.get("amount")),
    }
    for name, length in LENGTHS.items():
        if name in columns:
            columns[name] = columns[name][:length]
    return Summary(**columns)


def _details(ordered: Iterable[DataPoint]) -> dict[str, Any]:
    """The newest value of each field. An audit's invention counts only where nothing is known."""
    known: dict[str, Any] = {}
    invented: dict[str, Any] = {}
    for point in ordered:
        (invented if point.is_from_audit else known).update(point.details())
    return known or invented


def _link(ordered: Iterable[DataPoint]) -> tuple[int | None, int]:
    """The contribution of the visit, and how many others were said to be it.

    The link of the earliest donation stands. Not counted is what was taken back: an
    instalment that was the first until an earlier one came to light.
    """
    points = sorted(ordered, key=lambda point: point.linked_at)
    taken_back = {point.message.unlinked_contribution_id for point in points} | {None, 0}
    links = [
        point.message.contribution_id
        for point in points
        if point.message.contribution_id not in taken_back
    ]
    return (links[0], len(set(links)) - 1) if links else (None, 0)


def _traits(details: dict[str, Any]) -> dict[str, Any]:
    """The columns that are read out of utm_source and utm_key."""
    source, key = details.get("utm_source", ""), details.get("utm_key", "")
    traits = utm.traits(
        source,
        key,
        is_recurring=details.get("is_recurring", False),
        landing_page=details.get("landing_page", ""),
    )
    return {
        "banner": traits.banner or details.get("banner", ""),
        "banner_variant": traits.banner_variant,
        "banner_size": traits.banner_size,
        "device_type": traits.device_type,
        "landing_page": traits.landing_page,
        "mailing_identifier": traits.mailing_identifier,
        "recurring_choice": traits.recurring_choice,
        "is_test_variant": traits.is_test_variant if source else None,
        "is_pay_fee": traits.is_pay_fee if key else None,
    }


def _method(code: str) -> str:
    """The label of a payment method; an unknown code as it is."""
    return PAYMENT_METHODS.get(code.lower(), code)


def _submethod(details: dict[str, Any]) -> str:
    """The payment instrument, when the message names a submethod; an unknown one as it is."""
    submethod = details.get("payment_submethod", "")
    if not submethod:
        return ""
    method, gateway = details.get("payment_method", ""), details.get("gateway", "")
    return instruments.label(method, submethod, gateway) or submethod


def _amount(amount: Decimal | None) -> Decimal | None:
    """Within what the column takes, rounded to a thousandth, half away from zero."""
    if amount is None:
        return None
    return min(amount.quantize(_CENT_TENTHS, ROUND_HALF_UP), MAX_AMOUNT)
