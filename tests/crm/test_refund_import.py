"""The ``refund`` queue: payments that are taken out of the books, and brought back."""

import json
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from fundraising.crm.currencies.money import Money
from fundraising.crm.models import Activity, Contribution, ExchangeRate
from fundraising.crm.refunds.adjustments import kept
from queues.models import OutboxMessage
from tests.crm.consuming import (
    DAY,
    again,
    bring_in,
    chargeback,
    consume,
    judge,
    refund,
)
from tests.crm.imports import DATE, Message, contribution, donation, import_one

pytestmark = pytest.mark.django_db

WHEN = datetime.fromtimestamp(DATE, UTC)
TOMORROW = WHEN + timedelta(days=1)
Status = Contribution.Status


@pytest.fixture
def gift() -> Message:
    """A gift of 100 USD."""
    message = donation(gross="100.00", utm_campaign="C1", utm_medium="email", backend_processor="x")
    import_one(message)
    return message


def beside(gift: Message) -> list[Contribution]:
    rows = Contribution.objects.filter(parent_contribution=contribution(gift))
    return list(rows.order_by("receive_date", "pk"))


def left(gift: Message) -> tuple[str, str]:
    amount, usd = kept(contribution(gift))
    return str(amount), str(usd)


def pushed(queue: str = "recurring") -> list[dict[str, Any]]:
    rows = OutboxMessage.objects.filter(queue=queue).order_by("pk")
    return [json.loads(bytes(row.body)) for row in rows]


def test_a_full_refund_turns_the_payment(gift: Message) -> None:
    told = refund(
        gift,
        gross="-100.00",
        gateway_refund_id="R1",
        backend_processor_reversal_id="B1",
        payment_orchestrator_reversal_id="O1",
    )
    assert consume("refund", told) == [""]
    row = contribution(gift)
    assert (row.contribution_status, row.cancel_date) == (Status.REFUNDED, TOMORROW)
    assert (row.refund_trxn_id, row.backend_processor_reversal_id) == ("R1", "B1")
    assert row.payment_orchestrator_reversal_id == "O1"
    assert (row.original_amount, row.total_amount) == (100, 100)
    assert (beside(gift), left(gift)) == ([], ("USD 0.00", "0"))


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("chargeback", Status.CHARGEBACK),
        ("admin_fraud_reversal", Status.CHARGEBACK),
        ("cancel", Status.CANCELLED),
    ],
)
def test_each_type_gives_its_status(gift: Message, kind: str, status: str) -> None:
    assert consume("refund", refund(gift, type=kind)) == [""]
    assert contribution(gift).contribution_status == status
    assert left(gift) == ("USD 0.00", "0")


def test_a_partial_refund_leaves_the_rest_in_the_books(gift: Message) -> None:
    assert consume("refund", refund(gift, gross="30", gateway_refund_id="R1")) == [""]
    payment = contribution(gift)
    assert payment.contribution_status == Status.REFUNDED
    (row,) = beside(gift)
    assert (row.original_amount, row.total_amount, row.net_amount) == (70, 70, 70)
    assert (row.contribution_status, row.financial_type) == (Status.COMPLETED, "Refund")
    assert row.trxn_id == "RFD ADJUSTMENT ADYEN R1"
    assert row.invoice_id == f"{gift['order_id']}-adjustment-R1"
    assert (row.is_payment, row.source, row.receive_date) == (False, "USD 70.00", TOMORROW)
    assert row.contact == payment.contact
    assert (row.gift_appeal, row.gift_channel) == ("C1", "Email")
    assert row.gift_campaign == payment.gift_campaign
    assert left(gift) == ("USD 70.00", "70.00")


def test_a_second_refund_is_an_entry_of_its_own(gift: Message) -> None:
    first = refund(gift, gross="30", gateway_refund_id="R1")
    second = refund(gift, gross="20", gateway_refund_id="R2", date=DATE + 2 * DAY)
    assert consume("refund", first, second) == ["", ""]
    assert [row.original_amount for row in beside(gift)] == [70, -20]
    assert [row.invoice_id for row in beside(gift)] == [
        f"{gift['order_id']}-adjustment-R{number}" for number in (1, 2)
    ]
    assert left(gift) == ("USD 50.00", "50.00")


