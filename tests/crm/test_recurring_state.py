"""The state of a recurring contribution: a fold that no order and no repetition changes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.recurring.state import Event, Kind, Status, ends, fold, frequency_at

START = datetime(2026, 1, 31, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def event(kind: Kind, day: float = 0, key: str = "q 1", **told: Any) -> Event:
    return Event(kind=kind, at=START + day * DAY, key=key, **told)


def signup(day: float = 0, **told: Any) -> Event:
    terms = {"amount": Decimal(10), "currency": "EUR", "frequency_unit": "month"}
    return event(Kind.SIGNUP, day, **{**terms, "next_date": START, **told})


def payment(day: float, **told: Any) -> Event:
    return event(Kind.PAYMENT, day, **{"revives": True, "self_scheduled": True, **told})


def cancel(day: float, **told: Any) -> Event:
    return event(Kind.CANCELLED, day, **told)


def test_a_signup_is_pending_and_is_charged_from_its_start() -> None:
    state = fold([signup(start_date=START + DAY)])
    assert (state.status, state.amount, state.currency) == (Status.PENDING, Decimal(10), "EUR")
    assert (state.start_date, state.create_date, state.cycle_day) == (START + DAY, START, 1)
    assert state.next_sched_contribution_date == START


def test_a_signup_tells_the_terms_better_than_an_earlier_payment() -> None:
    paid = payment(-3, amount=Decimal(9), currency="USD", gateway="paypal", original_country="DE")
    state = fold([paid, signup(gateway="paypal_ec", frequency_unit="year")])
    assert (state.amount, state.gateway) == (Decimal(10), "paypal_ec")
    assert (state.frequency_unit, state.start_date) == ("year", START)
    assert state.original_country == "DE"  # which the signup does not tell


def test_of_several_payments_the_earliest_tells_the_terms() -> None:
    later = payment(5, key="q a", amount=Decimal(7), currency="EUR")
    first = payment(2, key="q b", amount=Decimal(6), currency="EUR")
    state = fold([later, first])
    assert (state.amount, state.start_date, state.message_id) == (Decimal(6), first.at, "b")


def test_nothing_without_a_beginning() -> None:
    with pytest.raises(ValueError, match="no event begins"):
        fold([payment(1), cancel(2)])


@pytest.mark.parametrize(
    ("paid", "expected"), [(1, Status.CANCELLED), (2, Status.CANCELLED), (3, Status.IN_PROGRESS)]
)
def test_a_payment_revives_what_ended_before_it(paid: float, expected: str) -> None:
    state = fold([signup(), cancel(2, reason="gone"), payment(paid)])
    ended = START + 2 * DAY if expected == Status.CANCELLED else None
    assert (state.status, state.cancel_date, state.end_date) == (expected, ended, ended)
    assert state.cancel_reason == ("gone" if ended else "")


def test_our_own_charging_keeps_the_state() -> None:
    assert fold([signup(), payment(1, revives=False)]) == fold([signup()])


def test_the_next_charge_follows_from_when_the_payment_came_to_light() -> None:
    late = datetime(2026, 4, 2, tzinfo=UTC)
    state = fold([signup(cycle_day=31), payment(1, imported_at=late)])
    assert state.next_sched_contribution_date == datetime(2026, 4, 30, tzinfo=UTC)


def test_a_rescued_payment_leaves_the_schedule() -> None:
    state = fold([signup(), event(Kind.FAILED, 1), payment(2, self_scheduled=False)])
    assert (state.status, state.next_sched_contribution_date) == (Status.IN_PROGRESS, START)


def test_the_first_end_stands() -> None:
    events = [signup(), cancel(3, key="q 3", reason="later"), cancel(2, key="q 2", reason="first")]
    state = fold(events)
    assert (state.cancel_reason, state.cancel_date) == ("first", START + 2 * DAY)
    assert [end.key for end in ends(events)] == ["q 2"]


def test_an_end_after_a_revival_is_an_end_too() -> None:
    events = [signup(), cancel(2, key="q 2"), payment(3), cancel(4, key="q 4")]
    assert [end.key for end in ends(events)] == ["q 2", "q 4"]


def test_failures_count_until_the_end() -> None:
    retry_at = START + 9 * DAY
    failures = [
        event(Kind.FAILED, 1, retry_at=retry_at),
        event(Kind.FAILED, 2, next_date=START + 5 * DAY),
        event(Kind.FAILED, 7),
    ]
    state = fold([signup(), *failures, cancel(6, status=Status.FAILED)])
    assert (state.status, state.failure_count) == (Status.FAILED, 2)
    assert (state.failure_retry_date, state.next_sched_contribution_date) == (
        retry_at,
        START + 5 * DAY,
    )
    assert fold([signup(), *failures]).status == Status.FAILING


def test_one_failure_told_twice_counts_once() -> None:
    twice = [event(Kind.FAILED, 1, key="q a"), event(Kind.FAILED, 1, key="q b")]
    assert fold([signup(), *twice]).failure_count == 1


def test_changes_apply_in_their_order() -> None:
    events = [
        signup(),
        event(Kind.AMOUNT, 2, amount=Decimal(20)),
        event(Kind.AMOUNT, 1, amount=Decimal(15)),
        event(Kind.ANNUAL, 4, amount=Decimal(99), next_date=START + 30 * DAY),
        event(Kind.PAUSED, 5, days=10),
        event(Kind.EXPIRED, 6),
    ]
    assert fold(events[:3]).amount == Decimal(20)
    state = fold(events)
    assert (state.amount, state.frequency_unit) == (Decimal(99), "year")
    assert state.next_sched_contribution_date == START + 40 * DAY
    assert [frequency_at(events, START + day * DAY) for day in (3, 4)] == ["month", "year"]


def test_a_change_without_a_date_keeps_the_next_charge() -> None:
    state = fold([signup(), event(Kind.ANNUAL, 1, amount=Decimal(99))])
    assert state.next_sched_contribution_date == START


def test_a_record_from_before_there_were_events_is_as_it_was() -> None:
    created = signup(status=Status.FAILING, failure_count=2, retry_at=START + DAY)
    state = fold([event(Kind.CREATED, **_without_place(created))])
    assert (state.status, state.failure_count, state.failure_retry_date) == (
        Status.FAILING,
        2,
        START + DAY,
    )


def _without_place(told: Event) -> dict[str, Any]:
    names = [name for name in Event.__slots__ if name not in ("kind", "at", "key")]
    return {name: getattr(told, name) for name in names}


MOMENTS = st.sampled_from([0.0, 0.5, 1.0, 2.0])
KEYS = st.sampled_from(["donations 1", "donations 2", "recurring 1", "recurring-modify 3"])
AMOUNTS = st.sampled_from([None, Decimal(5), Decimal(7)])
DATES = st.sampled_from([None, START, START + 40 * DAY])
ENDS = st.builds(
    event,
    st.just(Kind.CANCELLED),
    MOMENTS,
    KEYS,
    status=st.sampled_from(["", Status.CANCELLED, Status.FAILED]),
    reason=st.sampled_from(["", "a", "b"]),
)
OTHERS = st.builds(
    event,
    st.sampled_from([kind for kind in Kind if kind != Kind.CANCELLED]),
    MOMENTS,
    KEYS,
    amount=AMOUNTS,
    frequency_unit=st.sampled_from(["", "month", "year"]),
    gateway=st.sampled_from(["", "paypal", "paypal_ec"]),
    next_date=DATES,
    retry_at=DATES,
    imported_at=DATES,
    revives=st.booleans(),
    self_scheduled=st.booleans(),
    days=st.sampled_from([0, 30]),
)


@given(st.lists(ENDS | OTHERS, max_size=8, unique_by=lambda item: (item.kind, item.key)), st.data())
def test_no_order_and_no_repetition_of_events_changes_the_state(
    told: list[Event], data: st.DataObject
) -> None:
    events = [signup(), *told]
    state = fold(events)
    again = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events)))))
    distinct = list({(item.kind, item.key): item for item in again}.values())
    assert fold(distinct) == state
    assert list(ends(distinct)) == list(ends(events))
    assert (state.cancel_date is None) == (state.status not in _ENDED)


_ENDED = {Status.CANCELLED, Status.FAILED, Status.COMPLETED}
