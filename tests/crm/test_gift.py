from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm import gift
from fundraising.crm.gift import Amounts, ExternalIdentifier

CENTS = st.decimals(min_value=0, max_value=10**9, places=2)


def _amounts(gross: str, fee: str | None, net: str | None, rate: str = "1") -> tuple[str, ...]:
    found = gift.amounts(
        "USD",
        Decimal(gross),
        fee=None if fee is None else Decimal(fee),
        net=None if net is None else Decimal(net),
        rate=Decimal(rate),
    )
    return str(found.gross), str(found.fee), str(found.net)


@pytest.mark.parametrize(
    ("gross", "fee", "net", "expected"),
    [
        ("10", "0.44", None, ("10.00", "0.44", "9.56")),
        ("10", None, "9.50", ("10.00", "0.50", "9.50")),
        ("10", None, None, ("10.00", "0.00", "10.00")),
        ("10", "0.44", "9.50", ("10.00", "0.44", "9.50")),
    ],
)
def test_fee_and_net_follow_from_each_other(
    gross: str, fee: str | None, net: str | None, expected: tuple[str, ...]
) -> None:
    assert _amounts(gross, fee, net) == expected


def test_each_amount_is_rounded_from_its_exact_value() -> None:
    assert _amounts("5.00", "0.44", None, "1.1524653") == ("5.76", "0.51", "5.26")


@given(CENTS, CENTS, st.decimals(min_value="0.0001", max_value=5, places=8))
def test_converted_amounts_balance_within_a_cent(
    gross: Decimal, fee: Decimal, rate: Decimal
) -> None:
    found = gift.amounts("USD", gross, fee=fee, net=None, rate=rate)
    assert abs(found.gross - found.fee - found.net) <= Decimal("0.01")


def _settled(currency: str, total: str | None, fee: str | None, net: str | None) -> Amounts:
    converted = Amounts("USD", Decimal("5.76"), Decimal("0.51"), Decimal("5.25"))
    total_, fee_, net_ = (None if text is None else Decimal(text) for text in (total, fee, net))
    return gift.settled(converted, currency=currency, total=total_, fee=fee_, net=net_)


@pytest.mark.parametrize(
    ("currency", "total", "fee", "net", "expected"),
    [
        ("USD", "5.70", "-0.27", "5.43", ("5.70", "0.27", "5.43")),
        ("USD", "5.70", "-0.27", None, ("5.70", "0.27", "5.43")),
        ("USD", None, "-0.27", None, ("5.76", "0.27", "5.49")),
        ("USD", None, None, "5.43", ("5.76", "0.33", "5.43")),
        ("USD", "5.70", None, None, ("5.70", "0.51", "5.19")),
        ("USD", None, None, None, ("5.76", "0.51", "5.25")),
        ("EUR", "5.00", "-0.27", "4.73", ("5.76", "0.51", "5.25")),
        ("", "5.00", "-0.27", "4.73", ("5.76", "0.51", "5.25")),
    ],
)
def test_a_settlement_in_dollars_counts(
    currency: str, total: str | None, fee: str | None, net: str | None, expected: tuple[str, ...]
) -> None:
    found = _settled(currency, total, fee, net)
    assert (str(found.gross), str(found.fee), str(found.net)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "Cash"),
        ({"is_recurring": True}, "Recurring Gift"),
        ({"is_recurring": True, "is_later_installment": True}, "Recurring Gift - Cash"),
        ({"message_type": "refund_reversed"}, "Refund Reversal"),
        ({"message_type": "chargeback_reversed", "is_recurring": True}, "Chargeback Reversal"),
        (
            {"given": "Recurring Gift - Cash", "message_type": "refund_reversed"},
            "Recurring Gift - Cash",
        ),
        ({"given": "Cash", "is_endowment": True}, "Endowment Gift"),
    ],
)
def test_financial_type(fields: dict[str, object], expected: str) -> None:
    found = gift.financial_type(**fields)  # type: ignore[arg-type]
    assert found == expected
    assert found in gift.FINANCIAL_TYPES


def test_status() -> None:
    assert gift.status() == "Completed"
    assert gift.status(message_type="reversal_reversed") == "reversal_reversal"
    assert gift.status(given="Refunded", message_type="reversal_reversed") == "Refunded"
    assert gift.status(message_type="web_accept") == "Completed"


def test_gift_data_defaults() -> None:
    found = gift.data(Decimal(10))
    assert found == gift.GiftData("Online Gift", "", "Other Online", "", "", is_major_gift=False)


def test_gift_data_of_the_message() -> None:
    found = gift.data(
        Decimal(10),
        utm_medium="Endowment",
        utm_source="B_dsk_x.y.cc",
        utm_campaign="C2526",
        campaign="Community Gift",
        appeal="given",
        fund="given",
        package="P",
    )
    assert found == gift.GiftData(
        "Community Gift", "C2526", "Desktop Banner", "Endowment Fund", "P", is_major_gift=False
    )
    assert gift.data(Decimal(10), appeal="given", channel="Phone").channel == "Phone"
    assert gift.data(Decimal(10), appeal="x" * 5000).appeal == "x" * 255


@pytest.mark.parametrize(
    ("usd", "appeal", "channel", "medium", "source", "expected"),
    [
        ("9999.99", "", "", "", "", False),
        ("10000.00", "", "", "", "", True),
        ("1", "SPRMGF", "Direct Mail", "", "", True),
        ("1", "SPRMGF", "Email", "", "", False),
        ("250", "White Mail", "Direct Mail", "", "", True),
        ("250", "AUTWM", "Direct Mail", "", "", True),
        ("250", "WMF1124RE", "Direct Mail", "", "", True),
        ("249.99", "WMF1124RE", "Direct Mail", "", "", False),
        ("1", "MGLetter", "", "", "", True),
        ("1", "", "", "MG2024", "", True),
        ("1", "", "", "", "sp1.default~MG12.cc", True),
        ("1", "", "", "", "sp1.default~mg12.cc", True),
        ("1", "", "", "", "sp1.default~MGx.cc", False),
    ],
)
def test_major_gifts(
    usd: str, appeal: str, channel: str, medium: str, source: str, expected: bool
) -> None:
    assert gift.is_major(Decimal(usd), appeal, channel, medium, source) is expected


def test_a_later_instalment_is_never_a_major_gift() -> None:
    found = gift.data(Decimal(20000), is_later_installment=True)
    assert not found.is_major_gift
    assert found.channel == "Recurring Gift"


@pytest.mark.parametrize(
    ("gateway", "method", "value", "expected"),
    [
        ("braintree", "venmo", "ann", ExternalIdentifier("venmo_user_name", "@ann")),
        ("gravy", "venmo", "@ann", ExternalIdentifier("venmo_user_name", "@ann")),
        ("paypal_ec", "", "P1", ExternalIdentifier("paypal_payer_id", "P1")),
        ("gravy", "paypal", "P1", ExternalIdentifier("paypal_payer_id", "P1")),
        ("braintree", "paypal", "P1", ExternalIdentifier("paypal_payer_id", "P1")),
        ("gravy", "cc", "G1", ExternalIdentifier("gravy_id", "G1")),
        ("fundraiseup", "cc", "x" * 99, ExternalIdentifier("fundraiseup_id", "x" * 64)),
        ("adyen", "cc", "A1", None),
        ("gravy", "cc", " ", None),
    ],
)
def test_external_identifiers(
    gateway: str, method: str, value: str, expected: ExternalIdentifier | None
) -> None:
    assert gift.external_identifier(gateway, method, value) == expected