def test_an_over_refund_is_taken_from_the_books_and_alerted(
    gift: Message, caplog: pytest.LogCaptureFixture
) -> None:
    told = refund(gift, gross="110", email="ana@example.org")
    assert consume("refund", told) == [""]
    assert [row.original_amount for row in beside(gift)] == [-10]
    assert left(gift) == ("USD -10.00", "-10.00")
    (alert,) = (record for record in caplog.records if record.levelno == logging.CRITICAL)
    assert str(contribution(gift).pk) in alert.getMessage()
    assert "ana" not in alert.getMessage()


def test_a_little_more_is_no_alert(gift: Message, caplog: pytest.LogCaptureFixture) -> None:
    assert consume("refund", refund(gift, gross="102")) == [""]
    assert not [record for record in caplog.records if record.levelno == logging.CRITICAL]


def test_more_than_what_is_left_is_for_a_person(gift: Message) -> None:
    consume("refund", refund(gift, gross="60"))
    assert consume("refund", refund(gift, gross="50")) == ["DATA_INCONSISTENT"]
    assert left(gift) == ("USD 40.00", "40.00")
    assert consume("refund", refund(gift, gross="40")) == [""]
    assert left(gift) == ("USD 0.00", "0.00")


@pytest.mark.parametrize("ids", ["same", "none", "the payment's", "made up"])
def test_a_refund_told_twice_is_dropped(gift: Message, ids: str) -> None:
    parent = gift["gateway_txn_id"]
    known = {
        "same": "R1",
        "none": "",
        "the payment's": parent,
        "made up": f"RFD {parent}",
    }[ids]
    told = refund(gift, gateway_refund_id=known)
    assert consume("refund", told, again(told, date=DATE + 3 * DAY)) == [
        "",
        "DUPLICATE_CONTRIBUTION",
    ]
    assert contribution(gift).cancel_date == TOMORROW
    assert beside(gift) == []


def test_an_id_that_was_made_up_names_the_refund_that_has_one(gift: Message) -> None:
    made_up = refund(gift, gateway_refund_id=f"RFD {gift['gateway_txn_id']}")
    assert consume("refund", made_up, refund(gift, gateway_refund_id="R1")) == ["", ""]
    assert contribution(gift).refund_trxn_id == "R1"
    assert beside(gift) == []


def test_a_chargeback_after_a_refund_is_another_event(gift: Message) -> None:
    consume("refund", refund(gift, gateway_refund_id="R1"))
    late = chargeback(gift, gateway_refund_id="C1", date=DATE + 2 * DAY)
    assert consume("refund", late) == [""]
    assert contribution(gift).contribution_status == Status.REFUNDED
    (row,) = beside(gift)
    assert (row.total_amount, row.original_amount) == (-100, -100)
    assert (row.contribution_status, row.financial_type) == (Status.CHARGEBACK, "Chargeback")
    assert (row.trxn_id, row.invoice_id) == ("RFD CHARGEBACK ADYEN C1", None)
    assert row.no_thank_you
    assert left(gift) == ("USD -100.00", "-100.00")
    assert consume("refund", again(late)) == ["DUPLICATE_CONTRIBUTION"]


def test_a_reversal_never_turns_the_payment(gift: Message) -> None:
    assert consume("refund", refund(gift, type="reversal", gateway_refund_id="V1")) == [""]
    (row,) = beside(gift)
    assert (row.trxn_id, row.contribution_status) == ("RFD REVERSAL ADYEN V1", Status.REVERSAL)
    assert contribution(gift).contribution_status == Status.COMPLETED
    assert left(gift) == ("USD 0.00", "0.00")


@pytest.mark.parametrize(
    ("taken", "given", "name"),
    [
        ("chargeback", "chargeback_reversed", "CHARGEBACK_REVERSAL"),
        ("refund", "refund_reversed", "REFUND_REVERSAL"),
        ("reversal", "reversal_reversed", "REVERSAL_REVERSAL"),
    ],
)
def test_what_comes_back_is_a_positive_entry(
    gift: Message, taken: str, given: str, name: str
) -> None:
    back = refund(gift, type=given, gateway_refund_id="", date=DATE + 5 * DAY)
    assert consume("refund", refund(gift, type=taken), back) == ["", ""]
    row = Contribution.objects.get(trxn_id=f"{name} ADYEN {gift['gateway_txn_id']}")
    assert (row.contribution_status, row.financial_type) == (
        name.lower(),
        name.replace("_", " ").title(),
    )
    assert (row.is_payment, row.parent_contribution) == (False, contribution(gift))
    assert row.contact == contribution(gift).contact
    assert left(gift) == ("USD 100.00", "100.00")
    # As it is told to the import of donations.
    donated = {**gift, "type": given, "date": DATE + 5 * DAY, "comment": "audit"}
    assert consume("donations", donated) == ["DUPLICATE_CONTRIBUTION"]
    assert consume("refund", again(back)) == ["DUPLICATE_CONTRIBUTION"]


