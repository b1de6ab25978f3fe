"""The jobs of Adyen."""

from typing import Any

import pytest

from fundraising.crm.models import Contribution
from fundraising.pending.models import PendingTransaction
from queues.models import DamagedMessage, OutboxMessage
from tests.gateways import notifications
from tests.gateways.jobs import HEARD, Message, begin, do, do_one, job, pushed, row, told
from tests.gateways.notifications import ADYEN, ORDER, TXN, capture, contract
from tests.pending.contributions import contribute

pytestmark = pytest.mark.django_db

QUEUE = "jobs-adyen"
RECURRING: Message = {"recurring": "1"}
IDEAL: Message = {**RECURRING, "payment_method": "rtbt", "payment_submethod": "rtbt_ideal"}


def captured(**fields: Any) -> Message:
    return job(rf"{ADYEN}\RecordCaptureJob", capture(**fields))


def contracted(**fields: Any) -> Message:
    return job(rf"{ADYEN}\RecurringContractJob", contract(**fields))


class TestRecordCapture:
    def test_what_the_donor_began_becomes_a_donation(self) -> None:
        begun = begin()
        assert do_one(QUEUE, captured()) == ""
        (donation,) = pushed("donations")
        assert told(donation) == {
            **told(begun),
            "gateway_txn_id": TXN,
            "date": HEARD + 5,
        }
        assert row().is_resolved

    def test_it_says_who_told_of_it_first(self) -> None:
        begin()
        do_one(QUEUE, captured())
        (donation,) = pushed("donations")
        assert donation["origin_name"] == "SmashPig"
        assert donation["origin_enqueued_time"] == HEARD

    def test_the_payment_itself_is_preferred(self) -> None:
        begin(gateway_txn_id="PSP2", gross="99.00")
        begin(gateway_txn_id=TXN)
        do_one(QUEUE, captured())
        (donation,) = pushed("donations")
        assert donation["gross"] == "10.00"

    def test_it_waits_for_the_row(self) -> None:
        assert do_one(QUEUE, captured()) == "MISSING_PREDECESSOR"
        assert not OutboxMessage.objects.exists()

    def test_without_a_row_it_is_settled_if_the_payment_is(self) -> None:
        contribute(gateway="adyen", order_id=ORDER, gateway_txn_id=TXN)
        assert do_one(QUEUE, captured()) == "DUPLICATE_CONTRIBUTION"

    def test_another_payment_of_the_order_does_not_settle_it(self) -> None:
        contribute(gateway="adyen", order_id=ORDER, gateway_txn_id="PSP2")
        assert do_one(QUEUE, captured()) == "MISSING_PREDECESSOR"

    def test_told_twice_it_is_pushed_once(self) -> None:
        begin()
        again = {**captured(eventDate="2026-03-01T12:30:00Z"), "source_enqueued_time": HEARD + 9}
        assert do(QUEUE, captured(), again, captured()) == [
            "",
            "DUPLICATE_NOTIFICATION",
            "DUPLICATE_MESSAGE",
        ]
        assert len(pushed("donations")) == 1

    @pytest.mark.parametrize("name", ["gatewayTxnId", "merchantReference"])
    @pytest.mark.parametrize("value", ["", None, {"a": 1}])
    def test_it_needs_its_ids(self, name: str, value: object) -> None:
        assert do_one(QUEUE, captured(**{name: value})) == f"INVALID_MESSAGE payload.{name}"

    def test_a_date_that_is_none_is_no_date(self) -> None:
        begin()
        fault = do_one(QUEUE, captured(eventDate="soon"))
        assert fault == "INVALID_MESSAGE payload.eventDate"
        assert not row().is_resolved


