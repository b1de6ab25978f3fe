"""What is known of attempts to pay, and what became of them."""

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.db import transaction

from fundraising.fredge import labels
from fundraising.fredge.models import PaymentAttempt, PaymentAttemptLabel
from tests.deliveries import deliver, lines, tell
from tests.fredge.messages import DATE, ORDER, attempt, outcome

pytestmark = pytest.mark.django_db

FIXTURES = lines(Path(__file__).parent / "fixtures" / "payment-attempts.jsonl")


def row() -> PaymentAttempt:
    """The row of the attempt."""
    return PaymentAttempt.objects.get()


def ends(stored: PaymentAttempt) -> tuple[bool | None, ...]:
    """The columns of the outcome."""
    return stored.fraud_flagged_by_processor, stored.auth_decline, stored.blocked_by_filter


class TestAttempt:
    def test_messages_as_the_scoring_service_pushes_them(self, frqueue: redis.Redis) -> None:
        assert not deliver(frqueue, "payment-attempts", *FIXTURES)
        attempts = [message for message in FIXTURES if "type" not in message]
        assert PaymentAttempt.objects.count() == len(attempts)
        for message in attempts:
            stored = PaymentAttempt.objects.get(order_id=message["order_id"])
            told = {name: value for name, value in message.items() if "_repeat" not in name}
            for name in told.keys() - {"ts", "user_ip"}:
                assert str(getattr(stored, name)) == str(told[name]), name
            assert stored.ts == datetime.fromisoformat(message["ts"]).replace(tzinfo=UTC)
            repeats = {name: int(message[name]) for name in message.keys() - told.keys()}
            assert stored.repeats == repeats
            assert len(repeats) == 4
        declined = PaymentAttempt.objects.get(order_id="310000014.3")
        assert ends(declined) == (None, True, None)
        assert declined.first_name == "花子"

    def test_a_newer_one_replaces_what_it_tells(self, frqueue: redis.Redis) -> None:
        newest = attempt(ts="2026-03-02", country="FR", screen_width=0, last_name_repeat=2)
        older = attempt(ts="2026-03-01", country="DE", currency="EUR", first_name_repeat=1)
        assert not tell(frqueue, [[newest], [older]])
        stored = row()
        assert (stored.country, stored.currency, stored.screen_width) == ("FR", "EUR", 0)
        assert stored.repeats == {"last_name_repeat": 2}

    def test_what_a_browser_says_at_length_is_cut(self, frqueue: redis.Redis) -> None:
        assert not tell(frqueue, [[attempt(referrer="r" * 5000, http_accept_language="l" * 300)]])
        assert (len(row().referrer), len(row().http_accept_language)) == (4096, 255)

    def test_an_order_id_alone_is_an_attempt(self, frqueue: redis.Redis) -> None:
        assert not tell(frqueue, [[attempt(message_id="m1")]])
        assert (row().order_id, row().message_id) == (ORDER, "m1")

    def test_addresses_of_both_kinds(self, frqueue: redis.Redis) -> None:
        told = [attempt(order_id=f"{n}.1", user_ip=ip) for n, ip in enumerate(["::1", "192.0.2.1"])]
        assert not tell(frqueue, [told])
        assert set(PaymentAttempt.objects.values_list("user_ip", flat=True)) == {"::1", "192.0.2.1"}


class TestOutcome:
    def test_only_its_columns_are_told(self, frqueue: redis.Redis) -> None:
        told = outcome(auth_decline=1, blocked_by_filter=False, country="XX", user_ip_repeat=9)
        assert not tell(frqueue, [[attempt(country="FR")], [told]])
        assert ends(row()) == (None, True, False)
        assert (row().country, row().repeats) == ("FR", {})

    def test_in_every_order(self, frqueue: redis.Redis) -> None:
        told = [
            attempt(ts="2026-03-01", country="FR", gateway="gravy", message_id="attempt"),
            outcome(auth_decline=True, source_enqueued_time=DATE, message_id="first"),
            outcome(auth_decline=False, source_enqueued_time=DATE + 1, message_id="second"),
            outcome(fraud_flagged_by_processor="1", message_id="undated"),
        ]
        stored = []
        for order in permutations(told):
            for groups in ([[one] for one in order], [order], [order[:2], order[1:]]):
                with transaction.atomic():
                    assert not tell(frqueue, groups)
                    values: list[Any] = list(PaymentAttempt.objects.values())
                    stored.append({**values[0], "id": None})
                    assert ends(row()) == (True, False, None)
                    transaction.set_rollback(True)
        assert all(one == stored[0] for one in stored)
        assert (stored[0]["country"], stored[0]["message_id"]) == ("FR", "second")

    def test_one_that_tells_nothing(self, frqueue: redis.Redis) -> None:
        told = [outcome()[1], outcome(country="FR", auth_decline="")[1]]
        letters = deliver(frqueue, "payment-attempts", *told)
        assert [(letter.code, letter.field) for letter in letters] == [
            ("FREDGE", "fraud_flagged_by_processor")
        ] * 2
        assert "auth_decline: is missing" in letters[0].error
        assert not PaymentAttempt.objects.exists()


class TestFaults:
    @pytest.mark.parametrize("order_id", [None, "", " ", False, "1" * 65])
    def test_the_order_id_is_needed(self, frqueue: redis.Redis, order_id: object) -> None:
        (letter,) = deliver(frqueue, "payment-attempts", attempt(order_id=order_id)[1])
        assert (letter.code, letter.field) == ("INVALID_MESSAGE", "order_id")

    def test_absent(self, frqueue: redis.Redis) -> None:
        (letter,) = deliver(frqueue, "payment-attempts", {"country": "FR"})
        assert (letter.code, letter.field) == ("INVALID_MESSAGE", "order_id")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("screen_width", "wide"),
            ("user_ip", "localhost"),
            ("auth_decline", "perhaps"),
            ("ts", "soon"),
        ],
    )
    def test_nonsense(self, frqueue: redis.Redis, name: str, value: str) -> None:
        (letter,) = deliver(frqueue, "payment-attempts", attempt(**{name: value})[1])
        assert (letter.code, letter.field) == ("INVALID_MESSAGE", name)
        assert value not in letter.error


def test_the_last_label_counts() -> None:
    first, second = (User.objects.create_user(name) for name in ("first", "second"))
    assert labels.label(["1.1", "2.1", "1.1"], is_fraud=True, by=first) == 2
    assert labels.label(["1.1"], is_fraud=False, by=second) == 1
    assert labels.label([], is_fraud=False, by=second) == 0
    stored = PaymentAttemptLabel.objects.order_by("order_id")
    assert list(stored.values_list("order_id", "is_fraud", "labelled_by")) == [
        ("1.1", False, second.pk),
        ("2.1", True, first.pk),
    ]
