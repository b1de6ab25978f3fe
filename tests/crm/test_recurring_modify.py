"""``recurring-modify``: what donors change of their recurring contributions."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
import redis
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.contacts import checksums
from fundraising.crm.models import (
    Activity,
    Contact,
    ExchangeRate,
    RecurringContribution,
    RecurringEvent,
)
from fundraising.crm.recurring import modifications
from fundraising.crm.recurring.state import Event, fold
from fundraising.mails.models import OutgoingMail
from queues import instances
from queues.outcomes import Outcome
from tests.crm.imports import DATE, contribution, donation, import_one
from tests.deliveries import Message, deliver

pytestmark = pytest.mark.django_db

Kind = RecurringEvent.Kind
DAY = 86400
# A month after the first donation.
APRIL = DATE + 31 * DAY
WHEN = datetime.fromtimestamp(APRIL, UTC)


@pytest.fixture
def donor_prefs(frqueue: redis.Redis) -> redis.Redis:
    return instances.client("donor-prefs")


@pytest.fixture
def record(frqueue: redis.Redis) -> RecurringContribution:
    """A monthly donor's record of 10 euro."""
    told = donation(
        recurring="1", recurring_payment_token="TOKEN", gross="10.00", currency="EUR", country="DE"
    )
    import_one(told)
    found = contribution(told).contribution_recur
    assert found is not None
    return found


def message(record: RecurringContribution, txn_type: str, **fields: object) -> Message:
    """As the donor portal pushes it."""
    return {
        "txn_type": txn_type,
        "contribution_recur_id": str(record.pk),
        "source_name": "DonationInterface",
        "source_type": "emailpreferences",
        "source_host": "host.example",
        "source_run_id": 4242,
        "source_version": "unknown",
        "source_enqueued_time": APRIL,
        **fields,
    }


def upgrade(record: RecurringContribution, amount: object = 12.5, **fields: object) -> Message:
    """As the page of a mailing pushes it."""
    mailing = {"campaign": "spring", "medium": "email", "source": "upgrade-1"}
    told = {"amount": amount, "currency": "EUR", "source_type": "recurringupgrade", **mailing}
    return message(record, "recurring_upgrade", **{**told, **fields})


def pause(record: RecurringContribution, **fields: object) -> Message:
    return message(record, "recurring_paused", **{"duration": "60 days", **fields})


def annual(record: RecurringContribution, **fields: object) -> Message:
    told = {"amount": "60.00", "next_sched_contribution_date": "2027-03-01 00:00:00"}
    return message(record, "recurring_annual_conversion", **{**told, **fields})


def cancel(record: RecurringContribution, **fields: object) -> Message:
    told = {"cancel_reason": "Financial Reasons"}
    return message(record, "recurring_cancel", **{**told, **fields})


def note(kind: str) -> Activity:
    return Activity.objects.get(activity_type=kind)


def mails() -> list[tuple[str, str, str]]:
    rows = OutgoingMail.objects.order_by("pk")
    return [(row.template, row.context.get("change", ""), row.context["amount"]) for row in rows]


def test_more_from_now_on(record: RecurringContribution, donor_prefs: redis.Redis) -> None:
    day_before = WHEN - timedelta(days=1)
    ExchangeRate.objects.create(currency="EUR", value_in_usd="1.2", bank_update=day_before)
    assert deliver(donor_prefs, "recurring-modify", upgrade(record, message_id="m1")) == []
    record.refresh_from_db()
    assert record.amount == Decimal("12.50")
    row = note("Recurring Upgrade")
    assert (row.contact, row.source_record_id) == (record.contact, record.pk)
    assert (row.activity_date, row.message_id) == (WHEN, "m1")
    assert (row.tracking_campaign, row.tracking_medium) == ("spring", "email")
    assert (row.tracking_source, row.is_from_donor_portal) == ("upgrade-1", False)
    details = json.loads(row.details)
    assert details["currency"] == "EUR"
    assert (details["amount"], details["difference"]) == ("12.50", "2.50")
    assert (details["usd_amount"], details["usd_difference"]) == ("15.00", "3.00")
    assert mails() == [("recurring_upgrade_message", "", "12.50")]


def test_what_is_called_an_upgrade_but_is_less_is_a_downgrade(
    record: RecurringContribution, donor_prefs: redis.Redis
) -> None:
    deliver(donor_prefs, "recurring-modify", upgrade(record, "7.50"))
    record.refresh_from_db()
    assert record.amount == Decimal("7.50")
    assert json.loads(note("Recurring Downgrade").details)["difference"] == "-2.50"
    assert mails() == [("donor_portal_recurring", "recurring_downgrade", "7.50")]