class TestRecurringCapture:
    def test_it_waits_for_a_token(self) -> None:
        begin(**RECURRING)
        assert do_one(QUEUE, captured()) == "MISSING_PREDECESSOR"
        assert not row().is_resolved

    def test_with_a_token_it_becomes_a_donation(self) -> None:
        begin(**RECURRING, recurring_payment_token="KNOWN")
        assert do_one(QUEUE, captured()) == ""
        (donation,) = pushed("donations")
        assert donation["recurring_payment_token"] == "KNOWN"

    def test_by_ideal_it_is_left_to_the_contract(self) -> None:
        begin(**IDEAL)
        assert do_one(QUEUE, captured(amount=9.5)) == ""
        assert not OutboxMessage.objects.exists()
        assert not row().is_resolved
        assert row().details["captured"] == {"gross": "9.50", "currency": "EUR"}
        assert row().details["gross"] == "10.00"

    @pytest.mark.parametrize(
        ("amount", "currency", "gross"),
        [
            (10, "JPY", "1000"),
            (1.5, "EUR", "1.50"),
            ("123.45", "KWD", "12.345"),
            (0.1, "ISK", "10"),
        ],
    )
    def test_adyens_hundredths_are_minor_units(
        self, amount: object, currency: str, gross: str
    ) -> None:
        begin(**IDEAL)
        do_one(QUEUE, captured(amount=amount, currency=currency))
        assert row().details["captured"] == {"gross": gross, "currency": currency}


class TestRecurringContract:
    def test_a_card_token_is_kept_for_the_capture(self) -> None:
        begin(**RECURRING)
        assert do_one(QUEUE, contracted()) == ""
        assert not OutboxMessage.objects.exists()
        details = row().details
        assert details["recurring_payment_token"] == "TOKEN00000000001"
        assert details["processor_contact_id"] == ORDER
        assert not row().is_resolved

    def test_a_token_that_is_known_stays(self) -> None:
        begin(**RECURRING, recurring_payment_token="KNOWN")
        do_one(QUEUE, contracted())
        assert row().details["recurring_payment_token"] == "KNOWN"

    @pytest.mark.parametrize("method", ["ideal", "sepadirectdebit"])
    def test_by_bank_it_is_the_donation(self, method: str) -> None:
        begun = begin(**IDEAL)
        assert do_one(QUEUE, contracted(paymentMethod=method)) == ""
        (donation,) = pushed("donations")
        assert told(donation) == {
            **told(begun),
            "gateway_txn_id": TXN,
            "recurring_payment_token": "TOKEN00000000001",
            "processor_contact_id": ORDER,
        }
        assert row().is_resolved

    def test_the_bank_may_have_taken_another_amount(self) -> None:
        begin(**IDEAL)
        do(QUEUE, captured(amount=9), contracted(paymentMethod="ideal"))
        (donation,) = pushed("donations")
        assert (donation["gross"], donation["currency"]) == ("9.00", "EUR")
        assert "captured" not in donation

    def test_a_person_is_told_of_it_when_the_donation_is_gone(self) -> None:
        begin(**IDEAL)
        do_one(QUEUE, contracted(paymentMethod="ideal"))
        assert do_one(QUEUE, captured(amount=10)) == ""
        assert do_one(QUEUE, captured(amount=9)) == "DATA_INCONSISTENT payload.amount"
        assert "9" not in DamagedMessage.objects.get().error

    def test_it_waits_for_the_row(self) -> None:
        assert do_one(QUEUE, contracted()) == "MISSING_PREDECESSOR"

    def test_without_a_row_it_is_settled_if_the_payment_is(self) -> None:
        contribute(gateway="adyen", gateway_txn_id=TXN)
        assert do_one(QUEUE, contracted()) == "DUPLICATE_CONTRIBUTION"

    @pytest.mark.parametrize("name", ["gatewayTxnId", "merchantReference", "recurringPaymentToken"])
    def test_it_needs_its_ids(self, name: str) -> None:
        assert do_one(QUEUE, contracted(**{name: ""})) == f"INVALID_MESSAGE payload.{name}"


def test_a_row_that_expired_leaves_the_donation_to_a_person_or_the_audit() -> None:
    begin()
    PendingTransaction.objects.all().delete()
    assert do_one(QUEUE, captured()) == "MISSING_PREDECESSOR"
    assert not Contribution.objects.exists()
    assert notifications.ORDER in DamagedMessage.objects.get().body.decode()
