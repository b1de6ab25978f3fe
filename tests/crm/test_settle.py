"""The ``settle`` queue."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from django.db import transaction

from fundraising.crm.models import Contribution, ExchangeRate
from fundraising.crm.refunds.adjustments import kept
from tests.crm.consuming import Told, bring_in, consume, judge, refund, snapshot
from tests.crm.imports import DATE, Message, contribution, donation, import_one

pytestmark = pytest.mark.django_db

SETTLED = datetime(2025, 10, 9, tzinfo=UTC)


@pytest.fixture
def gift() -> Contribution:
    """A gift of 10 USD."""
    message = donation(gross="10.00")
    import_one(message)
    return contribution(message)


def settlement(gift: Contribution, **fields: object) -> Message:
    return {
        "contribution_id": gift.pk,
        "settled_date": "2025-10-09 00:00:00 UTC",
        "settled_currency": "USD",
        "settlement_batch_reference": "adyen_1234_USD",
        "settled_total_amount": "10.00",
        "settled_fee_amount": "-0.31",
        **fields,
    }


def test_a_donation_is_settled(gift: Contribution) -> None:
    assert consume("settle", settlement(gift, settled_currency="")) == [""]
    gift.refresh_from_db()
    assert (gift.settlement_date, gift.settlement_currency) == (SETTLED, "USD")
    assert (gift.total_amount, gift.fee_amount) == (Decimal("10.00"), Decimal("0.31"))
    assert gift.net_amount == Decimal("9.69")
    assert gift.settlement_batch_reference == "adyen_1234_USD"


def test_a_reversal_has_columns_of_its_own(gift: Contribution) -> None:
    reversal = settlement(gift, settled_total_amount="-10.00", settled_fee_amount="-5.00")
    assert consume("settle", settlement(gift), reversal) == ["", ""]
    gift.refresh_from_db()
    assert (gift.settled_reversal_amount, gift.settled_fee_reversal_amount) == (-10, -5)
    assert (gift.settled_donation_amount, gift.total_amount) == (10, 10)


def test_a_contribution_that_is_not_there_is_waited_for(gift: Contribution) -> None:
    verdict = judge("settle", settlement(gift, contribution_id=gift.pk + 1))
    assert verdict is not None
    assert (verdict.outcome, verdict.code) == ("park", "MISSING_PREDECESSOR")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"contribution_id": None}, "contribution_id"),
        ({"contribution_id": "abc"}, "contribution_id"),
        ({"settled_date": ""}, "settled_date"),
        ({"settled_date": "soon"}, "settled_date"),
        ({"settled_total_amount": ""}, "settled_total_amount"),
        ({"settled_total_amount": "0.00"}, "settled_total_amount"),
        ({"settled_currency": "XXX"}, "settled_currency"),
    ],
)
def test_what_is_wrong_names_its_field(gift: Contribution, fields: Message, field: str) -> None:
    verdict = judge("settle", settlement(gift, **fields))
    assert verdict is not None
    assert (verdict.code, verdict.field) == ("INVALID_MESSAGE", field)


def test_what_was_refunded_is_worth_its_part_of_what_the_gift_brought() -> None:
    ExchangeRate.objects.create(
        currency="EUR",
        value_in_usd="1.08",
        bank_update=datetime.fromtimestamp(DATE, UTC) - timedelta(days=1),
        local_update=SETTLED,
    )
    message = donation(gross="100.00", currency="EUR")
    import_one(message)
    consume("refund", refund(message, gross="30"), refund(message, gross="20", date=DATE + 90_000))
    row = contribution(message)
    told = settlement(row, settled_total_amount="110.01", settled_fee_amount=None)
    assert consume("settle", told) == [""]
    row.refresh_from_db()
    assert row.total_amount == Decimal("110.01")
    amount, usd = kept(row)
    assert (str(amount), usd) == ("EUR 50.00", Decimal("55.01"))


@pytest.mark.parametrize(
    "reversals", [[], [("-3.00", "batch_7"), ("-2.90", "batch_8")]], ids=["refunds", "reversals"]
)
def test_any_order_of_refunds_and_settlements_ends_the_same(
    gift: Contribution, reversals: list[tuple[str, str]]
) -> None:
    message = {
        "gateway": gift.gateway,
        "gateway_txn_id": gift.gateway_txn_id,
        "gross": "10.00",
        "currency": "USD",
    }
    told: list[Told] = [
        ("settle", settlement(gift, settled_total_amount="9.90")),
        ("settle", settlement(gift, settled_total_amount="9.80", settled_date="2025-10-12")),
        ("refund", refund(message, gross="3")),
    ]
    for total, batch in reversals:
        fields = {"settled_total_amount": total, "settlement_batch_reference": batch}
        told.append(("settle", settlement(gift, settled_date="2025-10-20", **fields)))
    if not reversals:
        told.append(("refund", refund(message, gross="4", date=DATE)))
        told.append(("refund", refund(message, type="reversal", gross="1", date=DATE)))
    ends = []
    for order in permutations(told):
        with transaction.atomic():
            assert bring_in(order) == []
            ends.append(snapshot(Contribution.objects.all()))
            transaction.set_rollback(True)
    assert all(end == ends[0] for end in ends)
    assert {row["total_amount"] for row in ends[0]} >= {Decimal("9.80")}