def test_a_second_chargeback_of_what_came_back(gift: Message) -> None:
    back = refund(gift, type="chargeback_reversed", date=DATE + 5 * DAY)
    last = chargeback(gift, date=DATE + 9 * DAY)
    assert consume("refund", chargeback(gift), last) == ["", "DATA_INCONSISTENT"]
    assert consume("refund", back, again(last)) == ["", ""]
    assert left(gift) == ("USD 0.00", "0.00")


def test_a_reversal_that_donations_told_gets_its_payment(gift: Message) -> None:
    donated = {**gift, "type": "chargeback_reversed", "comment": "audit"}
    assert consume("donations", donated) == [""]
    told = refund(gift, type="chargeback_reversed", gateway_refund_id="")
    assert consume("refund", told, again(told)) == ["", "DUPLICATE_CONTRIBUTION"]
    row = Contribution.objects.get(trxn_id__startswith="CHARGEBACK_REVERSAL")
    assert row.parent_contribution == contribution(gift)


def test_parts_in_a_foreign_currency_are_worth_their_part_of_the_gift() -> None:
    ExchangeRate.objects.create(
        currency="JPY",
        value_in_usd="0.0067",
        bank_update=WHEN - timedelta(days=1),
        local_update=WHEN,
    )
    yen = donation(gross="1000", currency="JPY")
    import_one(yen)
    for number in range(3):
        told = refund(yen, gross="333", date=DATE + (number + 1) * DAY)
        assert consume("refund", told) == [""]
    assert left(yen) == ("JPY 1", "0.01")
    assert [row.source for row in beside(yen)] == ["JPY 667", "JPY -333", "JPY -333"]


def test_a_refund_in_usd_of_another_currency() -> None:
    ExchangeRate.objects.create(
        currency="EUR",
        value_in_usd="1.08",
        bank_update=WHEN - timedelta(days=1),
        local_update=WHEN,
    )
    full, half, other = (donation(gross="100.00", currency="EUR") for _ in range(3))
    for gift in (full, half, other):
        import_one(gift)
    assert consume("refund", refund(full, gross="108.00", gross_currency="USD")) == [""]
    assert left(full) == ("EUR 0.00", "0")
    assert consume("refund", refund(half, gross="54.00", gross_currency="USD")) == [""]
    assert left(half) == ("EUR 50.00", "54.00")
    assert consume("refund", refund(other, gross="90", gross_currency="CHF")) == ["INVALID_MESSAGE"]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"gross": "0"}, "CIVI_REQ_FIELD", "gross"),
        ({"gross": ""}, "CIVI_REQ_FIELD", "gross"),
        ({"gross_currency": ""}, "CIVI_REQ_FIELD", "gross_currency"),
        ({"date": ""}, "CIVI_REQ_FIELD", "date"),
        ({"gateway": ""}, "CIVI_REQ_FIELD", "gateway"),
        ({"type": ""}, "CIVI_REQ_FIELD", "type"),
        ({"gateway_parent_id": ""}, "CIVI_REQ_FIELD", "gateway_parent_id"),
        ({"type": "gift"}, "IMPORT_CONTRIB", "type"),
        ({"gross": "30", "gateway_refund_id": "x" * 255}, "INVALID_MESSAGE", "gateway_refund_id"),
    ],
)
def test_what_cannot_be_booked_names_its_field(
    gift: Message, fields: Message, code: str, field: str
) -> None:
    verdict = judge("refund", refund(gift, **fields))
    assert verdict is not None
    assert (verdict.code, verdict.field) == (code, field)
    assert contribution(gift).contribution_status == Status.COMPLETED
    assert beside(gift) == []


@pytest.mark.parametrize("name", ["original_currency", "currency"])
def test_the_currency_may_stand_in_other_fields(gift: Message, name: str) -> None:
    assert consume("refund", refund(gift, gross_currency="", **{name: "USD"})) == [""]


