"""The rules of refunds, on plain values."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.currencies.money import Money
from fundraising.crm.currencies.rates import Rate, Rates
from fundraising.crm.refunds import rules
from fundraising.crm.refunds.rules import Refund, Status
from queues.outcomes import Damaged

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GIFT = Decimal("100.00")

CENTS = st.decimals(min_value="0.01", max_value="250.00", places=2)
SOME = st.builds(
    Refund,
    status=st.sampled_from(sorted(rules.BY_KIND.values())),
    amount=CENTS,
    at=st.integers(0, 5).map(lambda day: NOON + timedelta(days=day)),
    refund_id=st.sampled_from(["a", "b", "c", "d"]),
)


def taken(
    amount: str = "100.00", day: int = 1, status: str = Status.REFUNDED, **ids: str
) -> Refund:
    return Refund(status=status, amount=Decimal(amount), at=NOON + timedelta(days=day), **ids)


def known_of(*told: Refund) -> set[Refund]:
    """What is known after these were told one after the other."""
    known: list[Refund] = []
    for one in told:
        before, after = rules.with_told(known, one)
        known = [*(refund for refund in known if refund is not before), after]
    return set(known)


@given(st.lists(SOME, max_size=6, unique_by=lambda refund: (refund.kind, refund.refund_id)), CENTS)
def test_what_is_kept_is_exact_in_both_currencies(told: list[Refund], usd: Decimal) -> None:
    books = rules.books(GIFT, usd, told)
    own, own_usd = (GIFT, usd) if books.turned is None else (Decimal(0), Decimal(0))
    left = GIFT - sum(refund.amount for refund in told)
    assert own + sum(entry.amount for entry in books.entries) == left
    worth = own_usd + sum(entry.usd for entry in books.entries)
    assert abs(worth - usd * left / GIFT) <= Decimal("0.005")
    assert not any(entry.amount == 0 for entry in books.entries)


@given(st.lists(SOME, max_size=6, unique_by=lambda refund: (refund.kind, refund.refund_id)))
def test_the_books_do_not_depend_on_the_order(told: list[Refund]) -> None:
    assert rules.books(GIFT, GIFT, told) == rules.books(GIFT, GIFT, told[::-1])


@given(st.data())
def test_what_is_known_does_not_depend_on_the_order(data: st.DataObject) -> None:
    told = data.draw(st.lists(SOME, max_size=5))
    assert known_of(*told) == known_of(*data.draw(st.permutations(told)))


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ([taken()], []),
        ([taken("30.00")], ["70.00"]),
        ([taken("110.00")], ["-10.00"]),
        ([taken("30.00", 1, refund_id="a"), taken("20.00", 2, refund_id="b")], ["70.00", "-20.00"]),
        ([taken(day=1), taken(day=2, status=Status.CHARGEBACK)], ["-100.00"]),
        ([taken(status=Status.REVERSAL)], ["-100.00"]),
    ],
)
def test_entries(told: list[Refund], kept: list[str]) -> None:
    entries = rules.books(GIFT, GIFT, told).entries
    assert [str(entry.amount) for entry in entries] == kept
    assert [entry.usd for entry in entries] == [entry.amount for entry in entries]


def test_the_first_by_date_gives_the_payment_its_status() -> None:
    first, second = taken(day=1, status=Status.CHARGEBACK), taken(day=2)
    for told in permutations([first, second]):
        books = rules.books(GIFT, GIFT, told)
        assert books.turned == first
        (entry,) = books.entries
        assert (entry.refund, entry.is_adjustment) == (second, False)


def test_a_reversal_leaves_the_payment_alone() -> None:
    assert rules.books(GIFT, GIFT, [taken(status=Status.REVERSAL)]).turned is None


def test_all_of_it_in_parts_leaves_nothing_in_usd() -> None:
    parts = [taken("33.33", day, refund_id=str(day)) for day in range(3)]
    rest = taken("0.01", 3, refund_id="3")
    books = rules.books(GIFT, Decimal("107.77"), [*parts, rest])
    assert sum(entry.usd for entry in books.entries) == 0


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (taken(refund_id="a"), taken(refund_id="a", day=3), True),
        (taken(refund_id="a"), taken(refund_id="b"), False),
        (taken(refund_id="a", amount="30"), taken(refund_id="a", amount="31"), True),
        (taken(refund_id="a"), taken(day=2), True),
        (taken(refund_id="a", amount="30"), taken(), False),
        (taken(), taken(day=2), True),
        (taken(refund_id="a", backend_reversal_id="x"), taken(backend_reversal_id="x"), True),
        (taken(refund_id="a", backend_reversal_id="x"), taken(backend_reversal_id="y"), False),
        (taken(), taken(status=Status.CHARGEBACK), False),
        (taken(status=Status.CANCELLED), taken(status=Status.CHARGEBACK), True),
        (taken(status=Status.CANCELLED), taken(refund_id="a"), True),
        (taken(status=Status.CANCELLED), taken(status=Status.REVERSAL), False),
    ],
)
def test_which_tell_of_one_refund(one: Refund, other: Refund, is_same: bool) -> None:
    assert len(known_of(one, other)) == (1 if is_same else 2)
    assert known_of(one, other) == known_of(other, one)


def test_two_tellings_make_one_whole() -> None:
    full = taken(day=3, refund_id="a", orchestrator_reversal_id="o")
    bare = taken(day=2)
    assert known_of(bare, full) == {taken(day=2, refund_id="a", orchestrator_reversal_id="o")}
    vague = taken(day=1, status=Status.CANCELLED)
    assert known_of(vague, full) == {full}


def test_more_than_what_is_left() -> None:
    parts = [taken("60.00", refund_id="a"), taken("50.00", refund_id="b")]
    with pytest.raises(Damaged) as caught:
        rules.require_left(GIFT, parts, Decimal(0))
    assert (caught.value.code, caught.value.field) == ("DATA_INCONSISTENT", "gross")
    rules.require_left(GIFT, parts, Decimal(10))
    rules.require_left(GIFT, [taken("150.00")], Decimal(0))


def test_an_alert_is_for_more_than_rates_explain() -> None:
    assert not taken("102.00").is_over(GIFT)
    assert taken("102.01").is_over(GIFT)


EURO = Rates([Rate("EUR", Decimal("1.08"), NOON - timedelta(days=1))])


@pytest.mark.parametrize(
    ("told", "amount"),
    [
        (Money(Decimal("30.004"), "EUR"), "30.00"),
        (Money(Decimal("108.00"), "USD"), "100.00"),
        (Money(Decimal("54.00"), "USD"), "50.00"),
    ],
)
def test_the_amount_in_the_currency_of_the_gift(told: Money, amount: str) -> None:
    assert rules.amount_of(told, Money(GIFT, "EUR"), NOON, EURO) == Decimal(amount)


@pytest.mark.parametrize(("gift", "told"), [("EUR", "CHF"), ("USD", "EUR"), ("XXX", "USD")])
def test_a_currency_that_cannot_be_compared(gift: str, told: str) -> None:
    with pytest.raises(Damaged) as caught:
        rules.amount_of(Money(GIFT, told), Money(GIFT, gift), NOON, EURO)
    assert (caught.value.code, caught.value.field) == ("INVALID_MESSAGE", "gross_currency")
