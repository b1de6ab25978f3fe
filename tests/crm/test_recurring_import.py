"""Instalments: the recurring records they begin, belong to and revive."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fundraising.crm.models import (
    Activity,
    Contribution,
    PaymentToken,
    RecurringContribution,
    RecurringEvent,
)
from fundraising.crm.recurring import history
from queues.models import OutboxMessage
from queues.outcomes import Outcome
from tests.crm.imports import (
    DATE,
    Message,
    contribution,
    donation,
    import_group,
    import_one,
    verdicts,
)

pytestmark = pytest.mark.django_db

Status = RecurringContribution.Status
WHEN = datetime.fromtimestamp(DATE, UTC)
DAY = timedelta(days=1)
Kind = RecurringEvent.Kind


def signup(**fields: object) -> Message:
    """The first donation of a monthly donor of the form."""
    message = donation(recurring="1", user_ip="198.51.100.7", **fields)
    return {"recurring_payment_token": f"TOKEN-{message['gateway_txn_id']}", **message}


def paypal(**fields: object) -> Message:
    """An instalment that PayPal charged by itself."""
    wallet = {"gateway": "paypal", "payment_method": "paypal", "payment_submethod": ""}
    return donation(**{**wallet, "recurring": "1", "subscr_id": "I-ABC", **fields})


@pytest.fixture
def record() -> RecurringContribution:
    """A monthly donor's record, begun by its first donation."""
    message = signup()
    import_one(message)
    found = contribution(message).contribution_recur
    assert found is not None
    return found


def instalment(record: RecurringContribution, **fields: object) -> Message:
    """What our own charging of a record pushes."""
    return donation(contribution_recur_id=str(record.pk), recurring=True, **fields)


def test_a_signup_makes_a_record_and_stores_its_token() -> None:
    message = signup(currency="EUR", gross="10.00", country="DE", processor_contact_id="P1")
    import_one(message)
    row = contribution(message)
    record = row.contribution_recur
    assert record is not None
    assert (record.amount, record.currency) == (Decimal("10.00"), "EUR")
    assert (record.frequency_unit, record.frequency_interval, record.installments) == (
        "month",
        1,
        0,
    )
    assert (record.status, record.start_date, record.cycle_day) == (Status.PENDING, WHEN, 1)
    assert record.trxn_id == record.processor_id == message["gateway_txn_id"]
    assert (record.processor_contact_id, record.original_country) == ("P1", "DE")
    assert record.next_sched_contribution_date is not None
    assert record.payment_token is not None
    assert record.payment_token.token == message["recurring_payment_token"]
    assert record.payment_token.ip_address == "198.51.100.7"
    assert record.contact == row.contact == record.payment_token.contact
    assert row.financial_type == "Recurring Gift"
    assert row.trxn_id == f"RECURRING ADYEN {message['gateway_txn_id']}"
    assert row.invoice_id == f"{message['order_id']}|recur-{DATE}"


def test_a_later_instalment_belongs_to_the_record(record: RecurringContribution) -> None:
    OutboxMessage.objects.all().delete()
    message = instalment(record, email="someone.else@example.org", first_name="X")
    import_one(message)
    row = contribution(message)
    assert (row.contribution_recur, row.contact) == (record, record.contact)
    assert (row.financial_type, row.no_thank_you) == ("Recurring Gift - Cash", "recurring")
    # The visit stays linked to the first contribution.
    assert OutboxMessage.objects.count() == 0
    record.refresh_from_db()
    assert record.status == Status.PENDING  # whoever charges it says how it fares


def test_an_instalment_of_no_record_is_damaged(record: RecurringContribution) -> None:
    unknown = donation(contribution_recur_id=str(record.pk + 1), recurring=True)
    nonsense = donation(contribution_recur_id="abc", recurring=True)
    assert verdicts(import_group(unknown, nonsense)) == ["INVALID_RECURRING"] * 2


def test_a_stored_token_is_used_again_and_tells_whose_it_is(record: RecurringContribution) -> None:
    assert record.payment_token is not None
    message = signup(recurring_payment_token=record.payment_token.token, first_name="X")
    import_one(message)
    row = contribution(message)
    assert (row.contact, PaymentToken.objects.count()) == (record.contact, 1)
    assert row.contribution_recur is not None
    assert row.contribution_recur != record


