"""Whatever order the messages of a gift come in, and however often: the same books."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundraising.crm.models import Activity, Contribution
from fundraising.crm.refunds.adjustments import kept
from tests.crm.consuming import DAY, Told, again, bring_in, failure, refund, snapshot
from tests.crm.imports import DATE, Message, contribution, donation

pytestmark = pytest.mark.django_db

TYPES = ("refund", "chargeback", "reversal")
GIFT: Message = donation(gross="100.00")

# So many of one kind that together they are not more than the gift.
PARTS = st.lists(st.integers(1, 5_000), min_size=1, max_size=2)


@st.composite
def events(draw: st.DrawFn) -> list[Message]:
    """What happened to the gift: refunds of several kinds, in part or whole, each with an id.

    And what came back of them after all.
    """
    found = []
    for kind in draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True)):
        amounts = draw(PARTS | st.just([10_000]))
        for number, cents in enumerate(amounts):
            found.append(
                refund(
                    GIFT,
                    type=kind,
                    gross=str(Decimal(cents) / 100),
                    gateway_refund_id=f"{kind}-{number}",
                    date=DATE + draw(st.integers(1, 4)) * DAY,
                    reason=draw(st.sampled_from(["", "why", "because"])),
                )
            )
    given = draw(st.lists(st.sampled_from(TYPES), max_size=2, unique=True))
    back = {"gross": "7.77", "date": DATE + 5 * DAY}
    return found + [refund(GIFT, type=f"{kind}_reversed", **back) for kind in given]


@st.composite
def tellings(draw: st.DrawFn) -> list[Told]:
    """The donation, each event by one message or by two, and sometimes a failure as well."""
    told: list[Told] = [("donations", GIFT)]
    for event in draw(events()):
        told.append(("refund", event))
        if draw(st.booleans()):
            other = again(event, date=DATE + draw(st.integers(1, 4)) * DAY)
            told.append(("refund", other))
    taken = [message for queue, message in told if message.get("type") in TYPES]
    if all(message["gross"] == "100" for message in taken):
        # Settlement files that know no id, and a bank that only says that it failed.
        told.append(("refund", again(draw(st.sampled_from(taken)), gateway_refund_id="")))
        if any(message["type"] != "reversal" for message in taken):
            told.append(("donations-modify", failure(GIFT)))
    return told


def outcome(order: list[Told]) -> list[Any]:
    with transaction.atomic():
        codes = bring_in(order)
        assert set(codes) <= {"DUPLICATE_CONTRIBUTION"}
        payment = contribution(GIFT)
        end = [
            snapshot(Contribution.objects.all(), ["contact_id"]),
            snapshot(Activity.objects.all(), ["contact_id", "source_record_id"]),
            kept(payment),
        ]
        transaction.set_rollback(True)
    return end


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_order_ends_in_the_same_books(data: st.DataObject) -> None:
    told = data.draw(tellings())
    first = outcome(told)
    assert outcome(data.draw(st.permutations(told))) == first
    events = {
        (message["type"], message["gateway_refund_id"]): Decimal(message["gross"])
        for queue, message in told
        if queue == "refund" and message["gateway_refund_id"]
    }
    left = Decimal(100) - sum(
        -gross if kind.endswith("_reversed") else gross for (kind, _), gross in events.items()
    )
    amount, usd = first[-1]
    assert (amount.amount, usd) == (left, left)
