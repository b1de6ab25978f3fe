"""``upi-donations``: monthly payments under mandates of Indian bank accounts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
import redis
from django.db import transaction
from django.db.models import Model

from fundraising.crm.models import (
    Activity,
    Contact,
    Contribution,
    PaymentToken,
    RecurringContribution,
    RecurringEvent,
)
from queues import locks
from queues.outcomes import Outcome
from tests.crm.imports import contribution, donation, import_one
from tests.deliveries import Message, deliver, tell
from tests.pending.databases import start, wait_until_one_waits

on_sqlite = pytest.mark.django_db

# 2026-03-09 18:35:30 UTC
MARCH = 1773081330
DAY = 86400
APRIL = MARCH + 31 * DAY


def paid(txn: str = "F-1", **fields: object) -> Message:
    """As the job of the listener pushes a payment."""
    return {
        "gateway": "dlocal",
        "order_id": "71800.1",
        "contribution_tracking_id": "71800",
        "gateway_txn_id": txn,
        "full_name": "Testy McTest",
        "email": "testy@example.org",
        "currency": "INR",
        "country": "IN",
        "gross": "505.00",
        "date": MARCH,
        "gateway_status": "PAID",
        "payment_method": "bt",
        "payment_submethod": "upi",
        "recurring_payment_token": "5dff49d4-462c",
        "response": False,
        "gateway_account": "test",
        "fee": 0,
        "utm_source": "..rbt",
        "language": "en",
        "first_name": "Testy",
        "last_name": "McTest",
        "city": "Mumbai",
        "recurring": "1",
        "user_ip": "172.18.0.1",
        "fiscal_number": "AAAAA9999C",
        "source_name": "SmashPig",
        "source_type": "job-runner",
        "source_host": "host.example",
        "source_run_id": 271,
        "source_version": "unknown",
        "source_enqueued_time": MARCH + 204,
        "message_id": txn,
        **fields,
    }


def rejected(**fields: object) -> Message:
    """As it pushes that the donor ended the mandate."""
    told = {"gateway_status": "REJECTED", "gateway_status_code": "322", "date": APRIL}
    return paid("F-322", **{**told, **fields})


def unwanted() -> list[int | None]:
    rows = Activity.objects.filter(activity_type="Refund", status="Scheduled")
    return list(rows.values_list("source_record_id", flat=True))


@on_sqlite
def test_the_first_payment_makes_contact_token_and_record(frqueue: redis.Redis) -> None:
    assert deliver(frqueue, "upi-donations", paid()) == []
    row = Contribution.objects.get()
    assert (row.original_amount, row.original_currency) == (Decimal(505), "INR")
    assert (row.order_id, row.contribution_tracking_id) == ("71800.1", 71800)
    assert (row.payment_instrument, row.message_id) == ("Bank Transfer: UPI", "F-1")
    assert row.financial_type == "Recurring Gift"
    contact, token = Contact.objects.get(), PaymentToken.objects.get()
    assert (contact.last_name, contact.legal_identifier) == ("McTest", "AAAAA9999C")
    assert (token.gateway, token.token) == ("dlocal", "5dff49d4-462c")
    assert token.ip_address == "172.18.0.1"
    record = RecurringContribution.objects.get()
    assert (record.amount, record.currency) == (Decimal(505), "INR")
    assert (record.frequency_unit, record.frequency_interval) == ("month", 1)
    assert record.start_date == datetime.fromtimestamp(MARCH, UTC)
    assert (record.payment_token, record.cycle_day) == (token, 9)
    assert record.contact == row.contact == token.contact == contact
    assert row.contribution_recur == record


@on_sqlite
@pytest.mark.parametrize("in_one_group", [True, False])
def test_all_payments_of_one_mandate_belong_to_one_record(
    frqueue: redis.Redis, in_one_group: bool
) -> None:
    # The bank tells nothing of the donor the second time.
    later = paid("F-2", date=APRIL, email="", first_name="", last_name="", full_name="")
    groups = [[paid(), later]] if in_one_group else [[paid()], [later]]
    for group in groups:
        assert deliver(frqueue, "upi-donations", *group) == []
    record = RecurringContribution.objects.get()
    assert record.contributions.count() == 2
    assert Contact.objects.count() == PaymentToken.objects.count() == 1
    second = Contribution.objects.get(gateway_txn_id="F-2")
    assert (second.contact, second.financial_type) == (record.contact, "Recurring Gift - Cash")


@on_sqlite
def test_another_amount_is_another_agreement(frqueue: redis.Redis) -> None:
    deliver(frqueue, "upi-donations", paid(), paid("F-2", gross="100", order_id="71801.1"))
    assert RecurringContribution.objects.count() == 2
    assert PaymentToken.objects.count() == Contact.objects.count() == 1


@on_sqlite
def test_a_record_that_was_begun_otherwise_is_found_by_token_and_amount(
    frqueue: redis.Redis,
) -> None:
    told = {"recurring": "1", "recurring_payment_token": "5dff49d4-462c", "gateway": "dlocal"}
    begun = [donation(**told, gross="505", currency="INR", email="a@example.org") for _ in range(2)]
    for message in begun:
        import_one(message)
    first, second = RecurringContribution.objects.order_by("pk")
    RecurringContribution.objects.filter(pk=second.pk).update(status="In Progress")
    deliver(frqueue, "upi-donations", paid())
    assert contribution(paid()).contribution_recur == second
    RecurringContribution.objects.filter(pk=second.pk).update(status="Cancelled")
    deliver(frqueue, "upi-donations", paid("F-2", order_id="71801.1"))
    assert contribution(paid("F-2")).contribution_recur == first


@on_sqlite
def test_the_end_of_a_mandate_ends_the_record(frqueue: redis.Redis) -> None:
    deliver(frqueue, "upi-donations", paid())
    assert deliver(frqueue, "upi-donations", rejected(gateway_status_code=322)) == []
    record = RecurringContribution.objects.get()
    assert (record.status, record.cancel_reason) == (
        "Cancelled",
        "Subscription cancelled at gateway",
    )
    assert record.cancel_date == datetime.fromtimestamp(APRIL, UTC)
    note = Activity.objects.get()
    assert (note.activity_type, note.source_record_id) == (
        "Cancel Recurring Contribution",
        record.pk,
    )
    assert Contribution.objects.count() == 1
    # Told by another message it is no second end.
    deliver(frqueue, "upi-donations", rejected(message_id="other"))
    assert Activity.objects.count() == 1


@on_sqlite
def test_the_end_waits_for_the_beginning(frqueue: redis.Redis) -> None:
    (letter,) = deliver(frqueue, "upi-donations", rejected())
    assert (letter.outcome, letter.code) == (Outcome.PARK, "MISSING_PREDECESSOR")


@on_sqlite
def test_a_payment_after_the_end_is_booked_and_to_be_refunded(frqueue: redis.Redis) -> None:
    deliver(frqueue, "upi-donations", paid(), rejected())
    late = paid("F-2", date=APRIL + DAY, order_id="71802.1")
    assert deliver(frqueue, "upi-donations", late) == []
    record = RecurringContribution.objects.get()
    assert (record.status, record.contributions.count()) == ("Cancelled", 2)
    assert unwanted() == [contribution(late).pk]


@on_sqlite
def test_a_payment_from_before_the_end_is_kept(frqueue: redis.Redis) -> None:
    deliver(frqueue, "upi-donations", paid(), rejected())
    deliver(frqueue, "upi-donations", paid("F-2", date=APRIL - DAY, order_id="71802.1"))
    assert unwanted() == []


@on_sqlite
def test_a_payment_that_was_imported_before_is_dropped(frqueue: redis.Redis) -> None:
    deliver(frqueue, "upi-donations", paid())
    assert deliver(frqueue, "upi-donations", paid(message_id="other")) == []
    assert Contribution.objects.count() == 1


@on_sqlite
@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"recurring_payment_token": ""}, "INVALID_RECURRING", "recurring_payment_token"),
        ({"gross": ""}, "CIVI_REQ_FIELD", "gross"),
        ({"gateway": ""}, "CIVI_REQ_FIELD", "gateway"),
        ({"gateway_txn_id": ""}, "CIVI_REQ_FIELD", "gateway_txn_id"),
        ({"gateway_status": ""}, "INVALID_MESSAGE", "gateway_status"),
        ({"gateway_status": "REJECTED"}, "INVALID_MESSAGE", "gateway_status"),
        (
            {"gateway_status": "REJECTED", "gateway_status_code": "300"},
            "INVALID_MESSAGE",
            "gateway_status",
        ),
    ],
)
def test_what_is_wrong_is_named(
    frqueue: redis.Redis, fields: dict[str, Any], code: str, field: str
) -> None:
    good = paid("F-2", order_id="71802.1")
    (letter,) = deliver(frqueue, "upi-donations", paid(**fields), good)
    assert (letter.outcome, letter.code, letter.field) == (Outcome.DAMAGED, code, field)
    assert Contribution.objects.get().gateway_txn_id == "F-2"


@on_sqlite
def test_every_order_ends_the_same(frqueue: redis.Redis) -> None:
    told = [
        ("upi-donations", paid()),
        ("upi-donations", paid("F-2", date=APRIL, order_id="71800.2")),
        ("upi-donations", rejected(date=APRIL + DAY)),
        ("upi-donations", paid("F-3", date=APRIL + 2 * DAY, order_id="71800.3")),
    ]
    ends = []
    for order in permutations(told):
        with transaction.atomic():
            assert tell(frqueue, [[one] for one in [*order, *order]]) == []
            ends.append([_contents(model) for model in TOLD])
            transaction.set_rollback(True)
    assert all(end == ends[0] for end in ends)
    assert len(ends[0][0]) == 1


TOLD: list[type[Model]] = [
    RecurringContribution,
    RecurringEvent,
    Contribution,
    PaymentToken,
    Activity,
]
# Numbers and the times of the import may differ; a token names the message that brought it.
_OWN = {"id", "created_at", "imported_at", "modified_at"}


def _contents(model: type[Model]) -> list[tuple[str, ...]]:
    names = [
        field.attname
        for field in model._meta.concrete_fields
        if field.name not in _OWN and not field.is_relation
    ]
    if model is PaymentToken:
        names.remove("message_id")
    return sorted(
        tuple("" if name == "source_record_id" else str(getattr(row, name)) for name in names)
        for row in model._default_manager.all()
    )


@pytest.mark.postgres
@pytest.mark.usefixtures("on_postgresql")
def test_two_first_payments_at_once_make_one_record(
    frqueue: redis.Redis, threads: ThreadPoolExecutor
) -> None:
    """Two workers, neither of which sees a record when it begins."""
    second = paid("F-2", date=APRIL, order_id="71800.2")
    with transaction.atomic():
        locks.take([("upi-donations", "dlocal", "5dff49d4-462c")])
        workers = [start(threads, deliver, frqueue, "upi-donations", paid())]
        wait_until_one_waits()
        workers.append(start(threads, deliver, frqueue, "upi-donations", second))
    assert [worker.result(30) for worker in workers] == [[], []]
    assert Contribution.objects.count() == 2
    assert RecurringContribution.objects.count() == PaymentToken.objects.count() == 1
