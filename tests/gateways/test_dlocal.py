"""The jobs of dLocal."""

from typing import Any

import pytest
from django.utils import timezone

from fundraising.crm.models import Contact, PaymentToken
from fundraising.gateways.jobs.payments import PATIENCE
from queues.models import DamagedMessage, OutboxMessage
from tests.gateways.jobs import HEARD, Message, begin, do, do_one, job, pushed, row, told
from tests.gateways.notifications import DLOCAL, ORDER, dlocal
from tests.pending.contributions import contribute

pytestmark = pytest.mark.django_db

QUEUE = "jobs-dlocal"
WALLET: Message = {
    "dlocal_payment_method": "IR",
    "payment_method": "bt",
    "payment_submethod": "upi",
    "recurring_payment_token": "5dff49d4-462c-432e-a12a-000000000000",
}


def authorized(**fields: Any) -> Message:
    return job(rf"{DLOCAL}\AuthorizedMessageJob", dlocal("AUTHORIZED", **fields))


def paid(**fields: Any) -> Message:
    return job(rf"{DLOCAL}\PaidMessageJob", dlocal("PAID", **fields))


def rejected(**fields: Any) -> Message:
    return job(rf"{DLOCAL}\RejectedMessageJob", dlocal("REJECTED", **{**WALLET, **fields}))


def give_up(queue: str, message: Message) -> None:
    """Let a job that waits use up its patience."""
    for _ in range(PATIENCE):
        assert do_one(queue, message) == "MISSING_PREDECESSOR"
        DamagedMessage.objects.update(status=DamagedMessage.Status.RESENT, retry_at=None)


class TestAuthorized:
    def test_the_token_is_kept_for_the_donation(self) -> None:
        begin(gateway="dlocal", recurring="1")
        assert do_one(QUEUE, authorized(recurring_payment_token="CID-1")) == ""
        assert row().details["recurring_payment_token"] == "CID-1"
        assert do_one(QUEUE, authorized(recurring_payment_token="CID-2")) == ""
        assert row().details["recurring_payment_token"] == "CID-1"
        assert not OutboxMessage.objects.exists()

    def test_without_a_token_there_is_nothing_to_do(self) -> None:
        assert do_one(QUEUE, authorized()) == ""

    def test_it_waits_for_the_row(self) -> None:
        fault = do_one(QUEUE, authorized(recurring_payment_token="CID-1"))
        assert fault == "MISSING_PREDECESSOR"

    def test_a_charge_of_our_own_has_no_row(self) -> None:
        contribute(gateway="dlocal", gateway_txn_id="F-1-1")
        fault = do_one(QUEUE, authorized(recurring_payment_token="CID-1"))
        assert fault == "DUPLICATE_CONTRIBUTION"


class TestPaid:
    def test_what_dlocal_tells_stands_before_what_the_donor_did(self) -> None:
        begun = begin(gateway="dlocal", gross="500.00", currency="INR", opt_in="1")
        assert do_one(QUEUE, paid(email=None)) == ""
        (donation,) = pushed("donations")
        assert told(donation) == {
            **told(begun),
            "gateway_txn_id": "F-1-1",
            "full_name": "Ana Donor",
            "country": "IN",
            "gross": 505,
            "date": HEARD - 5,
            "gateway_status": "PAID",
        }
        assert donation["email"] == "ana@example.org"
        assert row().is_resolved

    def test_told_twice_it_is_pushed_once(self) -> None:
        begin(gateway="dlocal")
        assert do(QUEUE, paid(), paid(gateway_status="Paid")) == ["", "DUPLICATE_NOTIFICATION"]
        assert len(pushed("donations")) == 1

    def test_a_recurring_one_waits_for_its_token(self) -> None:
        begin(gateway="dlocal", recurring="1")
        assert do_one(QUEUE, paid()) == "MISSING_PREDECESSOR"
        do_one(QUEUE, authorized(recurring_payment_token="CID-1"))
        assert do_one(QUEUE, paid()) == ""
        (donation,) = pushed("donations")
        assert donation["recurring_payment_token"] == "CID-1"

    def test_it_waits_for_the_row_but_not_for_ever(self) -> None:
        give_up(QUEUE, paid())
        assert do_one(QUEUE, paid()) == ""
        (donation,) = pushed("donations")
        assert donation["full_name"] == "Ana Donor"

    def test_without_a_row_it_is_settled_if_the_payment_is(self) -> None:
        contribute(gateway="dlocal", gateway_txn_id="F-1-1")
        assert do_one(QUEUE, paid()) == "DUPLICATE_CONTRIBUTION"

    def test_the_first_payment_of_a_wallet_waits_for_what_the_donor_told(self) -> None:
        assert do_one(QUEUE, paid(**WALLET)) == "MISSING_PREDECESSOR"
        begin(gateway="dlocal", recurring="1")
        assert do_one(QUEUE, paid(**WALLET)) == ""
        (donation,) = pushed("upi-donations")
        assert donation["first_name"] == "Ana"
        assert donation["recurring_payment_token"] == WALLET["recurring_payment_token"]
        assert "dlocal_payment_method" not in donation
        assert not pushed("donations")

    def test_a_later_one_has_no_row_to_wait_for(self) -> None:
        PaymentToken.objects.create(
            contact=Contact.objects.create(),
            gateway="dlocal",
            token=WALLET["recurring_payment_token"],
            created_at=timezone.now(),
        )
        assert do_one(QUEUE, paid(**WALLET)) == ""
        (donation,) = pushed("upi-donations")
        assert told(donation)["full_name"] == "Ana Donor"

    @pytest.mark.parametrize("name", ["gateway_txn_id", "order_id"])
    def test_it_needs_its_ids(self, name: str) -> None:
        assert do_one(QUEUE, paid(**{name: None})) == f"INVALID_MESSAGE payload.{name}"


class TestRejected:
    @pytest.mark.parametrize("code", [322, "322"])
    def test_a_wallet_that_was_disabled_ends_its_agreement(self, code: object) -> None:
        assert do_one(QUEUE, rejected(gateway_status_code=code)) == ""
        (message,) = pushed("upi-donations")
        assert message["gateway_status_code"] == "322"
        assert message["gateway_status"] == "REJECTED"
        assert message["order_id"] == ORDER
        assert "dlocal_payment_method" not in message

    @pytest.mark.parametrize("code", [300, "", None, "3220"])
    def test_any_other_refusal_changes_nothing(self, code: object) -> None:
        begin(gateway="dlocal")
        assert do_one(QUEUE, rejected(gateway_status_code=code)) == ""
        assert not OutboxMessage.objects.exists()
        assert not row().is_resolved

    def test_told_twice_it_is_pushed_once(self) -> None:
        verdicts = do(QUEUE, rejected(gateway_status_code=322), rejected(gateway_status_code="322"))
        assert verdicts == ["", "DUPLICATE_NOTIFICATION"]
        assert len(pushed("upi-donations")) == 1