@pytest.mark.parametrize(
    ("payment", "told"),
    [
        ({"gateway": "paypal_ec"}, {"gateway": "paypal"}),
        (
            {"gateway": "gravy", "backend_processor": "adyen", "backend_processor_txn_id": "P1"},
            {"gateway": "adyen", "gateway_parent_id": "P1"},
        ),
        (
            {"gateway": "gravy", "backend_processor": "adyen", "backend_processor_txn_id": "P1"},
            {"backend_processor": "adyen", "backend_processor_parent_id": "P1"}
            | {"gateway_parent_id": "unknown"},
        ),
        (
            {"gateway": "gravy", "order_id": "4711.1"},
            {"backend_processor": "adyen", "gateway_parent_id": "other", "order_id": "4711.1"},
        ),
        (
            {"gateway": "gravy", "order_id": "4711.1", "recurring": "1"}
            | {"recurring_payment_token": "T1"},
            {"backend_processor": "adyen", "gateway_parent_id": "other", "invoice_id": "4711.1"},
        ),
    ],
    ids=["paypal", "backend", "behind gravy", "order", "invoice of an instalment"],
)
def test_the_payment_is_found(payment: Message, told: Message) -> None:
    gift = donation(**payment)
    import_one(gift)
    assert consume("refund", refund(gift, **told)) == [""]
    assert contribution(gift).contribution_status == Status.REFUNDED


def test_the_payment_is_found_by_its_number_or_by_that_of_a_row_beside(gift: Message) -> None:
    number = contribution(gift).pk
    first = refund(gift, gross="30", gateway_parent_id="", parent_contribution_id=number)
    assert consume("refund", first) == [""]
    second = refund(gift, gross="20", parent_contribution_id=beside(gift)[0].pk)
    assert consume("refund", second) == [""]
    assert left(gift) == ("USD 50.00", "50.00")


def test_another_payment_of_the_order_is_not_taken_for_it(gift: Message) -> None:
    told = refund(gift, gateway_parent_id="other", order_id=gift["order_id"])
    assert consume("refund", told) == ["MISSING_PREDECESSOR"]
    assert consume("refund", refund(gift, parent_contribution_id=10**9)) == ["MISSING_PREDECESSOR"]


def test_a_refund_before_its_donation_finds_it_later() -> None:
    gift = donation()
    assert bring_in([("refund", refund(gift)), ("donations", gift)]) == []
    assert contribution(gift).contribution_status == Status.REFUNDED


def test_reasons_are_noted_once(gift: Message) -> None:
    late = refund(gift, reason="by the donor", date=DATE + 3 * DAY)
    consume("refund", late, again(late))
    (note,) = Activity.objects.all()
    assert (note.activity_type, note.details) == ("Refund", "by the donor")
    assert note.subject == "refund of USD 100.00"
    assert (note.contact, note.source_record_id) == (
        contribution(gift).contact,
        contribution(gift).pk,
    )
    consume("refund", again(late, reason="first", date=DATE + DAY))
    (note,) = Activity.objects.all()
    assert (note.details, note.activity_date) == ("first", TOMORROW)


@pytest.fixture
def instalment() -> Message:
    message = donation(recurring="1", recurring_payment_token="TOKEN")
    import_one(message)
    return message


def test_a_chargeback_ends_the_recurring_contribution_once(instalment: Message) -> None:
    told = chargeback(instalment)
    assert consume("refund", told, again(told), refund(instalment)) == [
        "",
        "DUPLICATE_CONTRIBUTION",
        "",
    ]
    payment = contribution(instalment)
    (message,) = pushed()
    assert message["message_id"] == f"chargeback-{payment.pk}"
    assert message["txn_type"] == "subscr_cancel"
    assert message["contribution_recur_id"] == payment.contribution_recur_id
    assert message["contribution_status_id:name"] == "Cancelled"
    assert message["cancel_reason"] == "Automatically cancelling because we received a chargeback"
    assert message["payment_instrument_id"] == "Credit Card: Visa"
    assert message["date"] == message["cancel_date"] == DATE + DAY
    assert payment.contribution_recur is not None


def test_an_earlier_telling_of_the_chargeback_corrects_the_date(instalment: Message) -> None:
    told = chargeback(instalment, date=DATE + 3 * DAY)
    assert consume("refund", told, again(told, date=DATE + DAY)) == ["", ""]
    assert [message["cancel_date"] for message in pushed()] == [DATE + 3 * DAY, DATE + DAY]
    assert len({message["message_id"] for message in pushed()}) == 2


