"""What a settlement writes on the row of a contribution."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.currencies.rates import Rate, Rates, UnknownCurrency
from fundraising.crm.models import Contribution
from fundraising.crm.refunds.settlements import COLUMNS, Settled, settle

NOON = datetime(2025, 10, 9, 12, tzinfo=UTC)
EURO = Rates([Rate("EUR", Decimal("1.10"), NOON - timedelta(days=1))])

CENTS = st.decimals(min_value="0.01", max_value="99", places=2)
SOME = st.builds(
    Settled,
    at=st.integers(0, 3).map(lambda day: NOON + timedelta(days=day)),
    currency=st.just("USD"),
    total=CENTS | CENTS.map(lambda amount: -amount),
    fee=CENTS.map(lambda amount: -amount),
    batch_reference=st.sampled_from(["batch_1", "batch_2"]),
)


def gift(currency: str = "USD", fee: str = "0") -> Contribution:
    return Contribution(
        total_amount=Decimal("11.00"),
        fee_amount=Decimal(fee),
        net_amount=Decimal("11.00") - Decimal(fee),
        original_currency=currency,
        original_amount=Decimal("10.00"),
        original_fee_amount=Decimal(fee),
    )


def told(total: str, fee: str | None = None, day: int = 0, currency: str = "USD") -> Settled:
    return Settled(
        at=NOON + timedelta(days=day),
        currency=currency,
        total=Decimal(total),
        fee=None if fee is None else Decimal(fee),
        batch_reference=f"adyen_{day}_{currency}",
    )


def columns(row: Contribution) -> list[object]:
    return [getattr(row, name) for name in COLUMNS]


def after(row: Contribution, *settlements: Settled) -> list[object]:
    for one in settlements:
        settle(row, one, EURO)
    return columns(row)


def test_in_usd_the_amounts_become_what_the_bank_paid() -> None:
    row = gift()
    assert settle(row, told("10.90", "-0.31"), EURO)
    assert (row.total_amount, row.fee_amount, row.net_amount) == (
        Decimal("10.90"),
        Decimal("0.31"),
        Decimal("10.59"),
    )
    assert (row.settlement_date, row.settlement_currency) == (NOON, "USD")
    assert (row.settled_donation_amount, row.settled_fee_amount) == (
        Decimal("10.90"),
        Decimal("-0.31"),
    )
    assert row.settlement_batch_reference == "adyen_0_USD"
    assert not settle(row, told("10.90", "-0.31"), EURO)


@pytest.mark.parametrize(("known", "fee"), [("0", "0.22"), ("0.40", "0.40")])
def test_in_another_currency_only_an_unknown_fee_becomes_known(known: str, fee: str) -> None:
    row = gift("EUR", known)
    settle(row, told("9.80", "-0.20", currency="EUR"), EURO)
    assert (row.total_amount, row.fee_amount) == (Decimal("11.00"), Decimal(fee))
    assert row.net_amount == row.total_amount - row.fee_amount
    assert row.settled_donation_amount == Decimal("9.80")


def test_a_negative_total_settles_the_refund() -> None:
    row = gift()
    after(row, told("10.00", "-0.31", day=1), told("-10.00", "-5.00", day=3))
    assert (row.settled_reversal_amount, row.settled_fee_reversal_amount) == (-10, -5)
    assert row.settlement_batch_reversal_reference == "adyen_3_USD"
    assert (row.settled_donation_amount, row.settlement_batch_reference) == (10, "adyen_1_USD")
    assert row.settlement_date == NOON + timedelta(days=1)
    assert (row.total_amount, row.fee_amount) == (Decimal("10.00"), Decimal("0.31"))


def test_nothing_never_overwrites_what_is_known() -> None:
    row = gift()
    after(
        row,
        told("10.00", "-0.31", day=1),
        Settled(at=NOON + timedelta(days=2), currency="USD", total=Decimal("10.10")),
    )
    assert (row.settled_donation_amount, row.settled_fee_amount) == (
        Decimal("10.10"),
        Decimal("-0.31"),
    )
    assert row.settlement_batch_reference == "adyen_1_USD"


def test_of_two_the_later_stands_whichever_was_told_first() -> None:
    first, second = told("10.00", "-0.31", day=1), told("9.00", "-0.20", day=2)
    assert after(gift(), first, second) == after(gift(), second, first)
    assert after(gift(), second, first)[0] == Decimal("9.00")


@given(st.data())
def test_any_order_and_repetition_ends_the_same(data: st.DataObject) -> None:
    once = data.draw(st.lists(SOME, min_size=1, max_size=5))
    repeated = data.draw(st.permutations([*once, *once[:2]]))
    assert after(gift(), *once) == after(gift(), *repeated)


def test_more_digits_than_the_columns_hold_tell_nothing_new() -> None:
    row = gift()
    assert settle(row, told("10.000049", "-0.310001"), EURO)
    assert not settle(row, told("10.000049", "-0.310001"), EURO)


def test_a_fee_in_a_currency_without_a_rate() -> None:
    with pytest.raises(UnknownCurrency):
        settle(gift("EUR"), told("9.80", "-0.20", currency="XXX"), EURO)
