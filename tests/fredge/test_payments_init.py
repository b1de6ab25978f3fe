"""How attempts to pay ended."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis

from fundraising.fredge.models import PaymentsInit
from tests.deliveries import deliver, lines, tell
from tests.fredge.messages import DATE, init, without

pytestmark = pytest.mark.django_db

FIXTURES = lines(Path(__file__).parent / "fixtures" / "payments-init.jsonl")


def row(**known: Any) -> PaymentsInit:
    """The row of the attempt."""
    return PaymentsInit.objects.get(**known)


class TestRow:
    def test_all_that_is_told_is_kept(self, frqueue: redis.Redis) -> None:
        told = init(
            message_id="m1",
            gateway="Ingenico",
            gateway_txn_id="T1",
            currency=None,
            currency_code="eur",
            amount=1234,
            date=str(DATE),
        )
        assert not tell(frqueue, [[told]])
        stored = row(contribution_tracking_id=119223, order_id="119223.1")
        assert (stored.gateway, stored.gateway_txn_id) == ("ingenico", "T1")
        assert (stored.validation_action, stored.payments_final_status) == ("process", "failed")
        assert (stored.payment_method, stored.payment_submethod) == ("cc", "visa")
        assert (stored.country, stored.server) == ("FR", "payments1001")
        assert (stored.amount, stored.currency_code) == (Decimal(1234), "EUR")
        assert stored.date == datetime(2026, 3, 1, 12, tzinfo=UTC)
        assert stored.message_id == "m1"

    @pytest.mark.parametrize("order_id", ["119223.1", ""])
    def test_one_row_an_attempt(self, frqueue: redis.Redis, order_id: str) -> None:
        groups = [
            [init(order_id=order_id, date=DATE + n), init(order_id=order_id, date=DATE + 9 - n)]
            for n in range(3)
        ]
        assert not tell(frqueue, groups)
        assert row(order_id=order_id).date == datetime(2026, 3, 1, 12, 0, 9, tzinfo=UTC)

    def test_the_newest_by_its_date_wins_and_older_ones_complete_it(
        self, frqueue: redis.Redis
    ) -> None:
        newest = init(date=DATE + 60, payments_final_status="complete", message_id="new")
        older = init(gateway_txn_id="T1", message_id="old")
        assert not tell(frqueue, [[newest], [older]])
        stored = row()
        assert (stored.payments_final_status, stored.gateway_txn_id) == ("complete", "T1")
        assert stored.message_id == "new"

    def test_a_long_text_is_cut_not_refused(self, frqueue: redis.Redis) -> None:
        assert not tell(frqueue, [[init(server="s" * 300)]])
        assert row().server == "s" * 64

    def test_an_amount_of_binary_floats_is_rounded(self, frqueue: redis.Redis) -> None:
        assert not tell(frqueue, [[init(amount="12.100000000000001421")]])
        assert row().amount == Decimal("12.1")


class TestFaults:
    @pytest.mark.parametrize(
        "name",
        [
            "contribution_tracking_id",
            "gateway",
            "validation_action",
            "payments_final_status",
            "country",
            "amount",
            "currency",
            "server",
            "date",
        ],
    )
    def test_what_is_missing_is_named(self, frqueue: redis.Redis, name: str) -> None:
        blank = {**init()[1], name: ""}
        letters = deliver(frqueue, "payments-init", without(init(), name), blank)
        assert [(letter.code, letter.field, letter.error) for letter in letters] == [
            ("FREDGE", name, "is missing")
        ] * 2
        assert not PaymentsInit.objects.exists()

    def test_all_that_is_missing_is_named(self, frqueue: redis.Redis) -> None:
        (letter,) = deliver(frqueue, "payments-init", without(init(), "amount", "server"))
        assert (letter.field, letter.error) == ("amount", "is missing; server: is missing")

    def test_the_order_id_may_be_missing(self, frqueue: redis.Redis) -> None:
        assert not deliver(frqueue, "payments-init", without(init(), "order_id"))
        assert row().order_id == ""

    def test_others_of_the_group_are_stored(self, frqueue: redis.Redis) -> None:
        (letter,) = deliver(frqueue, "payments-init", init(date="")[1], init()[1])
        assert letter.field == "date"
        assert PaymentsInit.objects.count() == 1

    @pytest.mark.parametrize(
        ("name", "value"), [("amount", "1,50"), ("date", "soon"), ("currency", "EURO")]
    )
    def test_nonsense(self, frqueue: redis.Redis, name: str, value: str) -> None:
        (letter,) = deliver(frqueue, "payments-init", init(**{name: value})[1])
        assert (letter.code, letter.field) == ("INVALID_MESSAGE", name)
        assert value not in letter.error


def test_messages_as_front_ends_push_them(frqueue: redis.Redis) -> None:
    assert not deliver(frqueue, "payments-init", *FIXTURES)
    stored = {one.contribution_tracking_id: one for one in PaymentsInit.objects.all()}
    assert len(stored) == len(FIXTURES)
    for message in FIXTURES:
        one = stored[int(message["contribution_tracking_id"])]
        assert (one.order_id, one.gateway) == (message["order_id"], message["gateway"])
        assert one.gateway_txn_id == (message["gateway_txn_id"] or "")
        assert one.payments_final_status == message["payments_final_status"]
        assert one.amount == Decimal(message["amount"])
        assert one.currency_code == message.get("currency", message.get("currency_code"))
        assert int(one.date.timestamp()) == int(message["date"])