@pytest.mark.parametrize("reason", ["AM04:InsufficientFunds", "MS03: No reason specified"])
def test_some_chargebacks_end_nothing(instalment: Message, reason: str) -> None:
    told = chargeback(instalment, reason=reason, date=DATE + 3 * DAY)
    assert consume("refund", told, again(told, reason="", date=DATE)) == ["", ""]
    assert pushed() == []


def test_a_refund_or_a_single_gift_ends_nothing(gift: Message, instalment: Message) -> None:
    assert consume("refund", chargeback(gift), refund(instalment)) == ["", ""]
    assert pushed() == []


def test_paypal_goes_on_charging_unless_told() -> None:
    message = donation(gateway="paypal", recurring="1", subscr_id="I-1", payment_method="paypal")
    import_one(message)
    consume("refund", chargeback(message))
    assert "PayPal" in Activity.objects.get(activity_type="Refund").details


def test_an_entry_of_an_instalment_is_named_so_and_is_none_itself(instalment: Message) -> None:
    consume("refund", refund(instalment, gross="5", gateway_refund_id="R1"))
    (row,) = beside(instalment)
    assert row.trxn_id == "RFD RECURRING ADJUSTMENT ADYEN R1"
    assert row.contribution_recur is None


def test_how_the_bank_settled_the_refund_is_kept(gift: Message) -> None:
    audit = {
        "settled_date": DATE + 4 * DAY,
        "settled_currency": "USD",
        "settled_total_amount": "-100.00",
        "settled_fee_amount": "-5.00",
        "settlement_batch_reference": "batch_7",
    }
    told = refund(gift)
    assert consume("refund", told, again(told, **audit), again(told, **audit)) == [
        "",
        "",
        "DUPLICATE_CONTRIBUTION",
    ]
    row = contribution(gift)
    assert row.settlement_batch_reversal_reference == "batch_7"
    assert (row.settled_reversal_amount, row.settled_fee_reversal_amount) == (-100, -5)
    audit["settlement_batch_reference"] = "b9"
    late = chargeback(gift, gross="60", date=DATE + 9 * DAY, **audit)
    consume("refund", late)
    assert beside(gift)[0].settlement_batch_reversal_reference == "b9"
    # An earlier refund turns the payment; what was settled stays with what it settled.
    consume("refund", chargeback(gift, gateway_refund_id="C0", date=DATE, gross="1"))
    row.refresh_from_db()
    assert (row.contribution_status, row.settled_reversal_amount) == (Status.CHARGEBACK, None)
    by_batch = {one.settlement_batch_reversal_reference: one for one in beside(gift)}
    assert by_batch.keys() == {"", "batch_7", "b9"}
    assert by_batch["batch_7"].refund_trxn_id == told["gateway_refund_id"]


def test_a_gift_that_was_imported_as_refunded_is_refunded_once() -> None:
    gift = donation(contribution_status_id="Refunded")
    import_one(gift)
    assert consume("refund", refund(gift, gateway_refund_id="R1")) == [""]
    assert contribution(gift).refund_trxn_id == "R1"
    assert left(gift) == ("USD 0.00", "0")


def test_gift_data_that_changes_changes_beside_the_payment_too() -> None:
    later = donation(recurring="1", subscr_id="I-9", gateway="paypal", payment_method="paypal")
    first = {**later, "gateway_txn_id": "EARLIER", "order_id": "9.1", "date": DATE - 31 * DAY}
    import_one(later)
    consume("refund", refund(later, gross="5"))
    import_one(first)
    payment = contribution(later)
    assert payment.gift_channel == "Recurring Gift"
    assert [row.gift_channel for row in beside(later)] == ["Recurring Gift"]


def test_the_page_of_a_payment_tells_what_is_kept(
    admin_client: Client, gift: Message, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = False
    consume("refund", refund(gift, gross="30", gateway_refund_id="R1"))
    for row, told in (
        (contribution(gift), ["70.00 USD (70.00 USD)", "R1", "RFD ADJUSTMENT ADYEN R1"]),
        (beside(gift)[0], [contribution(gift).trxn_id]),
    ):
        page = admin_client.get(reverse("admin:crm_contribution_change", args=[row.pk]))
        for words in told:
            assert str(words) in page.content.decode()


def test_amounts_are_in_the_books_as_told(gift: Message) -> None:
    consume("refund", refund(gift, gross="33.335"))
    assert left(gift) == (str(Money(Decimal("66.66"), "USD")), "66.66")
