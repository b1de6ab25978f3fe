"""The job of PayPal."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from fundraising.crm.models import Contribution, RecurringContribution
from queues.models import OutboxMessage
from tests.gateways.jobs import HEARD, Message, begin, do, do_one, job, pushed, row, told
from tests.gateways.notifications import (
    ORDER,
    PAYPAL,
    express_checkout,
    form,
    instalment,
    profile,
    refund,
    web_accept,
)
from tests.gateways.test_dlocal import give_up
from tests.pending.contributions import contribute

pytestmark = pytest.mark.django_db

QUEUE = "jobs-paypal"
FUND = "ppgfuspay@paypalgivingfund.org"
SIGNUP = profile("recurring_payment_profile_created")


def notified(payload: Message, **fields: Any) -> Message:
    return job(PAYPAL, payload, **fields)


@pytest.mark.parametrize(
    ("payload", "queue"),
    [
        (web_accept(), "donations"),
        (refund(), "refund"),
        (profile("recurring_payment_profile_cancel"), "recurring"),
        (form(txn_type="subscr_payment", txn_id="T1", subscr_id="S-1"), "recurring"),
    ],
)
def test_each_goes_to_its_queue(payload: Message, queue: str) -> None:
    assert do_one(QUEUE, notified(payload)) == ""
    assert [message.queue for message in OutboxMessage.objects.all()] == [queue]


@pytest.mark.parametrize(
    "payload", [form(txn_type="subscr_modify"), web_accept(payment_status="Pending")]
)
def test_what_is_nothing_to_us_is_dropped(payload: Message) -> None:
    assert do_one(QUEUE, notified(payload)) in ("NOT_OURS", "NO_PAYMENT")
    assert not OutboxMessage.objects.exists()


class TestPending:
    def test_the_row_tells_only_what_paypal_does_not(self) -> None:
        begin(gateway="paypal_ec", opt_in="1", city="Utrecht", state_province="UT")
        assert do_one(QUEUE, notified(express_checkout())) == ""
        (donation,) = pushed("donations")
        assert donation["opt_in"] == "1"
        assert donation["utm_source"] == "B26.lp.cc"
        assert (donation["city"], donation["state_province"]) == ("Zurich", "")
        assert (donation["gross"], donation["gateway_txn_id"]) == ("7.00", "3N2616476S0123456")
        assert donation["origin_name"] == "SmashPig"

    @pytest.mark.parametrize("payload", [express_checkout(), SIGNUP, instalment()])
    def test_what_began_on_our_form_waits_for_its_row(self, payload: Message) -> None:
        assert do_one(QUEUE, notified(payload)) == "MISSING_PREDECESSOR"
        begin(gateway="paypal_ec", opt_in="1")
        assert do_one(QUEUE, notified(payload)) == ""
        (message,) = pushed("donations") + pushed("recurring")
        assert message["opt_in"] == "1"

    @pytest.mark.parametrize("payload", [express_checkout(), SIGNUP, instalment()])
    def test_but_not_for_ever(self, payload: Message) -> None:
        give_up(QUEUE, notified(payload))
        assert do_one(QUEUE, notified(payload)) == ""
        (message,) = pushed("donations") + pushed("recurring")
        assert message["email"] == "ana@example.org"

    @pytest.mark.parametrize("custom", ["33333333", "", "a gift"])
    def test_other_payments_have_none(self, custom: str) -> None:
        assert do_one(QUEUE, notified(express_checkout(custom=custom))) == ""

    def test_nor_have_news_of_an_agreement(self) -> None:
        assert do_one(QUEUE, notified(profile("recurring_payment_failed"))) == ""

    def test_a_payment_that_was_imported_is_settled(self) -> None:
        contribute(gateway="paypal_ec", gateway_txn_id="3N2616476S0123456")
        assert do_one(QUEUE, notified(express_checkout())) == "DUPLICATE_CONTRIBUTION"

    @pytest.mark.parametrize("trxn_id", ["I-88J1M3DLSF0", "RECURRING PAYPAL_EC I-88J1M3DLSF0"])
    def test_a_later_instalment_does_not_wait(self, trxn_id: str) -> None:
        first = contribute(gateway="paypal_ec", gateway_txn_id="T0")
        Contribution.objects.filter(pk=first.pk).update(
            contribution_recur=RecurringContribution.objects.create(
                contact=first.contact,
                amount=1,
                currency="JPY",
                start_date=first.receive_date,
                create_date=first.receive_date,
                cycle_day=1,
                gateway="paypal_ec",
                trxn_id=trxn_id,
            )
        )
        assert do_one(QUEUE, notified(instalment())) == ""

    def test_its_row_is_resolved_by_the_import(self) -> None:
        begin(gateway="paypal_ec")
        do_one(QUEUE, notified(express_checkout()))
        assert not row().is_resolved


class TestGivingFund:
    def test_its_gifts_are_its_contacts(self, settings: Settings) -> None:
        settings.PAYPAL_GIVING_FUND_CONTACT = "4321"
        payload = express_checkout(payer_email=FUND.upper())
        assert do_one(QUEUE, notified(payload)) == ""
        (donation,) = pushed("donations")
        assert told(donation) == {
            "contact_id": "4321",
            "txn_type": "express_checkout",
            "gateway": "paypal_ec",
            "gateway_txn_id": "3N2616476S0123456",
            "date": HEARD + 5,
            "gross": "7.00",
            "fee": "0.44",
            "currency": "USD",
            "order_id": ORDER,
            "contribution_tracking_id": "119223",
        }

    def test_unless_nobody_said_who_that_is(self) -> None:
        do_one(QUEUE, notified(web_accept(payer_email=FUND)))
        (donation,) = pushed("donations")
        assert donation["email"] == FUND
        assert "contact_id" not in donation


class TestToldTwice:
    @pytest.mark.parametrize(
        "payload",
        [
            web_accept(),
            refund(),
            instalment(rp_invoice_id="7373"),
            profile("recurring_payment_profile_created", rp_invoice_id="7373"),
            profile("recurring_payment_failed"),
            profile("recurring_payment_profile_cancel"),
            form(txn_type="subscr_eot", subscr_id="S-1"),
        ],
    )
    def test_it_is_pushed_once(self, payload: Message) -> None:
        again = notified(payload | {"resend": "true"}, source_enqueued_time=HEARD + 60)
        assert do(QUEUE, notified(payload), again) == ["", "DUPLICATE_NOTIFICATION"]
        assert OutboxMessage.objects.count() == 1

    def test_each_failure_counts(self) -> None:
        failures = [profile("recurring_payment_failed", ipn_track_id=name) for name in "abc"]
        assert do(QUEUE, *map(notified, failures)) == ["", "", ""]
        assert len({message["message_id"] for message in pushed("recurring")}) == 3

    def test_a_payment_and_its_refund_are_two_events(self) -> None:
        both = [web_accept(txn_id="T1"), refund(txn_id="T1")]
        assert do(QUEUE, *map(notified, both)) == ["", ""]
