"""The state of a recurring contribution, folded from what was told of it.

A plain function of a set of events: whatever order they came in, and however often, the
state is the same. Rules: domain sections 3.2 (5), 3.4, 3.9 and 8.5.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from fundraising.crm.models import RecurringContribution, RecurringEvent
from fundraising.crm.recurring import retries, schedule

Kind = RecurringEvent.Kind
Status = RecurringContribution.Status

ENDED = frozenset({Status.CANCELLED, Status.FAILED, Status.COMPLETED})
_MAY_FAIL = frozenset({Status.PENDING, Status.IN_PROGRESS, Status.PROCESSING, Status.OVERDUE})
# What was agreed: as the donor signed up, else as the first payment shows it.
_BEGINNINGS = (Kind.SIGNUP, Kind.CREATED, Kind.PAYMENT)
# Of one moment: a payment, then what changes the next one; an end comes last and stands.
_RANK = {
    kind: rank
    for rank, kind in enumerate(
        (
            *_BEGINNINGS,
            Kind.AMOUNT,
            Kind.ANNUAL,
            Kind.PAUSED,
            Kind.FAILED,
            Kind.CANCELLED,
            Kind.EXPIRED,
        )
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that was told. ``key`` (queue and message_id) tells events of one moment apart.

    What a kind of event tells besides: *signup*, *created* and a *payment* that may have
    begun the agreement: its terms (``amount`` to ``original_country``, ``next_date``);
    *payment*: whether it ``revives``, whether the next one follows by itself
    (``self_scheduled``), and what the message said of its own rank among the instalments
    (``financial_type``, ``channel``, ``no_thank_you``); *failed*: ``retry_at``,
    ``next_date``, or the ``cadence`` by which that follows and whether it ``is_final``;
    *cancelled*: ``status``, ``reason``; *amount* and *annual*: the new amount (*annual* also
    ``next_date``); *paused*: ``days``. ``imported_at`` is when the event was written.
    """

    kind: Kind
    at: datetime
    key: str
    imported_at: datetime | None = None
    amount: Decimal | None = None
    currency: str = ""
    frequency_unit: str = ""
    frequency_interval: int = 1
    installments: int = 0
    start_date: datetime | None = None
    create_date: datetime | None = None
    cycle_day: int | None = None
    gateway: str = ""
    payment_instrument: str = ""
    processor_contact_id: str = ""
    initial_scheme_transaction_id: str = ""
    payment_service_id: str = ""
    original_country: str = ""
    next_date: datetime | None = None
    failure_count: int = 0
    revives: bool = False
    self_scheduled: bool = False
    financial_type: str = ""
    channel: str = ""
    no_thank_you: str = ""
    retry_at: datetime | None = None
    cadence: str = ""
    is_final: bool = False
    status: str = ""
    reason: str = ""
    days: int = 0

    @property
    def order(self) -> tuple[datetime, int, str]:
        """Its place among the events of its recurring contribution."""
        return self.at, _RANK[self.kind], self.key

    @property
    def message_id(self) -> str:
        """The message that told it."""
        return self.key.partition(" ")[2]

    @property
    def tells_terms(self) -> bool:
        """Whether it says what was agreed."""
        return self.kind in (Kind.SIGNUP, Kind.CREATED) or (
            self.kind == Kind.PAYMENT and self.amount is not None
        )


