"""The recurring contributions that the instalments of a group belong to or begin."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from fundraising.crm import columns, schedule
from fundraising.crm.donation import Donation
from fundraising.crm.messages import DonationMessage
from fundraising.crm.models import Contact, Contribution, PaymentToken, RecurringContribution
from fundraising.crm.subscriptions import RecurringContext, Subscription
from queues.outcomes import Park

Status = RecurringContribution.Status

# Gateways that charge by a schedule of their own: their payments tell how a subscription fares.
SELF_SCHEDULED = frozenset({"paypal", "paypal_ec"})
# Subscriptions by the present PayPal system; others were begun where we cannot see them.
PAYPAL_SUBSCRIPTION = "I-"

_ENDED = frozenset({Status.CANCELLED, Status.FAILED, Status.COMPLETED})
_REVISED = (
    "status",
    "cancel_date",
    "cancel_reason",
    "end_date",
    "next_sched_contribution_date",
)


class Records:
    """The recurring contributions and payment tokens of a group, known and planned."""

    def __init__(self, known: Iterable[RecurringContribution], paid: Iterable[int]) -> None:
        self._by_id = {record.pk: record for record in known}
        self._by_trxn_id = {record.trxn_id: record for record in known if record.trxn_id}
        self._by_rescue = {
            record.rescue_reference: record for record in known if record.rescue_reference
        }
        # Those with a contribution, by identity: the planned have no number.
        self._paid = {id(self._by_id[number]) for number in paid}
        self._tokens: dict[tuple[str, str], PaymentToken] = {}
        self._new: list[RecurringContribution] = []
        self._new_tokens: list[PaymentToken] = []
        self._changed: dict[int, RecurringContribution] = {}

    @classmethod
    def load(cls, messages: Iterable[DonationMessage]) -> "Records":
        """What these messages may belong to; the records are locked until the commit."""
        recurring = [message for message in messages if message.is_recurring]
        if not recurring:
            return cls([], [])
        ids = {number for message in recurring if (number := _number(message)) is not None}
        trxn_ids = {trxn_id for message in recurring for trxn_id in _trxn_ids(message)}
        rescues = {message.rescue_reference for message in recurring} - {""}
        rows = RecurringContribution.objects.filter(
            Q(pk__in=ids) | Q(trxn_id__in=trxn_ids) | Q(rescue_reference__in=rescues)
        )
        known = list(rows.select_for_update(of=("self",), no_key=True).order_by("pk"))
        paid = Contribution.objects.filter(contribution_recur__in=known) if known else None
        numbers = paid.values_list("contribution_recur", flat=True).distinct() if paid else []
        records = cls(known, [number for number in numbers if number is not None])
        tokens = {message.recurring_payment_token for message in recurring} - {""}
        if tokens:
            for token in PaymentToken.objects.filter(token__in=tokens):
                records._tokens[token.gateway, token.token] = token
        return records

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
            if record is not None and _family(record.gateway) == _family(message.gateway):
                return record
        return None

    def context(self, record: RecurringContribution | None) -> RecurringContext | None:
        """What the rules want to know of it."""
        if record is None:
            return None
        return RecurringContext(
            id=str(record.pk or "new"),
            is_first_installment=id(record) not in self._paid,
            payment_instrument=record.payment_instrument,
            frequency_unit=record.frequency_unit,
        )

    def token(self, donation: Donation) -> PaymentToken | None:
        """The stored token that a donation was paid with."""
        series = donation.subscription
        return self._tokens.get((donation.gateway, series.payment_token)) if series else None

    def save(
        self,
        donation: Donation,
        series: Subscription,
        record: RecurringContribution | None,
        contact: Contact,
        now: datetime,
    ) -> RecurringContribution:
        """Plan what an instalment changes of its record, or a new record for None."""
        if record is None:
            record = self._create(donation, series, contact, now)
        elif _revive(record, donation, series, now):
            self._changed[id(record)] = record
        self._paid.add(id(record))
        return record

    def write(self) -> None:
        """Write what was planned; the contacts must be written by now."""
        if self._new_tokens:
            PaymentToken.objects.bulk_create(self._new_tokens)
        if self._new:
            RecurringContribution.objects.bulk_create(self._new)
        changed = [record for record in self._changed.values() if record not in self._new]
        if changed:
            RecurringContribution.objects.bulk_update(changed, _REVISED)

    def _create(
        self, donation: Donation, series: Subscription, contact: Contact, now: datetime
    ) -> RecurringContribution:
        trxn_id = series.trxn_id
        if trxn_id in self._by_trxn_id:
            # A wallet's token names every agreement with its donor; the payment's id is one's own.
            trxn_id = donation.gateway_txn_id
        record = RecurringContribution(
            contact=contact,
            amount=donation.original.gross,
            currency=donation.original.currency,
            frequency_unit=series.frequency_unit,
            frequency_interval=series.frequency_interval,
            installments=series.installments,
            start_date=series.start_date,
            create_date=series.create_date,
            cycle_day=series.cycle_day,
            next_sched_contribution_date=_next_date(series, now),
            gateway=donation.gateway,
            processor_id=trxn_id,
            trxn_id=trxn_id,
            payment_token=self._token_of(donation, series, contact),
            payment_instrument=donation.payment_instrument,
            processor_contact_id=series.processor_contact_id,
            initial_scheme_transaction_id=series.initial_scheme_transaction_id,
            payment_service_id=series.payment_service_id,
            original_country=series.original_country,
            rescue_reference=series.rescue_reference,
        )
        columns.fit(record)
        self._by_trxn_id[trxn_id] = record
        self._new.append(record)
        return record

    def _token_of(
        self, donation: Donation, series: Subscription, contact: Contact
    ) -> PaymentToken | None:
        if not series.payment_token:
            return None
        key = donation.gateway, series.payment_token
        if key not in self._tokens:
            token = PaymentToken(
                contact=contact,
                gateway=donation.gateway,
                token=series.payment_token,
                ip_address=donation.user_ip,
            )
            columns.fit(token)
            self._tokens[key] = token
            self._new_tokens.append(token)
        return self._tokens[key]


def require_predecessor(message: DonationMessage, record: RecurringContribution | None) -> None:
    """Raises ``Park`` for an instalment of a subscription that cannot be begun by it."""
    if not message.is_recurring or record is not None:
        return
    if message.is_autorescue or message.is_successful_autorescue:
        raise Park("MISSING_PREDECESSOR", "no recurring record has the rescue_reference")
    is_paypal = message.gateway in SELF_SCHEDULED
    if is_paypal and message.subscr_id and not message.subscr_id.startswith(PAYPAL_SUBSCRIPTION):
        raise Park("MISSING_PREDECESSOR", "no recurring record has the subscr_id")


def _revive(
    record: RecurringContribution, donation: Donation, series: Subscription, now: datetime
) -> bool:
    """A payment tells that the subscription is in progress, unless it was ended after it.

    Returns whether the record changed.
    """
    is_self_scheduled = donation.gateway in SELF_SCHEDULED
    if not (is_self_scheduled or series.is_autorescue or series.is_successful_autorescue):
        return False
    ended = record.cancel_date
    if record.status in _ENDED and ended is not None and ended >= donation.received:
        return False
    record.status = Status.IN_PROGRESS
    record.cancel_date = record.end_date = None
    record.cancel_reason = ""
    if is_self_scheduled:
        record.next_sched_contribution_date = schedule.next_date(
            now,
            unit=record.frequency_unit,
            interval=record.frequency_interval,
            cycle_day=record.cycle_day,
        )
    return True


def _next_date(series: Subscription, now: datetime) -> datetime:
    return schedule.next_date(
        now,
        unit=series.frequency_unit,
        interval=series.frequency_interval,
        cycle_day=series.cycle_day,
    )


def _number(message: DonationMessage) -> int | None:
    text = message.contribution_recur_id
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _subscription_ids(message: DonationMessage) -> Sequence[str]:
    """How the record of a subscription may be named: by its id, in old ones with the gateway."""
    if not message.subscr_id:
        return ()
    return message.subscr_id, f"RECURRING {message.gateway.upper()} {message.subscr_id}"


def _trxn_ids(message: DonationMessage) -> set[str]:
    """All names that a record of this message may have or would get."""
    return {
        *_subscription_ids(message),
        message.recurring_payment_token,
        message.gateway_txn_id,
    } - {""}


def _family(gateway: str) -> str:
    return "paypal" if gateway in SELF_SCHEDULED else gateway
