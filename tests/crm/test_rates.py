from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.currencies.rates import Rate, Rates, UnknownCurrency, static_value_in_usd

MONDAY = datetime(2026, 11, 2, 15, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
ROWS = [
    Rate("EUR", Decimal("1.20"), TUESDAY),
    Rate("EUR", Decimal("1.10"), MONDAY),
    Rate("CHF", Decimal("1.30"), MONDAY),
]


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (MONDAY + timedelta(seconds=1), "1.10"),
        (TUESDAY, "1.10"),
        (TUESDAY + timedelta(microseconds=1), "1.20"),
        (TUESDAY + timedelta(days=400), "1.20"),
    ],
)
def test_the_newest_rate_strictly_before_the_moment_counts(at: datetime, value: str) -> None:
    assert Rates(ROWS).value_in_usd("EUR", at) == Decimal(value)


def test_the_static_table_counts_before_the_first_rate_and_for_other_currencies() -> None:
    rates = Rates(ROWS)
    assert rates.value_in_usd("EUR", MONDAY) == 1 / Decimal("0.86770508259643")
    assert rates.value_in_usd("CZK", TUESDAY) == 1 / Decimal(21)


def test_the_dollar_is_the_dollar_whatever_a_row_says() -> None:
    rates = Rates([Rate("USD", Decimal(2), MONDAY)])
    assert rates.value_in_usd("USD", TUESDAY) == 1


def test_a_withdrawn_currency_has_a_static_rate() -> None:
    assert static_value_in_usd("ITL") == 1 / Decimal(1680)


def test_an_unknown_currency_is_named() -> None:
    with pytest.raises(UnknownCurrency, match=r"^UNKNOWN_CURRENCY: 'XQQ'$"):
        Rates().value_in_usd("XQQ", MONDAY)


def test_what_is_no_code_is_not_repeated() -> None:
    with pytest.raises(UnknownCurrency) as error:
        Rates().value_in_usd("donor@example.org", MONDAY)
    assert "donor" not in str(error.value)


@given(
    st.lists(st.integers(0, 1000), unique=True),
    st.integers(0, 1000),
)
def test_any_history_gives_the_last_before(hours: list[int], at_hour: int) -> None:
    rows = [Rate("EUR", Decimal(hour + 10), MONDAY + timedelta(hours=hour)) for hour in hours]
    before = [hour for hour in hours if hour < at_hour]
    found = Rates(rows).value_in_usd("EUR", MONDAY + timedelta(hours=at_hour))
    assert found == (Decimal(max(before) + 10) if before else static_value_in_usd("EUR"))