# Columns that stay as they are when no event says anything of them.
KEPT_WHEN_UNTOLD = (
    "message_id",
    "gateway",
    "payment_instrument",
    "processor_contact_id",
    "initial_scheme_transaction_id",
    "payment_service_id",
    "original_country",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The columns of a recurring contribution that its events decide."""

    message_id: str
    amount: Decimal
    currency: str
    frequency_unit: str
    frequency_interval: int
    installments: int
    start_date: datetime
    create_date: datetime
    cycle_day: int
    gateway: str
    payment_instrument: str
    processor_contact_id: str
    initial_scheme_transaction_id: str
    payment_service_id: str
    original_country: str
    next_sched_contribution_date: datetime | None
    status: str
    cancel_date: datetime | None = None
    end_date: datetime | None = None
    cancel_reason: str = ""
    failure_count: int = 0
    failure_retry_date: datetime | None = None


def fold(events: Iterable[Event]) -> State:
    """The state after these events. Raises ValueError without one that begins it."""
    ordered = _ordered(events)
    state = _begin(ordered)
    for event in ordered:
        state = _after(state, event)
    return state


def ends(events: Iterable[Event]) -> Iterator[Event]:
    """The cancellations that ended it, as opposed to those of what had ended before.

    More than one if it was revived in between.
    """
    ordered = _ordered(events)
    state = _begin(ordered)
    for event in ordered:
        before, state = state, _after(state, event)
        if event.kind == Kind.CANCELLED and before.status not in ENDED:
            yield event


def frequency_at(events: Iterable[Event], moment: datetime) -> str:
    """``month`` or ``year``: how often was given at that moment."""
    ordered = _ordered(events)
    if any(event.kind == Kind.ANNUAL and event.at <= moment for event in ordered):
        return "year"
    return _begin(ordered).frequency_unit


def _ordered(events: Iterable[Event]) -> list[Event]:
    """In their order; one failure that two messages told of counts once."""
    ordered: list[Event] = []
    failed_at: set[datetime] = set()
    for event in sorted(events, key=lambda event: event.order):
        if event.kind == Kind.FAILED:
            if event.at in failed_at:
                continue
            failed_at.add(event.at)
        ordered.append(event)
    return ordered


def _begin(ordered: Iterable[Event]) -> State:
    beginnings = sorted(
        (event for event in ordered if event.tells_terms), key=lambda event: _RANK[event.kind]
    )
    if not beginnings:
        raise ValueError("no event begins the recurring contribution")
    first = beginnings[0]
    start = first.start_date or first.at
    names: dict[str, Any] = {name: _first(beginnings, name) for name in KEPT_WHEN_UNTOLD}
    return State(
        **names,
        amount=first.amount or Decimal(0),
        currency=first.currency,
        frequency_unit=first.frequency_unit or "month",
        frequency_interval=first.frequency_interval,
        installments=first.installments,
        start_date=start,
        create_date=first.create_date or first.at,
        cycle_day=first.cycle_day or schedule.cycle_day(start),
        next_sched_contribution_date=first.next_date,
        status=first.status or Status.PENDING,
        failure_count=first.failure_count,
        failure_retry_date=first.retry_at,
    )


def _first(beginnings: Sequence[Event], name: str) -> str:
    """What the best source that says anything says."""
    return next((text for event in beginnings if (text := str(getattr(event, name)))), "")


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
                next_sched_contribution_date=event.next_date or state.next_sched_contribution_date,
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
    state = replace(
        state, status=Status.IN_PROGRESS, cancel_date=None, end_date=None, cancel_reason=""
    )
    if not event.self_scheduled:
        return state
    return replace(
        state,
        next_sched_contribution_date=schedule.next_date(
            # A payment that comes to light late is followed by one that is still to come.
            event.imported_at or event.at,
            unit=state.frequency_unit,
            interval=state.frequency_interval,
            cycle_day=state.cycle_day,
        ),
    )


def _failed(state: State, event: Event) -> State:
    if state.status in ENDED:
        return state
    count = state.failure_count + 1
    retry_at, next_date = event.retry_at, event.next_date
    if event.cadence:
        reason = retries.reason_to_end(count, event.cadence, is_final=event.is_final)
        if reason:
            return replace(_ended(state, event, Status.FAILED, reason), failure_count=count)
        retry_at = next_date = retries.next_try(count, event.at, event.cadence)
    return replace(
        state,
        failure_count=count,
        failure_retry_date=retry_at or state.failure_retry_date,
        next_sched_contribution_date=next_date or state.next_sched_contribution_date,
        status=Status.FAILING if state.status in _MAY_FAIL else state.status,
    )


def _cancelled(state: State, event: Event) -> State:
    """The first end stands."""
    if state.status in ENDED:
        return state
    return _ended(state, event, event.status or Status.CANCELLED, event.reason)


def _ended(state: State, event: Event, status: str, reason: str) -> State:
    return replace(
        state, status=status, cancel_date=event.at, end_date=event.at, cancel_reason=reason
    )