def test_what_is_called_a_downgrade_but_is_more_is_an_upgrade(
    record: RecurringContribution, donor_prefs: redis.Redis
) -> None:
    deliver(donor_prefs, "recurring-modify", message(record, "recurring_downgrade", amount=11))
    assert json.loads(note("Recurring Upgrade").details)["difference"] == "1.00"
    assert mails() == [("recurring_upgrade_message", "", "11.00")]


def test_the_same_amount_is_no_change(
    record: RecurringContribution, donor_prefs: redis.Redis
) -> None:
    assert deliver(donor_prefs, "recurring-modify", upgrade(record, "10")) == []
    assert not Activity.objects.exists()
    assert mails() == []


def test_a_no_is_only_noted(record: RecurringContribution, donor_prefs: redis.Redis) -> None:
    told = message(record, "recurring_upgrade_decline", contact_id=str(record.contact_id))
    again = {**told, "message_id": "m1"}
    assert deliver(donor_prefs, "recurring-modify", {**told, "message_id": "m2"}, again) == []
    assert note("Recurring Upgrade Decline").message_id == "m1"
    assert RecurringEvent.objects.count() == 1
    assert mails() == []


def test_a_pause_puts_the_next_charge_off(
    record: RecurringContribution, donor_prefs: redis.Redis
) -> None:
    before = record.next_sched_contribution_date
    assert before is not None
    deliver(donor_prefs, "recurring-modify", pause(record, is_from_save_flow=True))
    record.refresh_from_db()
    assert record.next_sched_contribution_date == before + timedelta(days=60)
    row = note("Recurring Paused")
    assert json.loads(row.details) == {"duration": "60 days", "is_from_save_flow": True}
    assert row.is_from_donor_portal
    assert mails() == [("donor_portal_recurring", "recurring_paused", "10.00")]


@pytest.mark.parametrize("second", [{"message_id": "m1"}, {"message_id": "m0"}, {}])
def test_a_pause_that_is_told_twice_pauses_once(
    record: RecurringContribution, donor_prefs: redis.Redis, second: dict[str, str]
) -> None:
    before = record.next_sched_contribution_date
    assert before is not None
    told = pause(record)
    deliver(donor_prefs, "recurring-modify", {**told, "message_id": "m1"})
    assert deliver(donor_prefs, "recurring-modify", {**told, **second}) == []
    record.refresh_from_db()
    assert record.next_sched_contribution_date == before + timedelta(days=60)
    assert len(mails()) == 1
    (event,) = RecurringEvent.objects.filter(kind=Kind.PAUSED)
    assert note("Recurring Paused").message_id == event.message_id


def test_two_pauses_pause_twice(record: RecurringContribution, donor_prefs: redis.Redis) -> None:
    before = record.next_sched_contribution_date
    assert before is not None
    later = pause(record, source_enqueued_time=APRIL + DAY, duration="1 day")
    deliver(donor_prefs, "recurring-modify", pause(record), later)
    record.refresh_from_db()
    assert record.next_sched_contribution_date == before + timedelta(days=61)


def test_from_monthly_to_annual(record: RecurringContribution, donor_prefs: redis.Redis) -> None:
    deliver(donor_prefs, "recurring-modify", annual(record))
    record.refresh_from_db()
    assert (record.amount, record.frequency_unit) == (Decimal(60), "year")
    assert record.next_sched_contribution_date == datetime(2027, 3, 1, tzinfo=UTC)
    details = json.loads(note("Recurring Annual Conversion").details)
    assert (details["amount"], details["currency"]) == ("60.00", "EUR")
    assert details["next_sched_contribution_date"] == "2027-03-01"
    assert mails() == [("donor_portal_recurring", "recurring_annual_conversion", "60.00")]


@pytest.mark.parametrize(
    ("told", "at", "reason"),
    [
        ({}, APRIL, "Financial Reasons"),
        ({"cancel_date": APRIL - DAY}, APRIL - DAY, "Financial Reasons"),
        ({"date": APRIL + DAY}, APRIL + DAY, "Financial Reasons"),
        ({"cancel_reason": ""}, APRIL, "(auto) User Cancelled via Donor Portal"),
    ],
)
def test_the_end(
    record: RecurringContribution,
    donor_prefs: redis.Redis,
    told: dict[str, object],
    at: int,
    reason: str,
) -> None:
    deliver(donor_prefs, "recurring-modify", cancel(record, **told))
    record.refresh_from_db()
    moment = datetime.fromtimestamp(at, UTC)
    assert (record.status, record.cancel_reason) == ("Cancelled", reason)
    assert (record.cancel_date, record.end_date) == (moment, moment)
    row = note("Cancel Recurring Contribution")
    assert (row.subject, row.activity_date) == (reason, moment)
    assert mails() == [("donor_portal_recurring", "recurring_cancel", "10.00")]


