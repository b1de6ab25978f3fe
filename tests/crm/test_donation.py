from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.currencies.rates import Rate, Rates
from fundraising.crm.donation import Donation, normalise
from fundraising.crm.gift import ExternalIdentifier
from fundraising.crm.messages import DonationMessage
from fundraising.crm.recurring.subscriptions import RecurringContext
from queues.messages import validate
from queues.outcomes import Damaged
from queues.wire import Json

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = RecurringContext("7", is_first_installment=False, payment_instrument="Credit Card: Visa")
PLAIN: dict[str, Json] = {
    "gateway": "adyen",
    "gateway_txn_id": "ABC",
    "gross": "100.00",
    "currency": "CZK",
    "payment_method": "cc",
    "payment_submethod": "visa",
    "order_id": "12.1",
    "contribution_tracking_id": "12",
    "date": 1795167973,
}
INSTALMENT: dict[str, Json] = PLAIN | {"recurring": "1", "recurring_payment_token": "tok"}


def _message(fields: dict[str, Json]) -> DonationMessage:
    return validate(DonationMessage, fields)


def _donation(
    fields: dict[str, Json], recurring: RecurringContext | None = None, rates: Rates | None = None
) -> Donation:
    return normalise(_message(fields), rates or Rates(), recurring, now=NOW)


def _usd(donation: Donation) -> tuple[str, str, str]:
    return str(donation.usd.gross), str(donation.usd.fee), str(donation.usd.net)


def test_a_plain_donation() -> None:
    donation = _donation(PLAIN | {"fee": "2.10"})
    assert _usd(donation) == ("4.76", "0.10", "4.66")
    assert donation.source == "CZK 100.00"
    assert donation.rate == 1 / Decimal(21)
    assert (donation.trxn_id, donation.invoice_id) == ("ADYEN ABC", "12.1")
    assert donation.received == datetime(2026, 11, 20, 9, 46, 13, tzinfo=UTC)
    assert (donation.financial_type, donation.status) == ("Cash", "Completed")
    assert donation.payment_instrument == "Credit Card: Visa"
    assert donation.subscription is None
    assert donation.untracked is None


def test_the_rate_is_that_of_the_donations_moment() -> None:
    rates = Rates([Rate("CZK", Decimal("0.05"), datetime(2026, 11, 20, 9, 46, 12, tzinfo=UTC))])
    assert _usd(_donation(PLAIN, rates=rates)) == ("5.00", "0.00", "5.00")
    earlier = PLAIN | {"date": 1795167972}
    assert _usd(_donation(earlier, rates=rates)) == ("4.76", "0.00", "4.76")


def test_a_missing_date_is_now() -> None:
    assert _donation(PLAIN | {"date": ""}).received == NOW


def test_a_message_normalised_before_is_not_converted_twice() -> None:
    donation = _donation(
        PLAIN
        | {"gross": "4.76", "currency": "USD", "original_gross": "100", "original_currency": "CZK"}
    )
    assert _usd(donation) == ("4.76", "0.00", "4.76")
    assert donation.source == "CZK 100.00"


def test_an_original_currency_alone_is_the_currency() -> None:
    fields = {key: value for key, value in PLAIN.items() if key != "currency"}
    assert _donation(fields | {"original_currency": "CZK"}).source == "CZK 100.00"


def test_a_settlement_in_dollars_sets_the_dollars_only() -> None:
    donation = _donation(
        PLAIN
        | {
            "settled_currency": "USD",
            "settled_total_amount": "4.70",
            "settled_fee_amount": "-0.20",
            "settled_net_amount": "4.50",
            "settlement_batch_reference": "adyen_2",
        }
    )
    assert _usd(donation) == ("4.70", "0.20", "4.50")
    assert donation.original.gross == 100
    assert donation.settlement is not None
    assert donation.settlement.fee == Decimal("-0.20")


def test_instalments() -> None:
    first = _donation(INSTALMENT)
    assert (first.trxn_id, first.financial_type) == ("RECURRING ADYEN ABC", "Recurring Gift")
    assert first.invoice_id == "12.1|recur-1795167973"
    assert first.no_thank_you == ""
    assert first.subscription is not None
    assert (first.subscription.trxn_id, first.subscription.cycle_day) == ("ABC", 20)
    later = _donation(INSTALMENT | {"contribution_recur_id": 7}, LATER)
    assert later.financial_type == "Recurring Gift - Cash"
    assert later.no_thank_you == "recurring"
    assert later.gift.channel == "Recurring Gift"
    yearly = RecurringContext("7", is_first_installment=False, frequency_unit="year")
    assert _donation(INSTALMENT, yearly).no_thank_you == ""


@pytest.mark.parametrize(
    ("fields", "trxn_id"),
    [
        ({"gateway": "gravy", "payment_method": "paypal"}, "tok"),
        ({"subscr_id": "I-1"}, "I-1"),
        ({}, "ABC"),
    ],
)
def test_the_record_is_named_by_its_profile(fields: dict[str, Json], trxn_id: str) -> None:
    series = _donation(INSTALMENT | fields).subscription
    assert series is not None
    assert series.trxn_id == trxn_id


