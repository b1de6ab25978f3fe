"""The lesser parts of a donation, each read from its own fields of the message."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address

from fundraising.crm.contacts import addresses, names, phones
from fundraising.crm.contacts.addresses import Address
from fundraising.crm.contacts.names import Names
from fundraising.crm.contacts.phones import Phone
from fundraising.crm.messages import DonationMessage
from queues.outcomes import Damaged


@dataclass(frozen=True, slots=True)
class GatewayFields:
    """What the processor calls the payment, besides gateway and gateway_txn_id."""

    gateway_account: str
    gateway_status: str
    backend_processor: str
    backend_processor_txn_id: str
    auth_id: str
    capture_id: str
    payment_orchestrator_reconciliation_id: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """The last hop of the message (its source_* fields); empty when unknown."""

    name: str
    type: str
    host: str
    run_id: str
    version: str
    enqueued_time: datetime | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """How the payment was settled, by an audit; amounts are in ``currency``, fees negative."""

    date: datetime | None
    currency: str
    total: Decimal | None
    fee: Decimal | None
    net: Decimal | None
    batch_reference: str


@dataclass(frozen=True, slots=True)
class ContactHint:
    """Whom the message says it is from, to be verified by hash or checksum before belief.

    An id that exists but is not proven becomes the contact's referral.
    """

    contact_id: int | None
    contact_hash: str
    checksum: str


def gateway_fields(message: DonationMessage) -> GatewayFields:
    """What the processor calls the payment."""
    return GatewayFields(
        gateway_account=message.gateway_account,
        gateway_status=message.gateway_status,
        backend_processor=message.backend_processor,
        backend_processor_txn_id=message.backend_processor_txn_id,
        auth_id=message.auth_id,
        capture_id=message.capture_id,
        payment_orchestrator_reconciliation_id=message.payment_orchestrator_reconciliation_id,
    )


def provenance(message: DonationMessage) -> Provenance:
    """Where the message comes from."""
    enqueued = message.source_enqueued_time
    return Provenance(
        name=message.source_name or "",
        type=message.source_type or "",
        host=message.source_host or "",
        run_id=message.source_run_id or "",
        version=message.source_version or "",
        enqueued_time=None if enqueued is None else _from_unix(enqueued),
    )


def settlement(message: DonationMessage) -> Settlement | None:
    """The settlement, if the message comes from an audit that knows of it."""
    if not (message.settled_date or message.settled_currency or message.settlement_batch_reference):
        return None
    return Settlement(
        date=message.settled_date,
        currency=message.settled_currency,
        total=message.settled_total_amount,
        fee=message.settled_fee_amount,
        net=message.settled_net_amount,
        batch_reference=message.settlement_batch_reference,
    )


def contact_hint(message: DonationMessage) -> ContactHint:
    """Whom the message says it is from; an id that is no number is no hint."""
    text = message.contact_id
    is_id = text.isascii() and text.isdigit() and len(text) <= 18
    return ContactHint(int(text) if is_id else None, message.contact_hash, message.checksum)


def donor_names(message: DonationMessage) -> Names:
    """The names as given; a full name is parted only when neither first nor last is there."""
    given = {
        "first_name": message.first_name,
        "middle_name": message.middle_name,
        "last_name": message.last_name,
        "prefix": message.prefix,
        "suffix": message.suffix,
        "nick_name": message.nick_name,
        "first_name_phonetic": message.first_name_phonetic,
        "last_name_phonetic": message.last_name_phonetic,
    }
    cleaned = {field: names.clean(text) for field, text in given.items()}
    cleaned["organization_name"] = names.clean(message.organization_name, names.ORGANIZATION_LENGTH)
    cleaned["partner_full_name"] = names.clean(message.partner_full_name, names.ADDRESSEE_LENGTH)
    if message.full_name and not (cleaned["first_name"] or cleaned["last_name"]):
        guessed = names.split(message.full_name, language=message.language, country=message.country)
        for field in ("first_name", "middle_name", "last_name", "prefix", "suffix", "addressee"):
            cleaned[field] = getattr(guessed, field) or cleaned.get(field, "")
    return Names(**cleaned)


def address(message: DonationMessage) -> Address:
    """The donor's postal address, cleaned."""
    return addresses.clean(
        street_address=message.street_address,
        supplemental_address_1=message.supplemental_address_1,
        supplemental_address_2=message.supplemental_address_2,
        city=message.city,
        postal_code=message.postal_code,
        country=message.country,
        state_province=message.state_province,
    )


def phone(message: DonationMessage) -> Phone | None:
    """The donor's telephone. Raises ``Damaged`` for a recipient_id that cannot be read."""
    try:
        return phones.phone(
            message.phone,
            gateway=message.gateway,
            payment_method=message.payment_method,
            sms_opt_in=message.sms_opt_in,
            recipient_id=message.recipient_id,
        )
    except ValueError as error:
        raise Damaged("INVALID_MESSAGE", str(error), "recipient_id") from None


def user_ip(message: DonationMessage) -> str:
    """The donor's IPv4 or IPv6 address in its canonical form, or empty when it is none."""
    try:
        return str(ip_address(message.user_ip))
    except ValueError:
        return ""  # it only accompanies a stored token, a payment is not held up for it


def untracked(message: DonationMessage, received: datetime) -> dict[str, str] | None:
    """What to tell contribution-tracking of a donation that has no tracking id.

    None when it has one, or when nothing about it was ever tracked: by check or without a
    method, and without utm fields. The caller adds the ``id`` it takes from the sequence.
    """
    if message.contribution_tracking_id is not None:
        return None
    is_untraceable = message.payment_method in ("", "check")
    if is_untraceable and not (message.utm_source or message.utm_medium):
        return None
    found = {
        "utm_source": message.utm_source or f"..{message.payment_method}",
        "utm_medium": message.utm_medium or "civicrm",
        "utm_campaign": message.utm_campaign,
        "tracking_date": received.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "country": addresses.valid_country(message.country),
    }
    return {field: text for field, text in found.items() if text}


def _from_unix(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None  # of no account for the donation, only for its statistics
