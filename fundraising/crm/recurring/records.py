"""The recurring contributions that the instalments of a group belong to or begin."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import OuterRef, Q, Subquery

from fundraising.crm import columns
from fundraising.crm.donation import Donation
from fundraising.crm.ledger import is_payment
from fundraising.crm.messages import DonationMessage
from fundraising.crm.models import (
    Contact,
    Contribution,
    PaymentToken,
    RecurringContribution,
    RecurringEvent,
)
from fundraising.crm.recurring import history
from fundraising.crm.recurring.payment_events import SELF_SCHEDULED, of_payment
from fundraising.crm.recurring.state import Event, frequency_at
from fundraising.crm.recurring.subscriptions import RecurringContext, Subscription
from queues.outcomes import Park

# When a payment was made, and its id to tell payments of one moment apart.
Place = tuple[datetime, str]

# Subscriptions by the present PayPal system; others were begun where we cannot see them.
PAYPAL_SUBSCRIPTION = "I-"


class Records:
    """The recurring contributions and payment tokens of a group, known and planned."""

    def __init__(self, known: Iterable[RecurringContribution], now: datetime) -> None:
        known = list(known)
        self._now = now
        self._by_id = {record.pk: record for record in known}
        self._by_trxn_id = {record.trxn_id: record for record in known if record.trxn_id}
        self._by_rescue = {
            record.rescue_reference: record for record in known if record.rescue_reference
        }
        # By identity, as the planned have no number.
        self._first: dict[int, Place] = {}
        self._events: dict[int, list[Event]] = {}
        self._tokens: dict[tuple[str, str], PaymentToken] = {}
        self._new: list[RecurringContribution] = []
        self._new_tokens: list[PaymentToken] = []
        self._new_events: list[RecurringEvent] = []
        self._unsettled: set[int] = set()

    @classmethod
    def load(cls, messages: Iterable[DonationMessage], now: datetime) -> "Records":
        """What these messages may belong to; the records are locked until the commit.

        ``now`` dates payments without a date.
        """
        recurring = [message for message in messages if message.is_recurring]
        if not recurring:
            return cls([], now)
        ids = {number for message in recurring if (number := _number(message)) is not None}
        trxn_ids = {trxn_id for message in recurring for trxn_id in _trxn_ids(message)}
        rescues = {message.rescue_reference for message in recurring} - {""}
        rescued = _rescued_before(rescues)
        rows = RecurringContribution.objects.filter(
            Q(pk__in=ids | set(rescued.values()))
            | Q(trxn_id__in=trxn_ids)
            | Q(rescue_reference__in=rescues)
        )
        records = cls(rows.select_for_update(of=("self",), no_key=True).order_by("pk"), now)
        for reference, number in rescued.items():
            records._by_rescue.setdefault(reference, records._by_id[number])
        records._load_details({message.recurring_payment_token for message in recurring} - {""})
        return records

    def _load_details(self, tokens: Iterable[str]) -> None:
        if self._by_id:
            for number, received, gateway_txn_id in _first_payments(self._by_id):
                if received is not None:
                    self._first[id(self._by_id[number])] = received, gateway_txn_id
        yearly = [row.pk for row in self._by_id.values() if row.frequency_unit == "year"]
        if yearly:
            self._events = history.of(yearly)
        if tokens:
            for token in PaymentToken.objects.filter(token__in=tokens):
                self._tokens[token.gateway, token.token] = token

    def find(self, message: DonationMessage) -> RecurringContribution | None:
        """The record that a message is an instalment of, if there is one."""
        if not message.is_recurring:
            return None
        if message.contribution_recur_id:
            number = _number(message)
            return self._by_id.get(number) if number is not None else None
        if message.rescue_reference and message.rescue_reference in self._by_rescue:
            return self._by_rescue[message.rescue_reference]
        for trxn_id in _subscription_ids(message):
            record = self._by_trxn_id.get(trxn_id)
            if record is not None and family(record.gateway) == family(message.gateway):
                return record
        return None

    def context(
        self, record: RecurringContribution | None, message: DonationMessage
    ) -> RecurringContext | None:
        """What the rules want to know of it for a payment."""
        if record is None:
            return None
        place = message.date or self._now, message.gateway_txn_id
        first = self._first.get(id(record))
        events = self._events.get(record.pk)
        return RecurringContext(
            id=str(record.pk or "new"),
            is_first_installment=first is None or place < first,
            payment_instrument=record.payment_instrument,
            frequency_unit=frequency_at(events, place[0]) if events else record.frequency_unit,
        )

    def token(self, donation: Donation) -> PaymentToken | None:
        """The stored token that a donation was paid with."""
        series = donation.subscription
        return self._tokens.get((donation.gateway, series.payment_token)) if series else None

    def save(
        self,
        donation: Donation,
        record: RecurringContribution | None,
        contact: Contact,
        message: DonationMessage,
        key: str,
    ) -> RecurringContribution:
        """Plan what an instalment tells of its record, or a new record for None.

        ``key`` is the identity of the message. Raises ValueError for no instalment.
        """
        is_new = record is None
        if record is None:
            record = self._create(donation, contact, key)
        event = of_payment(record, donation, message, key=key, now=self._now)
        if is_new:
            history.begin(record, event)
            columns.fit(record)
        self._new_events.append(event)
        if is_payment(donation):
            place = donation.received, donation.gateway_txn_id
            first = self._first.get(id(record))
            if first is not None and place < first:
                self._unsettled.add(record.pk)
            self._first[id(record)] = place if first is None else min(first, place)
        return record

    def write(self) -> None:
        """Write what was planned; the contacts must be written by now."""
        if self._new_tokens:
            PaymentToken.objects.bulk_create(self._new_tokens)
        if self._new:
            RecurringContribution.objects.bulk_create(self._new)
        if self._new_events:
            for event in self._new_events:
                event.recurring_id = event.recurring.pk
            self._unsettled |= history.write(self._new_events)

    def settle(self) -> list[Contribution]:
        """Once the contributions are written: change those that turn out not to be the first.

        Returns what changed.
        """
        return history.settle(self._unsettled)

    def _create(self, donation: Donation, contact: Contact, key: str) -> RecurringContribution:
        series = donation.subscription
        if series is None:
            raise ValueError("the donation is no instalment")
        trxn_id = series.trxn_id
        if trxn_id in self._by_trxn_id:
            # A wallet's token names every agreement with its donor; the payment's id is one's own.
            trxn_id = donation.gateway_txn_id
        record = RecurringContribution(
            contact=contact,
            processor_id=trxn_id,
            trxn_id=trxn_id,
            payment_token=self._token_of(donation, series, contact, key),
            rescue_reference=series.rescue_reference,
        )
        self._by_trxn_id[trxn_id] = record
        self._new.append(record)
        return record

    def _token_of(
        self, donation: Donation, series: Subscription, contact: Contact, key: str
    ) -> PaymentToken | None:
        if not series.payment_token:
            return None
        name = donation.gateway, series.payment_token
        if name not in self._tokens:
            token = PaymentToken(
                contact=contact,
                gateway=donation.gateway,
                token=series.payment_token,
                ip_address=donation.user_ip,
                message_id=key,
            )
            columns.fit(token)
            self._tokens[name] = token
            self._new_tokens.append(token)
        return self._tokens[name]


def require_predecessor(message: DonationMessage, record: RecurringContribution | None) -> None:
    """Raises ``Park`` for an instalment of a subscription that cannot be begun by it."""
    if not message.is_recurring or record is not None:
        return
    if message.is_autorescue or message.is_successful_autorescue:
        raise Park("MISSING_PREDECESSOR", "no recurring record has the rescue_reference")
    is_paypal = message.gateway in SELF_SCHEDULED
    if is_paypal and message.subscr_id and not message.subscr_id.startswith(PAYPAL_SUBSCRIPTION):
        raise Park("MISSING_PREDECESSOR", "no recurring record has the subscr_id")


def family(gateway: str) -> str:
    """The name under which a gateway's subscriptions are one."""
    return "paypal" if gateway in SELF_SCHEDULED else gateway


