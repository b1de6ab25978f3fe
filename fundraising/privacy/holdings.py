"""What is held of a donor, whose rows they are, and what erasing leaves of them.

One table. A column that could hold personal data stands here, or in
:mod:`fundraising.privacy.impersonal`, or a test fails.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q

from fundraising.banners.models import BannerHistoryAssociation
from fundraising.crm.models import (
    Activity,
    Address,
    Contact,
    Email,
    PaymentToken,
    Phone,
    RecurringContribution,
    RecurringEvent,
    TokenDeletion,
)
from fundraising.crm.models.contact import new_hash
from fundraising.fredge.models import PaymentAttempt, PaymentsFraud
from fundraising.mails.models import OutgoingMail
from fundraising.pending.lookups import any_of
from fundraising.pending.models import PendingTransaction
from fundraising.privacy import redaction
from fundraising.privacy.traces import Traces
from fundraising.tracking.models import ContributionTracking, TrackingDataPoint
from queues.models import DamagedMessage, DamagedMessageEvent

# What a column of a row holds afterwards.
Rewrite = Callable[[Any, str], object]


@dataclass(frozen=True)
class Holding:
    """A table with rows of a donor. ``columns`` are rewritten; None: the rows are deleted."""

    model: type[Model]
    rows: Callable[[Traces], Q]
    columns: Mapping[str, Rewrite] | None


def blank(*names: str) -> dict[str, Rewrite]:
    """Columns that hold nothing afterwards: what they hold in a row of which nothing is known."""
    return dict.fromkeys(names, _blank)


def _blank(row: Model, name: str) -> object:
    field = row._meta.get_field(name)
    return None if field.null else field.get_default()  # type: ignore[union-attr]  # a column


def _redacted(row: PendingTransaction, name: str) -> object:
    return redaction.message(getattr(row, name))


def _redacted_point(row: TrackingDataPoint, name: str) -> object:
    return redaction.data_point(getattr(row, name))


def _redacted_body(row: DamagedMessage, name: str) -> object:
    return redaction.body(row, bytes(getattr(row, name)))


def _redacted_version(row: DamagedMessageEvent, name: str) -> object:
    version = getattr(row, name)
    return None if version is None else redaction.body(row.damaged_message, bytes(version))


def _without_donor_at_processor(row: RecurringEvent, name: str) -> object:
    details = getattr(row, name)
    return {key: value for key, value in details.items() if key != "processor_contact_id"}


def _once_deleted(row: TokenDeletion, name: str) -> object:
    """Until the processor has deleted the token it must be told which."""
    if row.deleted_at is None:
        return getattr(row, name)
    return f"erased-{row.pk}" if name == "token" else ""


def _not_to_be_sent(row: OutgoingMail, _name: str) -> object:
    return row.status if row.status == OutgoingMail.Status.SENT else OutgoingMail.Status.WITHHELD


def _of_contact(traces: Traces) -> Q:
    return Q(contact__in=traces.contacts)


def _of_visit(traces: Traces) -> Q:
    return Q(contribution_tracking_id__in=traces.visits)


def _of_payment(traces: Traces) -> Q:
    return any_of("order_id", traces.orders) | any_of("gateway_txn_id", traces.payments)


def begun(traces: Traces) -> Q:
    return _of_payment(traces) | _of_visit(traces) | Q(email__in=traces.emails)


def _attempted(traces: Traces) -> Q:
    return _of_visit(traces) | Q(order_id__in=traces.order_ids)


def set_aside(traces: Traces) -> Q:
    """Damaged messages of the donor; of those that could not be read the gateway is unknown."""
    ids = Q(order_id__in=traces.order_ids) | Q(gateway_txn_id__in=traces.payment_ids)
    found = _of_payment(traces) | Q(gateway="") & ids
    return found | Q(email__in=traces.emails) | Q(pk__in=traces.damaged)


# An address is required there; this one is nobody's.
NOBODY = "0.0.0.0"  # noqa: S104
_NAMES = (
    "first_name",
    "middle_name",
    "last_name",
    "prefix",
    "suffix",
    "nick_name",
    "first_name_phonetic",
    "last_name_phonetic",
    "partner_full_name",
    "organization_name",
    "display_name",
    "addressee",
)
_EMPLOYER = ("employer", "employer_contact_id", "employer_provided_by_donor")
_AT_PROCESSORS = ("fundraiseup_id", "gravy_id", "paypal_payer_id", "venmo_user_name")

# In the order in which they are locked, which is that of the consumers.
HOLDINGS = (
    # table, whose rows, what they hold afterwards
    Holding(RecurringContribution, _of_contact, blank("processor_contact_id")),
    Holding(
        RecurringEvent,
        lambda traces: Q(recurring__contact__in=traces.contacts),
        {"details": _without_donor_at_processor},
    ),
    Holding(
        Contact,
        lambda traces: Q(pk__in=traces.contacts),
        {
            **blank(*_NAMES, *_EMPLOYER, *_AT_PROCESSORS, "legal_identifier"),
            **blank("preferred_language"),
            "hash": lambda _row, _name: new_hash(),
            # Nobody is taken for this contact any more.
            "is_deleted": lambda _row, _name: True,
        },
    ),
    Holding(Email, _of_contact, None),
    Holding(Address, _of_contact, None),
    Holding(Phone, _of_contact, None),
    Holding(Activity, _of_contact, blank("subject", "details")),
    Holding(
        PaymentToken,
        _of_contact,
        {**blank("ip_address"), "token": lambda row, _name: f"erased-{row.pk}"},
    ),
    Holding(
        TokenDeletion,
        lambda traces: any_of("order_id", traces.orders),
        {"token": _once_deleted, "processor_contact_id": _once_deleted},
    ),
    Holding(
        OutgoingMail,
        _of_contact,
        {**blank("recipient", "language", "context"), "status": _not_to_be_sent},
    ),
    Holding(PendingTransaction, begun, {**blank("email"), "message": _redacted}),
    Holding(
        ContributionTracking,
        lambda traces: Q(pk__in=traces.visits),
        blank("referrer", "banner_history_log_id", "app_install_id"),
    ),
    Holding(TrackingDataPoint, _of_visit, {"message": _redacted_point}),
    Holding(BannerHistoryAssociation, _of_visit, None),
    Holding(PaymentsFraud, _attempted, {"user_ip": lambda _row, _name: NOBODY}),
    Holding(
        PaymentAttempt,
        _attempted,
        blank(
            "bin_hash",
            "email_localpart",
            "email_domain",
            "first_name",
            "last_name",
            "postal_code",
            "street_address",
            "referrer",
            "user_ip",
        ),
    ),
    Holding(DamagedMessage, set_aside, {**blank("email"), "message": _redacted_body}),
    Holding(
        DamagedMessageEvent,
        lambda traces: Q(damaged_message__in=DamagedMessage.objects.filter(set_aside(traces))),
        {"before": _redacted_version, "after": _redacted_version},
    ),
)