def test_an_end_after_the_end_is_noted_and_not_mailed(
    record: RecurringContribution, donor_prefs: redis.Redis
) -> None:
    late = cancel(record, source_enqueued_time=APRIL + DAY, cancel_reason="other")
    deliver(donor_prefs, "recurring-modify", cancel(record), late)
    record.refresh_from_db()
    assert (record.cancel_date, record.cancel_reason) == (WHEN, "Financial Reasons")
    assert Activity.objects.count() == 2
    assert len(mails()) == 1


def test_what_changed_elsewhere_is_taken_over(
    record: RecurringContribution, donor_prefs: redis.Redis
) -> None:
    told = message(
        record,
        "external_recurring_modification",
        source_type="audit",
        amount="11.00",
        currency="EUR",
        first_name="Ana",
        last_name="Moreno",
        email="new@example.org",
        country="ES",
        street_address="Calle Mayor 1",
        city="Madrid",
        postal_code="28013",
    )
    deliver(donor_prefs, "recurring-modify", told)
    record.refresh_from_db()
    assert record.amount == Decimal(11)
    contact = record.contact
    assert contact.last_name == "Moreno"
    assert contact.emails.get(is_primary=True).email == "new@example.org"
    assert contact.addresses.get(is_primary=True).city == "Madrid"
    assert json.loads(note("External Recurring Modification").details)["amount"] == "11.00"
    assert Activity.objects.count() == 1
    assert mails() == []


def test_a_subscription_may_be_named_by_its_id(donor_prefs: redis.Redis) -> None:
    wallet = {"gateway": "paypal", "payment_method": "paypal", "payment_submethod": ""}
    paid = donation(**wallet, recurring="1", subscr_id="I-ABC")
    named = {"gateway": "paypal_ec", "contribution_recur_id": ""}
    base = RecurringContribution(pk=0)
    by_subscription = cancel(base, **named, subscr_id="I-ABC")
    by_record = upgrade(base, 20, **{**named, "currency": ""}, trxn_id="I-ABC")
    letters = deliver(donor_prefs, "recurring-modify", by_subscription, by_record)
    assert [letter.outcome for letter in letters] == [Outcome.PARK] * 2
    assert {letter.code for letter in letters} == {"MISSING_PREDECESSOR"}
    import_one(paid)
    again = [json.loads(letter.body) for letter in letters]
    assert deliver(donor_prefs, "recurring-modify", *again) == []
    record = RecurringContribution.objects.get()
    assert (record.status, record.amount) == ("Cancelled", Decimal(20))


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("recurring_upgrade", {"contribution_recur_id": "999999"}, "contribution_recur_id"),
    ("recurring_upgrade", {"contribution_recur_id": "x"}, "contribution_recur_id"),
    ("recurring_upgrade", {"contribution_recur_id": ""}, "contribution_recur_id"),
    ("recurring_cancel", {"contribution_recur_id": "", "subscr_id": "I-1"}, "gateway"),
    ("recurring_upgrade", {}, "amount"),
    ("recurring_downgrade", {"amount": ""}, "amount"),
    ("recurring_downgrade", {"amount": "0"}, "amount"),
    ("recurring_downgrade", {"amount": "-5"}, "amount"),
    ("recurring_upgrade", {"amount": "20", "currency": "USD"}, "currency"),
    ("external_recurring_modification", {"amount": "20", "currency": "USD"}, "currency"),
    ("recurring_annual_conversion", {"amount": "60"}, "next_sched_contribution_date"),
    ("recurring_annual_conversion", {"next_sched_contribution_date": "2027-03-01"}, "amount"),
    ("recurring_paused", {}, "duration"),
    ("recurring_paused", {"duration": "for ever"}, "duration"),
    ("recurring_paused", {"duration": "0 days"}, "duration"),
    ("recurring_upgrade_decline", {}, "contact_id"),
    ("recurring_cancel", {"contact_id": "999999"}, "contact_id"),
    ("recurring_cancel", {"contact_id": "x"}, "contact_id"),
    ("recurring_cancel", {"checksum": f"{'0' * 32}_{APRIL}_168"}, "checksum"),
    ("subscr_cancel", {}, "txn_type"),
    ("", {}, "txn_type"),
]


