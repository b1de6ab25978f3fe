"""Whatever order messages of a subscription come in, and however often, they end the same.

Through the consumers themselves: ``recurring``, ``donations`` and ``contribution-tracking``,
with what they push on relayed and what is parked tried again.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import models, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from fundraising.crm.models import (
    Activity,
    Address,
    Contact,
    Contribution,
    Email,
    RecurringContribution,
    RecurringEvent,
)
from fundraising.tracking.models import ContributionTracking
from queues.models import OutboxMessage
from tests.crm.imports import DATE, Message
from tests.crm.subscriptions import (
    ADDRESS,
    DAY,
    cancel,
    failed,
    payment,
    relay,
    signup,
    tell,
    tell_all,
)

pytestmark = pytest.mark.django_db

# Numbers, secrets, times of import, and which of two twins came first.
_ARBITRARY = {"id", "hash", "created_at", "modified_at", "message_id"}
_ARRIVAL = {"source_enqueued_time", "source_run_id", "source_host"}
_NAMES = {
    "contact": "display_name",
    "contribution_recur": "trxn_id",
    "recurring": "trxn_id",
    "contribution": "gateway_txn_id",
    "payment_token": "token",
}

GATEWAYS = st.sampled_from(["paypal", "paypal_ec"])
DAYS = st.integers(0, 4)


@st.composite
def stories(draw: st.DrawFn) -> list[Message]:
    """A signup, two payments, a failure and an end, on any days."""
    address = draw(st.sampled_from([{}, ADDRESS]))

    def fields(**others: Any) -> dict[str, Any]:
        return {"gateway": draw(GATEWAYS), **others}

    begun = DATE + draw(DAYS) * DAY
    dates = {"date": begun, "start_date": begun, "create_date": begun}
    unit = draw(st.sampled_from(["month", "year"]))
    return [
        signup(**fields(frequency_unit=unit, **dates, **address)),
        payment(draw(DAYS), **fields(gateway_txn_id="A", order_id="4100.1")),
        payment(draw(DAYS), **fields(gateway_txn_id="B", order_id="4100.2", gross="150")),
        failed(draw(DAYS), **fields()),
        cancel(draw(DAYS), **fields(cancel_reason="enough")),
    ]


def content(model: type[models.Model], **wanted: Any) -> list[tuple[tuple[str, Any], ...]]:
    """All rows of a table, by natural keys."""
    names = {
        f"{field.name}__{_NAMES[field.name]}" if field.name in _NAMES else field.name
        for field in model._meta.concrete_fields
        if field.name not in _ARBITRARY | _ARRIVAL
    }
    rows = model._default_manager.filter(**wanted).values(*names)
    return sorted((tuple(sorted((name, row[name]) for name in names)) for row in rows), key=str)


def everything() -> dict[str, Any]:
    tables = (
        Contact,
        Email,
        Address,
        RecurringContribution,
        RecurringEvent,
        Contribution,
        ContributionTracking,
    )
    found: dict[str, Any] = {model.__name__: content(model) for model in tables}
    activities = Activity.objects.order_by("activity_type", "activity_date", "subject")
    found["Activity"] = list(
        activities.values_list("activity_type", "activity_date", "subject", "details", "status")
    )
    return found


def outcome_of(messages: Sequence[Message]) -> dict[str, Any]:
    """What is in the database after messages that came in this order."""
    with transaction.atomic():
        assert tell_all(messages) == []
        assert not OutboxMessage.objects.exists()
        found = everything()
        transaction.set_rollback(True)
    return found


@settings(max_examples=15)
@given(stories(), st.data())
def test_no_order_and_no_repetition_changes_the_end(
    story: list[Message], data: st.DataObject
) -> None:
    expected = outcome_of(story)
    assert len(expected["RecurringContribution"]) == len(expected["Contact"]) == 1
    assert len(expected["Contribution"]) == 2
    again = data.draw(st.lists(st.sampled_from(story), max_size=2))
    assert outcome_of(data.draw(st.permutations(story + again))) == expected


@settings(max_examples=15)
@given(stories(), st.data())
def test_nor_which_of_two_twins_came_first(story: list[Message], data: st.DataObject) -> None:
    twins = [{**data.draw(st.sampled_from(story)), "comment": "told again"} for _ in range(2)]
    whole = story + twins
    assert outcome_of(data.draw(st.permutations(whole))) == outcome_of(whole)


def test_a_subscription_that_only_a_signup_can_begin_waits_for_it() -> None:
    old = {"subscr_id": "S-OLD"}
    story = [cancel(4, **old), payment(2, **old), failed(1, **old), payment(1, **old)]
    expected = outcome_of([signup(**old), *reversed(story)])
    assert outcome_of([*story, signup(**old)]) == expected


def recorded() -> list[Message]:
    """Messages in the shapes and the order in which PayPal's listener pushes them."""
    lines = (Path(__file__).parent / "fixtures" / "recurring.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def test_recorded_shapes_are_all_imported() -> None:
    messages = recorded()
    found = outcome_of(messages)
    subscriptions = {str(message["subscr_id"]) for message in messages}
    assert len(found["RecurringContribution"]) == len(found["Contact"]) == len(subscriptions) == 6
    assert len(found["Contribution"]) == 6
    assert len(found["RecurringEvent"]) == len(messages)


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_recorded_shapes_end_the_same_in_any_order(seed: int | None) -> None:
    messages = recorded()
    again = list(reversed(messages))
    if seed is not None:
        Random(seed).shuffle(again)
    assert outcome_of(again) == outcome_of(messages)


def test_a_group_ends_as_its_messages_one_by_one() -> None:
    messages = recorded()
    expected = outcome_of(messages)
    with transaction.atomic():
        # Those whose predecessor stands behind them wait for another turn.
        waits = [item.body for item in tell(*messages) if item.verdict is not None]
        assert waits
        relay()
        assert tell_all(waits) == []
        assert everything() == expected
        transaction.set_rollback(True)
