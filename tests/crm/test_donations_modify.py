"""The ``donations-modify`` queue: payments that fail after they were booked."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.db import transaction

from fundraising.crm.models import Activity, Contribution, RecurringContribution, RecurringEvent
from fundraising.crm.refunds.adjustments import kept
from fundraising.mails.models import OutgoingMail
from tests.crm.consuming import (
    DAY,
    Told,
    again,
    bring_in,
    chargeback,
    consume,
    failure,
    judge,
    refund,
    snapshot,
)
from tests.crm.imports import DATE, Message, contribution, donation, import_group, import_one

pytestmark = pytest.mark.django_db

WHEN = datetime.fromtimestamp(DATE, UTC)
Status = Contribution.Status


@pytest.fixture
def gift() -> Message:
    message = donation(payment_method="dd", payment_submethod="ach")
    import_one(message)
    return message


@pytest.fixture
def instalments() -> list[Message]:
    """Four payments of a monthly donor."""
    first = donation(recurring="1", recurring_payment_token="TOKEN", user_ip="198.51.100.7")
    import_one(first)
    number = contribution(first).contribution_recur_id
    later = [
        donation(recurring="1", contribution_recur_id=str(number), date=DATE + days * DAY)
        for days in (31, 62, 92)
    ]
    import_group(*later)
    RecurringContribution.objects.update(status="In Progress")
    return [first, *later]


def record() -> RecurringContribution:
    return RecurringContribution.objects.get()


def test_the_payment_is_cancelled(gift: Message) -> None:
    assert consume("donations-modify", failure(gift)) == [""]
    row = contribution(gift)
    assert (row.contribution_status, row.cancel_reason) == (Status.CANCELLED, "Account Closed")
    assert row.cancel_date == WHEN + timedelta(days=1)
    assert kept(row)[1] == 0
    assert not Activity.objects.exists()


def test_told_again_nothing_changes(gift: Message) -> None:
    told = failure(gift)
    late = again(told, date=DATE + 5 * DAY)
    assert consume("donations-modify", told, late) == ["", "DUPLICATE_CONTRIBUTION"]
    assert contribution(gift).cancel_date == WHEN + timedelta(days=1)


def test_the_donation_is_waited_for() -> None:
    verdict = judge("donations-modify", failure(donation()))
    assert verdict is not None
    assert (verdict.outcome, verdict.code) == ("park", "MISSING_PREDECESSOR")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"gateway": ""}, "gateway"),
        ({"gateway_txn_id": ""}, "gateway_txn_id"),
        ({"reason": ""}, "reason"),
        ({"contribution_status_id:name": "Refunded"}, "contribution_status_id:name"),
        ({"can_retry": "perhaps"}, "can_retry"),
    ],
)
def test_what_is_wrong_names_its_field(gift: Message, fields: Message, field: str) -> None:
    verdict = judge("donations-modify", failure(gift, **fields))
    assert verdict is not None
    assert (verdict.code, verdict.field) == ("INVALID_MESSAGE", field)
    assert contribution(gift).contribution_status == Status.COMPLETED


def test_without_a_date_it_happened_when_it_was_pushed(gift: Message) -> None:
    told = failure(gift, date=None, source_enqueued_time=DATE + 60)
    assert consume("donations-modify", told) == [""]
    assert contribution(gift).cancel_date == WHEN + timedelta(minutes=1)


def test_the_payment_behind_an_orchestrator() -> None:
    message = donation(gateway="gravy", backend_processor="adyen", backend_processor_txn_id="PSP1")
    import_one(message)
    told = failure(message, gateway_txn_id="PSP1", backend_processor="adyen")
    assert consume("donations-modify", told) == [""]
    assert contribution(message).contribution_status == Status.CANCELLED


@pytest.mark.parametrize("taken", [refund, chargeback])
def test_what_was_taken_back_is_not_cancelled(gift: Message, taken: object) -> None:
    told: list[Told] = [
        ("refund", taken(gift, date=DATE + 4 * DAY)),  # type: ignore[operator]
        ("donations-modify", failure(gift)),
    ]
    ends = []
    for order in permutations(told):
        with transaction.atomic():
            assert bring_in(order) == []
            ends.append(snapshot(Contribution.objects.all()))
            transaction.set_rollback(True)
    assert ends[0] == ends[1]
    (row,) = ends[0]
    assert row["contribution_status"] in (Status.REFUNDED, Status.CHARGEBACK)
    assert row["cancel_date"] == WHEN + timedelta(days=4)
    assert row["cancel_reason"] == "Account Closed"


def test_a_failure_that_may_succeed_is_tried_again(instalments: list[Message]) -> None:
    told = failure(instalments[1], date=DATE + 33 * DAY, can_retry=True, reason="no money")
    assert consume("donations-modify", told, again(told)) == ["", "DUPLICATE_CONTRIBUTION"]
    row = record()
    assert (row.status, row.failure_count) == ("Failing", 1)
    again_at = WHEN + timedelta(days=34)
    assert row.next_sched_contribution_date == row.failure_retry_date == again_at
    (note,) = Activity.objects.all()
    assert note.activity_type == "Recurring Failure"
    assert note.subject == "Payment of 12.00 USD failed with no money"
    assert (note.source_record_id, note.activity_date) == (row.pk, WHEN + timedelta(days=33))
    assert contribution(instalments[1]).contribution_status == Status.CANCELLED
    assert contribution(instalments[0]).contribution_status == Status.COMPLETED
    assert not OutgoingMail.objects.exists()


def test_a_failure_for_good_ends_it_and_the_donor_is_told(instalments: list[Message]) -> None:
    told = failure(instalments[1], date=DATE + 33 * DAY)
    assert consume("donations-modify", told, again(told)) == ["", "DUPLICATE_CONTRIBUTION"]
    row = record()
    assert (row.status, row.cancel_date) == ("Failed", WHEN + timedelta(days=33))
    assert row.cancel_reason == "(auto) un-retryable card decline reason code"
    (mail,) = OutgoingMail.objects.all()
    assert (mail.template, mail.contact) == ("recurring_failed", row.contact)


def test_a_donor_who_gives_otherwise_is_not_told(instalments: list[Message]) -> None:
    row = record()
    RecurringContribution.objects.create(
        contact=row.contact,
        payment_token=row.payment_token,
        amount=5,
        currency="USD",
        start_date=WHEN,
        create_date=WHEN,
        cycle_day=1,
        gateway="adyen",
        status="In Progress",
    )
    assert consume("donations-modify", failure(instalments[1])) == [""]
    assert RecurringContribution.objects.get(pk=row.pk).status == "Failed"
    assert not OutgoingMail.objects.exists()


def test_whether_it_may_succeed_must_be_told_of_a_recurring_payment(
    gift: Message, instalments: list[Message]
) -> None:
    assert consume("donations-modify", failure(gift, can_retry=None)) == [""]
    verdict = judge("donations-modify", failure(instalments[1], can_retry=None))
    assert verdict is not None
    assert (verdict.code, verdict.field) == ("INVALID_MESSAGE", "can_retry")
    assert contribution(instalments[1]).contribution_status == Status.COMPLETED


def test_failures_in_any_order_end_the_same(instalments: list[Message]) -> None:
    told: list[Told] = [
        ("donations-modify", failure(message, date=DATE + 40 * days * DAY, can_retry=True))
        for days, message in enumerate(instalments[1:], 1)
    ]
    late = again(told[0][1], date=DATE + 50 * DAY, reason="by the audit")
    ends = []
    for order in permutations([*told, ("donations-modify", late)]):
        with transaction.atomic():
            bring_in(order)
            tables = (Contribution, RecurringContribution, RecurringEvent, Activity)
            ends.append([snapshot(table.objects.all()) for table in tables])
            transaction.set_rollback(True)
    assert all(end == ends[0] for end in ends)
    (row,) = ends[0][1]
    assert (row["status"], row["failure_count"]) == ("Failed", 3)
    assert row["cancel_reason"] == "(auto) maximum failures reached"
    assert row["cancel_date"] == WHEN + timedelta(days=120)
