"""The jobs of Gravy."""

from typing import Any

import pytest

from queues.models import OutboxMessage
from tests.gateways.jobs import HEARD, Message, begin, do, do_one, job, pushed, row, told
from tests.gateways.notifications import GRAVY, ORDER, cancellation, gravy
from tests.pending.contributions import contribute

pytestmark = pytest.mark.django_db

QUEUE = "jobs-gravy"
TXN = gravy()["gateway_txn_id"]


def captured(**fields: Any) -> Message:
    return job(rf"{GRAVY}\RecordCaptureJob", gravy(**fields))


def cancelled(**fields: Any) -> Message:
    return job(rf"{GRAVY}\RecurringCancellationJob", cancellation(**fields))


class TestRecordCapture:
    def test_what_the_donor_began_is_filled_up(self) -> None:
        begun = begin(gateway="gravy", last_name="", city="", backend_processor_txn_id="AUTH1")
        assert do_one(QUEUE, captured()) == ""
        (donation,) = pushed("donations")
        assert told(donation) == {
            **told(begun),
            "gateway_txn_id": TXN,
            "date": HEARD + 5,
            "last_name": "Donor",
            "street_address": "Street 1",
            "city": "Utrecht",
            "backend_processor": "adyen",
            "backend_processor_txn_id": "CAPTURE1",
            "payment_orchestrator_reconciliation_id": "5S8puSJHjzWXtSEbjHoiP9",
        }
        assert donation["first_name"] == "Ana"
        assert row().is_resolved

    @pytest.mark.parametrize("nothing", [None, [], {}])
    def test_gravy_may_know_nothing_of_the_donor(self, nothing: object) -> None:
        begin(gateway="gravy")
        assert do_one(QUEUE, captured(donor_details=nothing)) == ""
        assert do_one(QUEUE, captured(donor_details={"address": nothing})) == (
            "DUPLICATE_NOTIFICATION"
        )

    def test_a_recurring_one_waits_for_its_token(self) -> None:
        begin(gateway="gravy", recurring="1")
        assert do_one(QUEUE, captured()) == "MISSING_PREDECESSOR"
        assert not OutboxMessage.objects.exists()
        assert do_one(QUEUE, captured(recurring_payment_token="TOKEN")) == ""
        (donation,) = pushed("donations")
        assert donation["recurring_payment_token"] == "TOKEN"

    def test_it_waits_for_the_row(self) -> None:
        assert do_one(QUEUE, captured()) == "MISSING_PREDECESSOR"

    def test_without_a_row_it_is_settled_if_the_payment_is(self) -> None:
        contribute(gateway="gravy", order_id=ORDER, gateway_txn_id=TXN)
        assert do_one(QUEUE, captured()) == "DUPLICATE_CONTRIBUTION"

    def test_told_twice_it_is_pushed_once(self) -> None:
        begin(gateway="gravy")
        assert do(QUEUE, captured(), captured(status="x")) == ["", "DUPLICATE_NOTIFICATION"]
        assert len(pushed("donations")) == 1


class TestRecurringCancellation:
    def test_a_deleted_payment_method_ends_what_it_pays(self) -> None:
        assert do_one(QUEUE, cancelled()) == ""
        (message,) = pushed("recurring")
        assert told(message) == cancellation()

    def test_the_token_may_be_called_otherwise(self) -> None:
        assert do_one(QUEUE, cancelled(recurring_payment_token=None, subscr_id="S1")) == ""
        (message,) = pushed("recurring")
        assert message["subscr_id"] == "S1"
        assert "recurring_payment_token" not in message

    def test_without_a_token_it_ends_nothing(self) -> None:
        fault = do_one(QUEUE, cancelled(recurring_payment_token=""))
        assert fault == "INVALID_MESSAGE payload.recurring_payment_token"

    def test_told_twice_it_is_pushed_once(self) -> None:
        verdicts = do(QUEUE, cancelled(), cancelled(date=HEARD))
        assert verdicts == ["", "DUPLICATE_NOTIFICATION"]