def _first_payments(records: Iterable[int]) -> Iterable[tuple[int, datetime | None, str]]:
    """The place of the earliest payment of each record, None for one that has none."""
    payments = Contribution.objects.filter(
        contribution_recur=OuterRef("pk"), is_payment=True
    ).order_by("receive_date", "gateway_txn_id")
    return RecurringContribution.objects.filter(pk__in=records).values_list(
        "pk",
        Subquery(payments.values("receive_date")[:1]),
        Subquery(payments.values("gateway_txn_id")[:1]),
    )


def _rescued_before(references: Iterable[str]) -> dict[str, int]:
    """The records whose rescue has ended, by the reference that they had until then."""
    if not references:
        return {}
    rows = RecurringEvent.objects.filter(rescue_reference__in=references)
    return dict(rows.values_list("rescue_reference", "recurring"))


def _number(message: DonationMessage) -> int | None:
    text = message.contribution_recur_id
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _subscription_ids(message: DonationMessage) -> Sequence[str]:
    """How the record of a subscription may be named: by its id, in old ones with the gateway."""
    if not message.subscr_id:
        return ()
    is_paypal = message.gateway in SELF_SCHEDULED
    gateways = sorted(SELF_SCHEDULED) if is_paypal else [message.gateway]
    named = (f"RECURRING {gateway.upper()} {message.subscr_id}" for gateway in gateways)
    return message.subscr_id, *named


def _trxn_ids(message: DonationMessage) -> set[str]:
    """All names that a record of this message may have or would get."""
    return {
        *_subscription_ids(message),
        message.recurring_payment_token,
        message.gateway_txn_id,
    } - {""}