def test_two_signups_by_one_wallet_are_two_records() -> None:
    wallet = {
        "gateway": "gravy",
        "payment_method": "paypal",
        "payment_submethod": "",
        "recurring_payment_token": "WALLET",
    }
    first, second, third = (signup(**wallet) for _ in range(3))
    import_group(first, second)
    import_group(third)
    assert [row.trxn_id for row in RecurringContribution.objects.order_by("pk")] == [
        "WALLET",
        second["gateway_txn_id"],
        third["gateway_txn_id"],
    ]


@pytest.mark.parametrize("in_one_group", [True, False])
def test_paypals_instalments_find_the_subscription_that_the_first_began(in_one_group: bool) -> None:
    messages = [paypal(), paypal(gateway="paypal_ec")]
    if in_one_group:
        import_group(*messages)
    else:
        for message in messages:
            import_group(message)
    rows = [contribution(message) for message in messages]
    assert rows[0].contribution_recur == rows[1].contribution_recur
    assert rows[0].contact == rows[1].contact
    assert [row.financial_type for row in rows] == ["Recurring Gift", "Recurring Gift - Cash"]
    assert RecurringContribution.objects.get().trxn_id == "I-ABC"
    (link,) = (json.loads(bytes(row.body)) for row in OutboxMessage.objects.all())
    assert link["contribution_id"] == rows[0].pk


def test_paypals_old_subscriptions_wait_for_their_record() -> None:
    item = import_one(paypal(subscr_id="S-OLD"))
    assert item.verdict is not None
    assert (item.verdict.outcome, item.verdict.code) == (Outcome.PARK, "MISSING_PREDECESSOR")
    assert Contribution.objects.count() == 0
    import_one(paypal())
    RecurringContribution.objects.update(trxn_id="RECURRING PAYPAL S-OLD")
    late = paypal(subscr_id="S-OLD")
    assert verdicts([import_one(late)]) == [""]


def ended_record(status: str) -> RecurringContribution:
    """PayPal's, ended the day after its first payment."""
    import_one(paypal())
    record = RecurringContribution.objects.get()
    end = {"status": status, "reason": "gone"}
    history.add(
        [history.event(record, Kind.CANCELLED, WHEN + DAY, queue="q", message_id="1", **end)]
    )
    record.refresh_from_db()
    assert (record.status, record.cancel_date) == (status, WHEN + DAY)
    return record


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.FAILED, Status.COMPLETED])
def test_a_payment_after_the_end_revives_what_paypal_schedules(status: str) -> None:
    record = ended_record(status)
    import_one(paypal(date=DATE + 2 * 86_400))
    record.refresh_from_db()
    assert (record.status, record.cancel_date, record.end_date) == (Status.IN_PROGRESS, None, None)
    assert record.cancel_reason == ""
    assert record.next_sched_contribution_date is not None


def test_a_payment_before_the_end_does_not_revive() -> None:
    record = ended_record(Status.CANCELLED)
    message = paypal(date=DATE + 3600)
    import_one(message)
    record.refresh_from_db()
    assert (record.status, record.cancel_date) == (Status.CANCELLED, WHEN + DAY)
    assert contribution(message).contribution_recur == record


def test_a_rescued_payment_is_noted_and_puts_the_record_in_progress(
    record: RecurringContribution,
) -> None:
    RecurringContribution.objects.update(rescue_reference="R1")
    failure = history.event(record, Kind.FAILED, WHEN + DAY, queue="q", message_id="1")
    history.add([failure])
    record.refresh_from_db()
    assert record.status == Status.FAILING
    message = donation(
        recurring="1",
        is_successful_autorescue="1",
        rescue_reference="R1",
        date=DATE + 2 * 86_400,
    )
    assert verdicts([import_one(message)]) == [""]
    record.refresh_from_db()
    assert record.status == Status.IN_PROGRESS
    assert contribution(message).contribution_recur == record
    activity = Activity.objects.get()
    assert activity.activity_type == "Recurring Processor Retry - Success"
    assert activity.source_record_id == record.pk


def test_a_rescued_payment_of_an_unknown_record_waits() -> None:
    message = donation(recurring="1", is_successful_autorescue="1", rescue_reference="R9")
    assert verdicts([import_one(message)]) == ["MISSING_PREDECESSOR"]


def test_any_gateway_can_begin_a_subscription() -> None:
    assert verdicts([import_one(signup(gateway="test_gateway"))]) == [""]