@pytest.mark.parametrize(("txn_type", "fields", "field"), FAULTS)
def test_what_is_wrong_is_named_and_nothing_changes(
    record: RecurringContribution,
    donor_prefs: redis.Redis,
    txn_type: str,
    fields: dict[str, Any],
    field: str,
) -> None:
    (letter,) = deliver(donor_prefs, "recurring-modify", message(record, txn_type, **fields))
    assert (letter.outcome, letter.code) == (Outcome.DAMAGED, "INVALID_RECURRING")
    assert letter.field == field
    assert RecurringEvent.objects.count() == 1
    assert not Activity.objects.exists()
    assert mails() == []


def test_one_bad_message_takes_no_other_along(
    record: RecurringContribution, donor_prefs: redis.Redis
) -> None:
    bad = pause(record, duration="")
    assert len(deliver(donor_prefs, "recurring-modify", upgrade(record), bad)) == 1
    record.refresh_from_db()
    assert record.amount == Decimal("12.50")


def test_a_stranger_changes_nothing(
    record: RecurringContribution, donor_prefs: redis.Redis
) -> None:
    stranger = Contact.objects.create()
    proof = checksums.checksum(stranger.pk, stranger.hash, WHEN, 168)
    told = cancel(record, contact_id=stranger.pk, checksum=proof)
    (letter,) = deliver(donor_prefs, "recurring-modify", told)
    assert (letter.code, letter.field) == ("INVALID_RECURRING", "contact_id")


def test_the_donor_is_known_by_a_checksum_even_after_a_merge(
    record: RecurringContribution, donor_prefs: redis.Redis
) -> None:
    before = Contact.objects.create(is_deleted=True, merged_into=record.contact)
    proof = checksums.checksum(before.pk, before.hash, WHEN - timedelta(days=30), 168)
    told = upgrade(record, contact_id=before.pk, checksum=proof)
    assert deliver(donor_prefs, "recurring-modify", told) == []
    own = checksums.checksum(record.contact_id, record.contact.hash, WHEN, 168)
    assert deliver(donor_prefs, "recurring-modify", upgrade(record, 13, checksum=own)) == []


def test_what_was_raised_and_lowered_is_the_same_in_every_order(
    record: RecurringContribution, donor_prefs: redis.Redis
) -> None:
    told = [
        upgrade(record, "15", message_id="m1"),
        upgrade(record, "12", message_id="m2", source_enqueued_time=APRIL + DAY),
        pause(record, message_id="m3", source_enqueued_time=APRIL + 2 * DAY),
        upgrade(record, "12", message_id="m4", source_enqueued_time=APRIL + 3 * DAY),
    ]
    ends = []
    for order in permutations(told):
        with transaction.atomic():
            for one in [*order, *order]:
                assert deliver(donor_prefs, "recurring-modify", one) == []
            ends.append(_end(record))
            transaction.set_rollback(True)
    assert all(end == ends[0] for end in ends)
    kinds = [row[0] for row in ends[0][1]]
    assert kinds == ["Recurring Upgrade", "Recurring Downgrade", "Recurring Paused"]


def _end(record: RecurringContribution) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    (row,) = RecurringContribution.objects.filter(pk=record.pk).values()
    fields = ("activity_type", "message_id", "activity_date", "details", "tracking_campaign")
    return row, list(Activity.objects.order_by("activity_date").values_list(*fields))


@given(st.integers(1, 999))
def test_a_duration_is_a_number_of_days(number: int) -> None:
    assert modifications.days(f"{number} days") == modifications.days(f"{number} DAY") == number


@pytest.mark.parametrize("text", ["", "60", "days", "-1 days", "0 days", "1000 days", "2 months"])
def test_other_durations_are_none(text: str) -> None:
    assert modifications.days(text) is None


BEGIN = Event(kind=Kind.CREATED, at=WHEN, key="donations d", amount=Decimal(10), currency="EUR")
changes = st.lists(
    st.builds(
        lambda number, days, amount: Event(
            kind=Kind.AMOUNT,
            at=WHEN + timedelta(days=days),
            key=f"recurring-modify m{number}",
            amount=Decimal(amount),
        ),
        st.integers(0, 99),
        st.integers(-1, 3),
        st.integers(1, 20),
    ),
    unique_by=lambda event: event.key,
    max_size=6,
)


@given(told=changes, data=st.data())
def test_the_differences_lead_from_the_first_amount_to_the_last(
    told: list[Event], data: st.DataObject
) -> None:
    events = [BEGIN, *told]
    shuffled = data.draw(st.permutations(events))
    differences = [modifications.difference(shuffled, change) for change in told]
    assert Decimal(10) + sum(differences) == fold(events).amount