def test_an_instalment_falls_back_on_its_records_instrument() -> None:
    fields = INSTALMENT | {"payment_method": "", "payment_submethod": ""}
    assert _donation(fields, LATER).payment_instrument == "Credit Card: Visa"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"gateway": ""}, "CIVI_REQ_FIELD", "gateway"),
        ({"gateway_txn_id": False}, "CIVI_REQ_FIELD", "gateway_txn_id"),
        ({"gross": ""}, "CIVI_REQ_FIELD", "gross"),
        ({"currency": ""}, "CIVI_REQ_FIELD", "currency"),
        ({"gross": "0"}, "CIVI_REQ_FIELD", "gross"),
        ({"gross": "-1"}, "CIVI_REQ_FIELD", "gross"),
        ({"gross": "0.01"}, "CIVI_REQ_FIELD", "gross"),
        ({"fee": "100"}, "CIVI_REQ_FIELD", "net"),
        ({"net": "-5"}, "CIVI_REQ_FIELD", "net"),
        ({"currency": "XQQ"}, "INVALID_MESSAGE", "currency"),
        ({"payment_method": ""}, "INVALID_MESSAGE", "payment_method"),
        ({"payment_method": "barter"}, "INVALID_MESSAGE", "payment_method"),
        ({"gateway_txn_id": "A B"}, "INVALID_MESSAGE", "gateway_txn_id"),
        ({"financial_type_id": "Bribe"}, "INVALID_MESSAGE", "financial_type_id"),
        ({"contribution_status_id": "Lost"}, "INVALID_MESSAGE", "contribution_status_id"),
        ({"recipient_id": "???"}, "INVALID_MESSAGE", "recipient_id"),
        ({"type": "refund"}, "INVALID_MESSAGE", "type"),
        ({"is_daf": "1"}, "INVALID_MESSAGE", "is_daf"),
        ({"gateway": "chariot"}, "INVALID_MESSAGE", "gateway"),
        ({"recurring": 1}, "INVALID_RECURRING", "subscr_id"),
        ({"contribution_recur_id": 7}, "INVALID_RECURRING", "contribution_recur_id"),
        ({"recurring": 1, "frequency_unit": "week"}, "INVALID_RECURRING", "frequency_unit"),
        ({"recurring": 1, "frequency_interval": 2}, "INVALID_RECURRING", "frequency_interval"),
        ({"recurring": 1, "installments": 12}, "INVALID_RECURRING", "installments"),
    ],
)
def test_refusals_have_a_code_and_a_field(fields: dict[str, Json], code: str, field: str) -> None:
    with pytest.raises(Damaged) as refusal:
        _donation(PLAIN | fields)
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_an_unknown_currency_is_named() -> None:
    with pytest.raises(Damaged, match="UNKNOWN_CURRENCY: 'XQQ'"):
        _donation(PLAIN | {"currency": "xqq"})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {},
            {
                "utm_source": "..cc",
                "utm_medium": "civicrm",
                "tracking_date": "2026-11-20 09:46:13",
            },
        ),
        (
            {"utm_source": "a.b.cc", "utm_medium": "email", "utm_campaign": "c", "country": "FR"},
            {
                "utm_source": "a.b.cc",
                "utm_medium": "email",
                "utm_campaign": "c",
                "tracking_date": "2026-11-20 09:46:13",
                "country": "FR",
            },
        ),
        ({"payment_method": "check", "country": "XX"}, None),
    ],
)
def test_a_donation_without_tracking_is_tracked_late(
    fields: dict[str, Json], expected: dict[str, str] | None
) -> None:
    donation = _donation(PLAIN | {"contribution_tracking_id": ""} | fields)
    assert donation.tracking_id is None
    assert donation.untracked == expected


def test_the_donor() -> None:
    donation = _donation(
        PLAIN
        | {
            "full_name": "Gabriel García Márquez",
            "language": "es-419",
            "country": "CO",
            "contact_id": "77",
            "contact_hash": "abc",
            "opt_in": "1",
            "fiscal_number": " 123&nbsp;4 " + "5" * 40,
            "external_identifier": "G1",
            "gateway": "gravy",
            "user_ip": "2001:DB8::1",
            "email": " donor@example.org ",
        }
    )
    assert (donation.names.first_name, donation.names.last_name) == ("Gabriel", "García Márquez")
    assert donation.names.addressee == "Gabriel García Márquez"
    assert donation.preferred_language == "es_MX"
    assert (donation.contact.contact_id, donation.contact.contact_hash) == (77, "abc")
    assert donation.opt_in is True
    assert len(donation.legal_identifier) == 32
    assert donation.external_identifier == ExternalIdentifier("gravy_id", "G1")
    assert donation.user_ip == "2001:db8::1"
    assert donation.email == "donor@example.org"


def test_given_names_are_never_overwritten() -> None:
    names = _donation(PLAIN | {"full_name": "Someone Else", "last_name": "Ng"}).names
    assert (names.first_name, names.last_name, names.addressee) == ("", "Ng", "")


@pytest.mark.parametrize("user_ip", ["", "unknown", "3232235777x", "1.2.3"])
def test_what_is_no_ip_address_is_dropped(user_ip: str) -> None:
    assert _donation(PLAIN | {"user_ip": user_ip}).user_ip == ""


def test_a_numeric_type_of_another_database_follows_the_rules() -> None:
    assert _donation(INSTALMENT | {"financial_type_id": 33}).financial_type == "Recurring Gift"
    assert _donation(PLAIN | {"contribution_status_id": 1}).status == "Completed"


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "gross",
                "fee",
                "net",
                "full_name",
                "street_address",
                "country",
                "language",
                "utm_source",
                "utm_medium",
                "recipient_id",
                "phone",
                "user_ip",
                "external_identifier",
                "payment_method",
                "type",
            ]
        ),
        st.text(max_size=30) | st.integers(-5, 10**16) | st.decimals(),
    )
)
def test_any_message_is_a_donation_or_damaged(fields: dict[str, Json]) -> None:
    try:
        donation = _donation(PLAIN | fields)
    except Damaged as refusal:
        assert refusal.code in ("INVALID_MESSAGE", "CIVI_REQ_FIELD")
        assert refusal.field
        return
    assert donation.usd.gross > 0
    assert donation.usd.net > 0
    assert donation == _donation(PLAIN | fields)
