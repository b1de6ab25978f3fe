"""The state of a recurring contribution, folded from what was told of it.

A plain function of a set of events: whatever order they came in, and however often, the
state is the same. Rules: domain sections 3.2 (5), 3.4, 3.9 and 8.5.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from fundraising.crm import schedule
from fundraising.crm.models import RecurringContribution, RecurringEvent

Kind = RecurringEvent.Kind
Status = RecurringContribution.Status

ENDED = frozenset({Status.CANCELLED, Status.FAILED, Status.COMPLETED})
_MAY_FAIL = frozenset({Status.PENDING, Status.IN_PROGRESS, Status.PROCESSING, Status.OVERDUE})
_BEGINNINGS = (Kind.SIGNUP, Kind.CREATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that was told. ``key`` tells events of one moment apart, the same always.

    What a kind of event tells besides: *signup* and *created* the agreement (amount,
    currency, frequency_unit, frequency_interval, start_date, create_date, cycle_day,
    next_date); *payment* whether it ``revives`` and ``imported_at``; *failed* ``retry_at``
    and ``next_date``; *cancelled* ``status`` and ``reason``; *amount* and *annual* the new
    amount (*annual* also ``next_date``); *paused* ``days``.
    """

    kind: Kind
    at: datetime
    key: str
    amount: Decimal | None = None
    currency: str = ""
    frequency_unit: str = ""
    frequency_interval: int = 1
    installments: int = 0
    start_date: datetime | None = None
    create_date: datetime | None = None
    cycle_day: int | None = None
    next_date: datetime | None = None
    revives: bool = False
    imported_at: datetime | None = None
    retry_at: datetime | None = None
    status: str = ""
    reason: str = ""
    days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The columns of a recurring contribution that its events decide."""

    amount: Decimal
    currency: str
    frequency_unit: str
    frequency_interval: int
    installments: int
    start_date: datetime
    create_date: datetime
    cycle_day: int
    next_sched_contribution_date: datetime | None
    status: str = Status.PENDING
    cancel_date: datetime | None = None
    end_date: datetime | None = None
    cancel_reason: str = ""
    failure_count: int = 0
    failure_retry_date: datetime | None = None


def fold(events: Iterable[Event]) -> State:
    """The state after these events. Raises ValueError without one that begins it."""
    ordered = sorted(events, key=lambda event: (event.at, event.key, event.kind))
    state = _begin(ordered)
    for event in ordered:
        state = _after(state, event)
    return state


def _begin(ordered: Iterable[Event]) -> State:
    """What was agreed: as the donor signed up, else as the first payment shows it."""
    beginnings = [event for event in ordered if event.kind in _BEGINNINGS]
    if not beginnings:
        raise ValueError("no event begins the recurring contribution")
    first = min(beginnings, key=lambda event: _BEGINNINGS.index(event.kind))
    return State(
        amount=first.amount or Decimal(0),
        currency=first.currency,
        frequency_unit=first.frequency_unit or "month",
        frequency_interval=first.frequency_interval,
        installments=first.installments,
        start_date=first.start_date or first.at,
        create_date=first.create_date or first.at,
        cycle_day=first.cycle_day or schedule.cycle_day(first.start_date or first.at),
        next_sched_contribution_date=first.next_date,
    )


def _after(state: State, event: Event) -> State:
    match event.kind:
        case Kind.PAYMENT:
            return _paid(state, event) if event.revives else state
        case Kind.FAILED:
            return _failed(state, event)
        case Kind.CANCELLED:
            return _cancelled(state, event)
        case Kind.AMOUNT:
            return replace(state, amount=event.amount or state.amount)
        case Kind.ANNUAL:
            return replace(
                state,
                amount=event.amount or state.amount,
                frequency_unit="year",
                next_sched_contribution_date=event.next_date,
            )
        case Kind.PAUSED:
            next_date = state.next_sched_contribution_date or event.at
            return replace(
                state, next_sched_contribution_date=next_date + timedelta(days=event.days)
            )
        case _:
            return state


def _paid(state: State, event: Event) -> State:
    """In progress again, whatever was said before it."""
    return replace(
        state,
        status=Status.IN_PROGRESS,
        cancel_date=None,
        end_date=None,
        cancel_reason="",
        next_sched_contribution_date=schedule.next_date(
            event.imported_at or event.at,
            unit=state.frequency_unit,
            interval=state.frequency_interval,
            cycle_day=state.cycle_day,
        ),
    )


def _failed(state: State, event: Event) -> State:
    if state.status in ENDED:
        return state
    return replace(
        state,
        failure_count=state.failure_count + 1,
        failure_retry_date=event.retry_at or state.failure_retry_date,
        next_sched_contribution_date=event.next_date or state.next_sched_contribution_date,
        status=Status.FAILING if state.status in _MAY_FAIL else state.status,
    )


def _cancelled(state: State, event: Event) -> State:
    """The first end stands."""
    if state.status in ENDED:
        return state
    return replace(
        state,
        status=event.status or Status.CANCELLED,
        cancel_date=event.at,
        end_date=event.at,
        cancel_reason=event.reason,
    )
