"""The first instalment of a subscription is the earliest, whichever came first."""

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fundraising.crm.models import Contribution, RecurringContribution, RecurringEvent
from fundraising.crm.recurring import history
from fundraising.tracking.models import ContributionTracking
from queues.models import OutboxMessage
from tests.crm.imports import (
    DATE,
    Message,
    contribution,
    donation,
    import_group,
    import_one,
    verdicts,
)
from tests.crm.subscriptions import DAY, relay
from tests.crm.test_donations_import import _kinds

pytestmark = pytest.mark.django_db

COLUMNS = (
    "financial_type",
    "no_thank_you",
    "gift_channel",
    "is_major_gift",
    "contribution_tracking_id",
)
WHEN = datetime.fromtimestamp(DATE, UTC)


def paypal(day: int, **fields: object) -> Message:
    """A payment of that day, large, and by a banner."""
    wallet = {"gateway": "paypal", "payment_method": "paypal", "payment_submethod": ""}
    gift = {"gross": "20000", "utm_medium": "sitenotice", "utm_source": "B_dsk_x..paypal"}
    told = {"recurring": "1", "subscr_id": "I-FIRST", "contribution_tracking_id": "300"}
    return donation(**{**wallet, **gift, **told, "date": DATE + day * DAY, **fields})


def books(messages: list[Message]) -> list[tuple[Any, ...]]:
    rows = [contribution(message) for message in messages]
    return [tuple(getattr(row, name) for name in COLUMNS) for row in rows]


FIRST = ("Recurring Gift", "", "Desktop Banner", True, 300)
LATER = ("Recurring Gift - Cash", "recurring", "Recurring Gift", False, 300)


@pytest.mark.parametrize("in_one_group", [True, False])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_earliest_is_the_first_in_any_order(order: tuple[int, ...], in_one_group: bool) -> None:
    messages = [paypal(day) for day in range(3)]
    arriving = [messages[at] for at in order]
    if in_one_group:
        assert verdicts(import_group(*arriving)) == ["", "", ""]
    else:
        for message in arriving:
            import_one(message)
    assert books(messages) == [FIRST, LATER, LATER]
    record = RecurringContribution.objects.get()
    assert (record.start_date, record.cycle_day) == (WHEN, WHEN.day)
    relay()
    visit = ContributionTracking.objects.get()
    assert (visit.contribution_id, visit.link_conflicts) == (contribution(messages[0]).pk, 0)


def test_of_one_moment_the_payments_id_decides() -> None:
    messages = [paypal(0, gateway_txn_id=name) for name in ("A", "B")]
    for message in reversed(messages):
        import_one(message)
    assert books(messages) == [FIRST, LATER]


@pytest.mark.parametrize("arrives_first", [0, 1])
def test_what_a_message_says_itself_stands(arrives_first: int) -> None:
    said = {
        "no_thank_you": "by request",
        "financial_type_id": "Recurring Gift",
        "Gift_Data.Channel": "Phone",
    }
    messages = [paypal(0), paypal(1, **said)]
    import_one(messages[arrives_first])
    import_one(messages[1 - arrives_first])
    assert books(messages) == [FIRST, ("Recurring Gift", "by request", "Phone", False, 300)]


@pytest.mark.parametrize("arrives_first", [0, 1])
def test_yearly_instalments_are_thanked_for(arrives_first: int) -> None:
    messages = [paypal(0, frequency_unit="year"), paypal(365)]
    import_one(messages[arrives_first])
    import_one(messages[1 - arrives_first])
    assert [row[1] for row in books(messages)] == ["", ""]
    assert RecurringContribution.objects.get().frequency_unit == "year"


@pytest.mark.parametrize("is_told_first", [True, False])
def test_instalments_are_thanked_for_from_the_day_they_come_yearly(is_told_first: bool) -> None:
    messages = [paypal(day) for day in (0, 30, 60)]
    import_one(messages[0])
    record = RecurringContribution.objects.get()

    def tell() -> None:
        at = WHEN + timedelta(days=45)
        kind = RecurringEvent.Kind.ANNUAL
        history.add([history.event(record, kind, at, queue="q", message_id="1", amount=99)])

    if is_told_first:
        tell()
    import_group(*messages[1:])
    if not is_told_first:
        tell()
    assert [row[1] for row in books(messages)] == ["", "recurring", ""]


def test_an_endowment_gift_stays_one() -> None:
    messages = [paypal(0), paypal(1, utm_medium="endowment")]
    for message in reversed(messages):
        import_one(message)
    assert contribution(messages[1]).financial_type == "Endowment Gift"


def test_a_reversal_is_no_instalment() -> None:
    first, second = paypal(1), paypal(2)
    reversal = paypal(0, type="chargeback_reversed", gateway_txn_id="REV")
    import_group(first, second)
    import_one(reversal)
    assert books([first, second]) == [FIRST, LATER]


def test_instalments_of_the_day_before_events_step_back_too() -> None:
    import_one(paypal(1))
    RecurringEvent.objects.all().delete()
    row = Contribution.objects.get()
    record = RecurringContribution.objects.get()
    created = {"amount": record.amount, "currency": record.currency}
    kind = RecurringEvent.Kind.CREATED
    history.add([history.event(record, kind, WHEN, queue="", message_id="", **created)])
    earlier = paypal(0)
    import_one(earlier)
    row.refresh_from_db()
    assert [getattr(row, name) for name in COLUMNS] == list(LATER)


def test_a_hundred_instalments_cost_as_many_queries_as_one() -> None:
    late = [paypal(1, subscr_id=f"I-{number}", email="") for number in range(101)]
    import_group(*late)
    early = [
        {**message, "date": DATE, "gateway_txn_id": f"E{at}", "order_id": f"{at}.8"}
        for at, message in enumerate(late)
    ]
    with CaptureQueriesContext(connection) as one:
        assert verdicts([import_one(early[0])]) == [""]
    with CaptureQueriesContext(connection) as hundred:
        assert set(verdicts(import_group(*early[1:]))) == {""}
    # SQLite takes 999 parameters a statement, so it writes in parts: those count once.
    assert _kinds(hundred) == _kinds(one)
    assert len(one) <= 30


def test_donations_of_no_subscription_pay_nothing_for_it() -> None:
    with CaptureQueriesContext(connection) as queries:
        import_one(donation())
    assert not [query for query in queries.captured_queries if "recurring" in query["sql"]]
    assert [json.loads(bytes(row.body))["id"] for row in OutboxMessage.objects.all()]
