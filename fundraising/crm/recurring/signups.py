"""Signups: a donor's agreement with a processor to give again and again."""

from dataclasses import replace
from decimal import Decimal

from fundraising.crm import columns, instruments, trxn_ids, visits
from fundraising.crm.contacts import details, profiles
from fundraising.crm.contacts.directory import Directory
from fundraising.crm.contacts.donor import donor_details
from fundraising.crm.currencies import money
from fundraising.crm.messages import RecurringMessage
from fundraising.crm.models import Contact, PaymentToken, RecurringContribution, RecurringEvent
from fundraising.crm.recurring import history, told_again
from fundraising.crm.recurring.agreements import happened
from fundraising.crm.recurring.cancellations import QUEUE
from fundraising.crm.recurring.history import Detail
from fundraising.crm.recurring.records import Records
from fundraising.crm.recurring.schedule import MONTHS
from fundraising.crm.recurring.state import Event
from fundraising.mails.outgoing import send_later
from queues.consumer import Received
from queues.outcomes import Damaged, Drop, Park

Item = Received[RecurringMessage]


def sign_up(item: Item) -> None:
    """Make the record that a signup tells of, or complete the one that a payment made.

    Raises ``Damaged`` (INVALID_RECURRING, CIVI_REQ_FIELD), ``Park`` for a converted gift that
    is not imported yet, ``Drop`` for a signup that was told before.
    """
    message = item.message
    _check(message)
    record = _known(item)
    if record is not None:
        _complete(record, item)
    elif message.recurring_payment_token:
        _convert(item)
    else:
        contact = find_or_make(item)
        _begin(_record(message, contact), item)


def find_or_make(item: Item) -> Contact:
    """The contact of a subscription that nothing is known of: as its visit tells, or its donor.

    Whoever calls holds the lock of the donor.
    """
    message = item.message
    linked = visits.contact_of(message.contribution_tracking_id)
    donor = donor_details(message, happened(item), is_known_recurring=False)
    directory = Directory.load([donor], [linked] if linked else [])
    hinted, _ = directory.hinted(donor, item.received_at)
    found = directory.by_id(linked) or hinted or directory.match(donor)
    profile = directory.save(donor, found, item.key)
    profiles.gives(profile)
    tracking_id = message.contribution_tracking_id
    if found is None and tracking_id is not None and not profile.contact.preferred_language:
        visits.set_languages({tracking_id: profile})
    directory.write()
    return profile.contact


def _check(message: RecurringMessage) -> None:
    if message.frequency_unit not in ("", *MONTHS):
        raise Damaged("INVALID_RECURRING", "is neither month nor year", "frequency_unit")
    if message.frequency_interval not in (None, 1):
        raise Damaged("INVALID_RECURRING", "is not 1", "frequency_interval")
    if message.installments not in (None, 0):
        raise Damaged("INVALID_RECURRING", "is not 0, without end", "installments")
    if not (message.subscr_id or message.recurring_payment_token):
        raise Damaged("INVALID_RECURRING", "is missing, and no token is there", "subscr_id")
    if not (message.currency or message.original_currency):
        raise Damaged("CIVI_REQ_FIELD", "required: currency", "currency")
    if message.gross is None or message.gross <= 0:
        raise Damaged("CIVI_REQ_FIELD", "Positive amount required.", "gross")


def _known(item: Item) -> RecurringContribution | None:
    message = item.message
    if not message.recurring_payment_token:
        return Records.load([message], item.received_at).find(message)
    rows = RecurringContribution.objects.select_for_update(of=("self",), no_key=True)
    return rows.filter(trxn_id=_trxn_id(message)).first()


def _convert(item: Item) -> None:
    """A gift becomes a monthly one, charged by the token that was stored with it."""
    message = item.message
    if visits.contact_of(message.contribution_tracking_id) is None:
        text = "the donation that became a monthly one is not imported yet"
        raise Park("MISSING_PREDECESSOR", text)
    contact = find_or_make(item)
    record = _record(message, contact)
    record.payment_token, _ = PaymentToken.objects.get_or_create(
        gateway=message.gateway,
        token=message.recurring_payment_token,
        defaults={
            "contact": contact,
            "ip_address": details.user_ip(message),
            "message_id": item.key,
        },
    )
    _begin(record, item)
    send_later(
        "monthly_convert",
        contact,
        key=f"recurring-{record.pk}",
        context={
            "amount": str(record.amount),
            "currency": record.currency,
            "next_date": f"{record.start_date:%Y-%m-%d}",
        },
        message_id=item.key,
    )


def _record(message: RecurringMessage, contact: Contact) -> RecurringContribution:
    """The record, unsaved and without its terms."""
    record = RecurringContribution(contact=contact, rescue_reference=message.rescue_reference)
    if message.recurring_payment_token:
        record.trxn_id = _trxn_id(message)
        record.processor_id = message.gateway_txn_id
        record.invoice_id = message.order_id or None
    else:
        record.trxn_id = record.processor_id = message.subscr_id
    return record


def _begin(record: RecurringContribution, item: Item) -> None:
    event = _event(record, item)
    history.begin(record, event)
    columns.fit(record)
    record.save()
    event.recurring = record
    history.add([event])


def _complete(record: RecurringContribution, item: Item) -> None:
    """What the donor signed up for stands before what payments show of it."""
    event = _event(record, item)
    this, events = history.read(event), history.of([record.pk])[record.pk]
    if any(_same(this, other) for other in events):
        raise Drop("DUPLICATE_CONTRIBUTION", "was signed up for before")
    told_again.revise(record, item.message, this, events)
    history.add([event])


def _same(this: Event, other: Event) -> bool:
    return replace(other, key=this.key, imported_at=this.imported_at) == this


def _event(record: RecurringContribution, item: Item) -> RecurringEvent:
    message, at = item.message, happened(item)
    start = message.start_date or at
    terms: dict[str, Detail] = {
        "amount": _amount(message),
        "currency": message.currency or message.original_currency,
        "frequency_unit": message.frequency_unit,
        "start_date": start,
        "create_date": message.create_date or at,
        "next_date": start,
        "gateway": message.gateway,
        "payment_instrument": instruments.label(
            message.payment_method, message.payment_submethod, message.gateway
        ),
        "processor_contact_id": message.processor_contact_id,
        "initial_scheme_transaction_id": message.initial_scheme_transaction_id,
        "payment_service_id": message.payment_service_id,
        "original_country": (message.url_country or message.country).upper()[:2],
    }
    kind = RecurringEvent.Kind.SIGNUP
    return history.event(record, kind, at, queue=QUEUE, message_id=item.key, **terms)


def _amount(message: RecurringMessage) -> Decimal:
    return money.rounded(message.gross or Decimal(0), message.currency or message.original_currency)


def _trxn_id(message: RecurringMessage) -> str:
    try:
        name = trxn_ids.for_payment(message.gateway, message.gateway_txn_id, recurring=True)
    except trxn_ids.InvalidTrxnId as error:
        raise Damaged("INVALID_RECURRING", str(error), error.field) from None
    return str(name)
