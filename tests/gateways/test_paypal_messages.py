"""The messages that PayPal's notifications become."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.gateways.paypal.form import Form
from fundraising.gateways.paypal.messages import translate
from queues.outcomes import Damaged, Drop, SetAside
from tests.gateways.jobs import HEARD, Message
from tests.gateways.notifications import (
    ORDER,
    express_checkout,
    form,
    instalment,
    profile,
    refund,
    web_accept,
)

HEARD_AT = datetime.fromtimestamp(HEARD, UTC)
PAID = HEARD + 5
CREATED = int(datetime(2026, 2, 1, 11, tzinfo=UTC).timestamp())


def become(told: Message) -> tuple[str, Message]:
    return translate(Form(told), HEARD_AT)


def message(told: Message) -> Message:
    return become(told)[1]


class TestPayments:
    def test_a_gift_by_a_button(self) -> None:
        assert become(web_accept()) == (
            "donations",
            {
                "txn_type": "web_accept",
                "gateway": "paypal",
                "gateway_txn_id": "3N2616476S0123456",
                "date": PAID,
                "gross": "7.00",
                "fee": "0.44",
                "currency": "USD",
                "order_id": "33333333",
                "contribution_tracking_id": "33333333",
                "email": "ana@example.org",
                "first_name": "Ana",
                "last_name": "Donor",
                "street_address": "Road 1",
                "supplemental_address_1": "where indeed",
                "city": "Zurich",
                "state_province": "",
                "postal_code": "8032",
                "country": "CH",
            },
        )

    def test_a_gift_through_our_form(self) -> None:
        donation = message(express_checkout())
        assert donation["gateway"] == "paypal_ec"
        assert donation["order_id"] == ORDER
        assert donation["contribution_tracking_id"] == "119223"

    @pytest.mark.parametrize(
        ("txn_type", "payment_type", "gateway"),
        [
            ("express_checkout", "echeck", "paypal_ec"),
            ("cart", "instant", "paypal_ec"),
            ("cart", "echeck", "paypal"),
            ("send_money", "instant", "paypal"),
            ("masspay", "", "paypal"),
            ("virtual_terminal", "instant", "paypal"),
        ],
    )
    def test_the_gateway(self, txn_type: str, payment_type: str, gateway: str) -> None:
        told = web_accept(txn_type=txn_type, payment_type=payment_type)
        assert message(told)["gateway"] == gateway

    def test_a_cart_without_an_order_is_give_livelys(self) -> None:
        cart = web_accept(txn_type="cart")
        assert "direct_mail_appeal" not in message(cart)
        donation = message({**cart, "custom": ""})
        assert donation["direct_mail_appeal"] == donation["no_thank_you"] == "GiveLively"

    @pytest.mark.parametrize("status", ["Pending", "Denied", "Failed", "Voided"])
    def test_no_money_is_no_donation(self, status: str) -> None:
        with pytest.raises(Drop):
            become(web_accept(payment_status=status))

    def test_without_a_date_it_is_of_when_we_heard(self) -> None:
        assert message(web_accept(payment_date=""))["date"] == HEARD

    def test_a_date_that_is_none_names_its_field(self) -> None:
        with pytest.raises(Damaged) as caught:
            become(web_accept(payment_date="ana@example.org"))
        assert caught.value.field == "payload.payment_date"
        assert "ana" not in caught.value.text


class TestAddress:
    def test_the_donors_own_name_is_no_part_of_it(self) -> None:
        told = web_accept(address_name="Ana Donor")
        assert "supplemental_address_1" not in message(told)

    def test_a_street_of_two_lines(self) -> None:
        donation = message(web_accept(address_street="Road 1\r\nFloor 2\r\n"))
        assert donation["street_address"] == "Road 1"
        assert donation["supplemental_address_1"] == "Floor 2"


class TestOrder:
    @pytest.mark.parametrize(
        ("custom", "tracking_id"),
        [("119223.1", "119223"), ("119223", "119223"), ("a gift", None), ("", None)],
    )
    def test_the_visit_is_what_stands_before_the_point(
        self, custom: str, tracking_id: str | None
    ) -> None:
        donation = message(web_accept(custom=custom))
        assert donation["order_id"] == custom
        assert donation.get("contribution_tracking_id") == tracking_id

    @pytest.mark.parametrize("told", [web_accept(), instalment(), refund()])
    def test_a_long_name_is_gravys(self, told: Message) -> None:
        for custom in ("2kV8nJ0Zs4bTq1xYw9LpRf", "b332ca0a-0000-4000-8000-00000001"):
            with pytest.raises(Drop):
                become({**told, "custom": custom})
        become({**told, "custom": "123456789012345678901.1"})


@pytest.mark.parametrize(
    "txn_type",
    ["new_case", "subscr_modify", "merch_pmt", "mp_signup", "mp_notification", "mp_cancel"],
)
def test_what_is_not_for_us_is_dropped(txn_type: str) -> None:
    with pytest.raises(Drop):
        become(form(txn_type=txn_type))


@pytest.mark.parametrize("told", [form(), form(payment_status="Canceled_Reversal")])
def test_a_notification_without_a_type_that_takes_nothing_back(told: Message) -> None:
    with pytest.raises(Damaged) as caught:
        become(told)
    assert caught.value.field == "payload.txn_type"


def test_a_type_that_nobody_knows() -> None:
    with pytest.raises(Damaged) as caught:
        become(form(txn_type="ana@example.org"))
    assert caught.value.field == "payload.txn_type"
    assert "ana" not in caught.value.text


class TestRefunds:
    def test_a_refund(self) -> None:
        assert become(refund()) == (
            "refund",
            {
                "gateway": "paypal",
                "type": "refund",
                "gateway_parent_id": "3N2616476S0123456",
                "gateway_refund_id": "1V82215816267470S",
                "gateway_txn_id": "1V82215816267470S",
                "gross": "-7.00",
                "fee": "-0.44",
                "gross_currency": "USD",
                "currency": "USD",
                "date": PAID + 86400,
                "order_id": "33333333",
                "contribution_tracking_id": "33333333",
                "email": "ana@example.org",
                "first_name": "Ana",
                "last_name": "Donor",
                "country": "CH",
            },
        )

    @pytest.mark.parametrize("name", ["invoice", "rp_invoice_id"])
    def test_by_express_checkout(self, name: str) -> None:
        assert message({**refund(), name: ORDER})["gateway"] == "paypal_ec"

    @pytest.mark.parametrize(
        ("fields", "kind"),
        [
            ({"txn_type": "adjustment", "reason_code": "chargeback_settlement"}, "chargeback"),
            ({"reason_code": "buyer_complaint"}, "refund"),
            ({"reason_code": "other", "payment_status": "Reversed"}, "refund"),
            ({"reason_code": "unauthorized_spoof"}, "refund"),
            ({"reason_code": "unauthorized_claim"}, "refund"),
            ({"reason_code": "admin_fraud_reversal"}, "refund"),
            ({"reason_code": "chargeback"}, "chargeback"),
            ({"reason_code": "guarantee"}, "guarantee"),
        ],
    )
    def test_its_type(self, fields: Message, kind: str) -> None:
        queue, refunded = become({**refund(), **fields})
        assert (queue, refunded["type"]) == ("refund", kind)

    def test_of_an_instalment_the_money_that_went_back_counts(self) -> None:
        refunded = message(
            refund(
                amount_per_cycle="150",
                mc_gross="-150",
                currency_code="JPY",
                rp_invoice_id=ORDER,
                recurring_payment_id="I-DD1FNAAAUU22",
            )
        )
        assert refunded["gross"] == "-150"
        assert refunded["subscr_id"] == "I-DD1FNAAAUU22"
        assert refunded["order_id"] == ORDER


class TestAgreements:
    def test_a_signup(self) -> None:
        assert become(profile("recurring_payment_profile_created")) == (
            "recurring",
            {
                "txn_type": "subscr_signup",
                "gateway": "paypal_ec",
                "recurring": "1",
                "subscr_id": "I-88J1M3DLSF0",
                "gross": "140",
                "currency": "JPY",
                "frequency_interval": "1",
                "frequency_unit": "month",
                "installments": 0,
                "create_date": CREATED,
                "start_date": CREATED,
                "date": CREATED,
                "order_id": ORDER,
                "contribution_tracking_id": "119223",
                "email": "ana@example.org",
                "first_name": "Ana",
                "middle_name": "",
                "last_name": "Donor",
                "country": "CH",
            },
        )

    @pytest.mark.parametrize(
        ("fields", "interval", "unit"),
        [
            ({"payment_cycle": "Monthly"}, "1", "month"),
            ({"payment_cycle": "Yearly"}, "1", "year"),
            ({"payment_cycle": "Weekly"}, "1", "weekly"),
            ({"payment_cycle": None, "period3": "1 M"}, "1", "month"),
            ({"payment_cycle": None, "period3": "2 Y"}, "2", "year"),
            ({"payment_cycle": None, "period3": "1 W"}, "1", "week"),
        ],
    )
    def test_how_often_it_pays(self, fields: Message, interval: str, unit: str) -> None:
        signup = message(profile("recurring_payment_profile_created", **fields))
        assert (signup["frequency_interval"], signup["frequency_unit"]) == (interval, unit)

    @pytest.mark.parametrize(
        "txn_type", ["recurring_payment", "recurring_payment_outstanding_payment"]
    )
    def test_an_instalment(self, txn_type: str) -> None:
        queue, paid = become(instalment(txn_type=txn_type, mc_gross=280))
        assert queue == "recurring"
        assert paid["txn_type"] == "subscr_payment"
        assert paid["gateway_txn_id"] == "4XJ00000000000001"
        assert (paid["gross"], paid["fee"], paid["currency"]) == ("280", "43", "JPY")
        assert paid["date"] == PAID

    @pytest.mark.parametrize(
        ("txn_type", "kind"),
        [
            ("recurring_payment_failed", "subscr_failed"),
            ("recurring_payment_outstanding_payment_failed", "subscr_failed"),
            ("recurring_payment_skipped", "subscr_failed"),
            ("recurring_payment_suspended", "subscr_failed"),
            ("recurring_payment_suspended_due_to_max_failed_payment", "subscr_failed"),
            ("recurring_payment_expired", "subscr_eot"),
            ("recurring_payment_profile_cancel", "subscr_cancel"),
        ],
    )
    def test_news_without_a_date_is_of_when_we_heard(self, txn_type: str, kind: str) -> None:
        queue, news = become(profile(txn_type))
        assert (queue, news["txn_type"], news["date"]) == ("recurring", kind, HEARD)
        assert news["gateway"] == "paypal_ec"
        assert news.get("cancel_date") == (HEARD if kind == "subscr_cancel" else None)
        assert "failure_retry_date" not in news

    def test_when_a_failed_payment_is_tried_again(self) -> None:
        then = "03:00:00 Mar 08, 2026 PST"
        told = profile("recurring_payment_failed", next_payment_date=then)
        retry = int(datetime(2026, 3, 8, 11, tzinfo=UTC).timestamp())
        assert message(told)["failure_retry_date"] == retry

    @pytest.mark.parametrize(
        "kind", ["subscr_payment", "subscr_signup", "subscr_cancel", "subscr_failed", "subscr_eot"]
    )
    def test_of_the_old_kind(self, kind: str) -> None:
        told = form(txn_type=kind, subscr_id="S-1", custom="7373", mc_currency="USD")
        queue, news = become(told)
        assert (queue, news["gateway"], news["txn_type"]) == ("recurring", "paypal", kind)
        assert (news["subscr_id"], news["recurring"]) == ("S-1", "1")

    def test_a_subscription_of_the_old_kind(self) -> None:
        told = form(
            txn_type="subscr_signup",
            subscr_id="S-1",
            period3="1 M",
            amount3="1.03",
            mc_amount3="1.03",
            mc_currency="USD",
            subscr_date="03:00:00 Feb 01, 2026 PST",
            recur_times="12",
        )
        signup = message(told)
        assert signup["date"] == signup["start_date"] == signup["create_date"] == CREATED
        assert (signup["gross"], signup["installments"]) == ("1.03", "12")

    def test_its_end(self) -> None:
        then = "03:00:00 Feb 01, 2026 PST"
        told = form(txn_type="subscr_cancel", subscr_id="S-1", subscr_date=then)
        assert message(told)["cancel_date"] == message(told)["date"] == CREATED

    def test_one_that_was_moved_keeps_its_old_id(self) -> None:
        told = form(txn_type="subscr_eot", subscr_id="I-2", old_subscr_id="S-1")
        assert message(told)["subscr_id"] == "S-1"


def test_a_field_that_is_no_text_is_named() -> None:
    with pytest.raises(Damaged) as caught:
        become(web_accept(first_name=["Ana"]))
    assert caught.value.field == "payload.first_name"
    assert "Ana" not in caught.value.text


class TestDigest:
    def test_sent_again_a_notification_is_the_same(self) -> None:
        told = profile("recurring_payment_failed")
        again = {**dict(reversed(told.items())), "resend": "true", "verify_sign": "other"}
        assert Form(told).digest() == Form(again).digest()

    def test_another_is_another(self) -> None:
        told = profile("recurring_payment_failed")
        assert Form(told).digest() != Form({**told, "ipn_track_id": "other"}).digest()


# What a producer may send: values that fit, and values that do not.
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False, places=2),
    st.text(max_size=30),
    st.sampled_from(["N/A", "7.00", "119223.1", "Completed", "1 M", "Monthly"]),
    st.lists(st.text(max_size=3), max_size=2),
)
FIELDS = sorted({**web_accept(), **instalment(), **refund(), "period3": "", "subscr_date": ""})
TYPES = ["web_accept", "cart", "recurring_payment_profile_created", "subscr_signup", "adjustment"]


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES), st.sampled_from([*TYPES, None]))
def test_any_form_becomes_a_message_or_is_set_aside(told: Message, txn_type: str | None) -> None:
    try:
        queue, made = become({**told, "txn_type": txn_type})
    except SetAside as reason:
        assert reason.field.startswith("payload.") or isinstance(reason, Drop)
        return
    assert queue in ("donations", "recurring", "refund")
    assert made["gateway"] in ("paypal", "paypal_ec")
    assert all(isinstance(value, str | int) for value in made.values())


@given(st.decimals(min_value=0, max_value=10**9, places=3), st.sampled_from(["JPY", "KWD", "USD"]))
def test_amounts_go_on_as_paypal_wrote_them(amount: Decimal, currency: str) -> None:
    donation = message(web_accept(mc_gross=str(amount), mc_currency=currency))
    assert (donation["gross"], donation["currency"]) == (str(amount), currency)
