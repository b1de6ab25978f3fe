"""The import of donations: a group of messages at once, in a constant number of queries.

Reading comes first, for the whole group; then each message is judged in its order, in
memory; what was planned is written last. A message that cannot be imported is set aside
before anything is planned for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from fundraising.crm import contributions, visits
from fundraising.crm.contacts import profiles
from fundraising.crm.contacts.directory import Directory
from fundraising.crm.contacts.profiles import Profile
from fundraising.crm.currencies import exchange_rates
from fundraising.crm.currencies.rates import Rates
from fundraising.crm.donation import Donation, normalise
from fundraising.crm.ledger import Ledger
from fundraising.crm.messages import DonationMessage
from fundraising.crm.models import Activity, Contribution, RecurringContribution
from fundraising.crm.recurring.records import Records, require_predecessor
from fundraising.pending import transactions
from queues import locks
from queues.consumer import Received
from queues.outbox import push_later_many
from queues.outcomes import Drop, Park, SetAside
from queues.sequences import next_id

TRACKING = "contribution-tracking"

Item = Received[DonationMessage]


@dataclass(eq=False, slots=True)
class Entry:
    """One message on its way: completed, then normalised."""

    received: Item
    message: DonationMessage
    record: RecurringContribution | None
    donation: Donation


@dataclass(eq=False, slots=True)
class Booking:
    """A donation that is imported, with all that is written for it."""

    donation: Donation
    profile: Profile
    referral_id: int | None
    contribution: Contribution


def import_donations(group: Sequence[Item]) -> None:
    """Import the donations of a group, in the transaction that is open.

    Each message that has no effect is set aside. Raises for the database and for Redis
    (tracking ids come from there) only.
    """
    now = timezone.now()
    completed = _complete(group)
    records = Records.load((message for _, message in completed), now)
    rates = exchange_rates.rates_for(
        (message.currency or message.original_currency, message.date or now)
        for _, message in completed
    )
    entries = _normalise(completed, records, rates, now)
    if not entries:
        return
    # Whoever has the same donor in hand has committed once these are ours: what is read
    # from here on is the truth.
    emails = {entry.donation.email.lower() for entry in entries} - {""}
    locks.take(("donor", email) for email in emails)
    bookings = _book(entries, records, rates, now)
    if bookings:
        _push(bookings, records.settle())
        _note(bookings)
        transactions.resolve(
            ((donation.gateway, donation.order_id) for donation in _donations(bookings)),
            ((donation.gateway, donation.gateway_txn_id) for donation in _donations(bookings)),
        )


def _complete(group: Sequence[Item]) -> list[tuple[Item, DonationMessage]]:
    """The messages, sparse ones filled up from their pending rows."""
    orders = {_order(item.message) for item in group if item.message.is_sparse}
    pending = transactions.find(orders) if orders else {}
    completed = []
    for item in group:
        message = item.message
        try:
            if message.is_sparse:
                rows = pending.get(_order(message))
                if not rows:
                    raise Park("MISSING_PREDECESSOR", "no pending transaction has the order_id")
                message = message.completed_with(
                    transactions.best(rows, message.gateway_txn_id).details
                )
            completed.append((item, message))
        except SetAside as reason:
            item.set_aside(reason)
    return completed


def _order(message: DonationMessage) -> tuple[str, str]:
    return message.gateway, message.order_id


def _normalise(
    completed: Sequence[tuple[Item, DonationMessage]], records: Records, rates: Rates, now: datetime
) -> list[Entry]:
    entries = []
    for item, message in completed:
        record = records.find(message)
        try:
            require_predecessor(message, record)
            donation = normalise(message, rates, records.context(record, message), now=now)
            entries.append(Entry(item, message, record, donation))
        except SetAside as reason:
            item.set_aside(reason)
    return entries


def _book(entries: Sequence[Entry], records: Records, rates: Rates, now: datetime) -> list[Booking]:
    """Judge the messages in their order, plan and write what they change."""
    donations = [entry.donation for entry in entries]
    ledger = Ledger.load(donations)
    fresh = []
    for entry in entries:
        if ledger.has(entry.donation):
            entry.received.set_aside(Drop("DUPLICATE_CONTRIBUTION", "was imported before"))
        else:
            invoice_id = ledger.book(entry.donation)
            fresh.append((entry, invoice_id))
    if not fresh:
        return []
    # The first instalment of a subscription is the earliest, not the first to arrive.
    fresh.sort(key=lambda item: (item[0].donation.received, item[0].donation.gateway_txn_id))
    directory = Directory.load(
        [entry.donation for entry, _ in fresh], _known_contacts(fresh, records)
    )
    bookings = [
        _plan(entry, invoice_id, directory, records, rates, now) for entry, invoice_id in fresh
    ]
    _set_languages(bookings, directory)
    directory.write()
    records.write()
    Contribution.objects.bulk_create(booking.contribution for booking in bookings)
    return bookings


def _known_contacts(fresh: Iterable[tuple[Entry, str | None]], records: Records) -> Iterable[int]:
    """The contacts of the recurring records and tokens that the donations belong to."""
    for entry, _ in fresh:
        token = records.token(entry.donation)
        if entry.record is not None:
            yield entry.record.contact_id
        if token is not None:
            yield token.contact_id


def _plan(
    entry: Entry,
    invoice_id: str | None,
    directory: Directory,
    records: Records,
    rates: Rates,
    now: datetime,
) -> Booking:
    """What one donation changes: contact, recurring record, contribution."""
    record = records.find(entry.message)
    context = records.context(record, entry.message)
    donation = entry.donation
    series = donation.subscription
    if (
        series is not None
        and context is not None
        and (not series.id or series.is_first_installment != context.is_first_installment)
    ):
        # An earlier message of this group began or paid the same subscription.
        donation = normalise(entry.message, rates, context, now=now)
        series = donation.subscription
    profile, referral_id = _donor(donation, record, directory, records, now)
    profile = directory.save(donation, profile, entry.received.key)
    profiles.gives(profile)
    if series is not None:
        key = entry.received.key
        record = records.save(donation, record, profile.contact, entry.message, key)
    contribution = contributions.from_donation(
        donation,
        message_key=entry.received.key,
        contact=profile.contact,
        record=record,
        invoice_id=invoice_id,
        tracking_id=donation.tracking_id if donation.untracked is None else next_id(TRACKING),
    )
    return Booking(donation, profile, referral_id, contribution)


def _donor(
    donation: Donation,
    record: RecurringContribution | None,
    directory: Directory,
    records: Records,
    now: datetime,
) -> tuple[Profile | None, int | None]:
    """Whose donation it is, None for a new donor; and the contact it was only said to be of."""
    hinted, referral_id = directory.hinted(donation, now)
    profile = (
        directory.owner(record)
        or directory.owner(records.token(donation))
        or hinted
        or directory.match(donation)
    )
    return profile, referral_id


def _set_languages(bookings: Sequence[Booking], directory: Directory) -> None:
    """New donors whose message tells no language: that of the form they came by."""
    silent = {
        booking.donation.tracking_id: booking.profile
        for booking in bookings
        if booking.profile in directory.new
        and booking.donation.tracking_id is not None
        and not booking.profile.contact.preferred_language
    }
    visits.set_languages(silent)


def _donations(bookings: Iterable[Booking]) -> Iterable[Donation]:
    return (booking.donation for booking in bookings)


def _push(bookings: Sequence[Booking], demoted: Iterable[Contribution]) -> None:
    """Tell contribution tracking which contribution a visit led to.

    Later instalments have the tracking id of the first, whose link stays; ``demoted`` are
    those that were linked until an earlier one came to light.
    """
    messages: list[dict[str, object]] = [
        {"id": row.contribution_tracking_id, "unlinked_contribution_id": row.pk}
        for row in demoted
        if row.contribution_tracking_id is not None
    ]
    for booking in bookings:
        donation, contribution = booking.donation, booking.contribution
        series = donation.subscription
        if contribution.contribution_tracking_id is None:
            continue
        message: dict[str, object] = {
            "id": contribution.contribution_tracking_id,
            **(donation.untracked or {}),
        }
        if series is None or series.is_first_installment:
            given = int(contribution.receive_date.timestamp())
            link = {"contribution_id": contribution.pk, "contribution_date": given}
            messages.append({**message, **link})
        elif donation.untracked is not None:
            messages.append(message)
    if messages:
        push_later_many(TRACKING, messages)


def _note(bookings: Sequence[Booking]) -> None:
    """Activities on the contacts' records."""
    activities = []
    for booking in bookings:
        contribution, series = booking.contribution, booking.donation.subscription
        if booking.referral_id not in (None, contribution.contact_id):
            activities.append(
                Activity(
                    activity_type=Activity.Type.CONTACT_REFERRAL,
                    contact_id=contribution.contact_id,
                    source_contact_id=booking.referral_id,
                    source_record_id=contribution.pk,
                    activity_date=contribution.receive_date,
                    message_id=contribution.message_id,
                )
            )
        if series is not None and (series.is_autorescue or series.is_successful_autorescue):
            activities.append(
                Activity(
                    activity_type=Activity.Type.RECURRING_RETRY_SUCCESS,
                    contact_id=contribution.contact_id,
                    source_record_id=contribution.contribution_recur_id,
                    activity_date=contribution.receive_date,
                    message_id=contribution.message_id,
                )
            )
    if activities:
        Activity.objects.bulk_create(activities)
