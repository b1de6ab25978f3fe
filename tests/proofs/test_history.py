"""A day of a processor's worst: two workers, duplicates of every sort, and kill -9 of the workers.

    pytest -m proof tests/proofs/test_history.py -s

HISTORY_PAYMENTS (2000, in CI 600) and HISTORY_KILLS (10, in CI 5) say how much.
"""

# ruff: noqa: T201  the figures
import random
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from fundraising.crm.models import Contribution
from tests.proofs import books
from tests.workers import Stand, Worker, wait_for

PAYMENTS = books.size("HISTORY_PAYMENTS", whole=2000, short=600)
KILLS = books.size("HISTORY_KILLS", whole=10, short=5)

pytestmark = [pytest.mark.proof, pytest.mark.postgres, pytest.mark.timeout(900)]


class History:
    """Payments of donors who give again, told once or several times."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.payments: list[dict[str, Any]] = []
        self.messages = 0

    def some(self, count: int) -> Iterator[bytes]:
        """The bytes of ``count`` more payments, and of older ones told again."""
        for _ in range(count):
            donor: dict[str, Any] = {}
            if self.payments and self._dice.random() < 0.3:
                earlier = self._dice.choice(self.payments)
                donor = {name: earlier[name] for name in ("email", "first_name", "last_name")}
            payment = books.donation(**donor)
            self.payments.append(payment)
            yield from self._told(payment)

    def _told(self, payment: dict[str, Any]) -> Iterator[bytes]:
        self.messages += 1
        yield books.wire(payment)
        fate = self._dice.random()
        if fate < 0.15:  # the same bytes again, of this payment or of one long imported
            self.messages += 1
            yield books.wire(self._dice.choice([payment, self._dice.choice(self.payments)]))
        elif fate < 0.3:  # the listener tells it too, in its own words
            self.messages += 1
            again = {"message_id": f"{payment['message_id']}-listener", "city": "Paris"}
            yield books.wire(payment | again)


def test_each_payment_is_booked_once_through_duplicates_and_kills(postgresql_only: Stand) -> None:
    stand, dice = postgresql_only, random.Random(1)
    history = History(dice)
    with ExitStack() as stack:

        def start() -> Worker:
            return stack.enter_context(stand.worker_with_beat())

        workers = [start(), start()]
        for _ in range(KILLS):
            imported = Contribution.objects.count()
            stand.redis.rpush(books.QUEUE, *history.some(PAYMENTS // KILLS))
            wanted = imported + dice.randrange(1, PAYMENTS // KILLS)
            wait_for(lambda: Contribution.objects.count() >= wanted, "the import goes on")  # noqa: B023
            victim = dice.randrange(2)
            workers[victim].kill9()
            workers[victim] = start()
        books.wait_until_settled(stand, 180)
        assert [worker.stop() for worker in workers] == [0, 0]
    # Of a payment told twice, either message may have been the first.
    result = books.read(history.payments)
    print(f"\n{history.messages} messages, {KILLS} kills: {result}")
    assert result == books.kept(history.payments)
    assert stand.lists() == stand.held() == {}
