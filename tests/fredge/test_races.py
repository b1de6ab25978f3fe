"""Workers with messages of one attempt at the same moment, on PostgreSQL."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import redis
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from fundraising.fredge.models import PaymentAttempt, PaymentsFraud, PaymentsInit
from fundraising.pending.models import PendingTransaction
from tests.deliveries import Told, deliver, tell
from tests.fredge.messages import DATE, attempt, fraud, init, outcome, partial, pending
from tests.pending.databases import start, wait_until_one_waits

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("on_postgresql")]


def one_after_the_other(
    client: redis.Redis, threads: ThreadPoolExecutor, first: Told, second: Told
) -> None:
    """The second message comes while what the first did is not committed."""
    with transaction.atomic():
        assert not tell(client, [[first]])
        late = start(threads, tell, client, [[second]])
        wait_until_one_waits()
    assert not late.result(30)


class TestGivenUp:
    def test_the_failure_is_first(self, frqueue: redis.Redis, threads: ThreadPoolExecutor) -> None:
        one_after_the_other(frqueue, threads, init(), pending())
        assert PendingTransaction.objects.get().is_given_up

    def test_the_pending_message_is_first(
        self, frqueue: redis.Redis, threads: ThreadPoolExecutor
    ) -> None:
        one_after_the_other(frqueue, threads, pending(), init())
        assert PendingTransaction.objects.get().is_given_up

    def test_two_visits_with_one_order(
        self, frqueue: redis.Redis, threads: ThreadPoolExecutor
    ) -> None:
        assert not tell(frqueue, [[pending()]])
        other = init(contribution_tracking_id="5", payments_final_status="pending")
        one_after_the_other(frqueue, threads, init(), other)
        assert not PendingTransaction.objects.get().is_resolved


class TestOneRow:
    def test_of_a_final_status(self, frqueue: redis.Redis, threads: ThreadPoolExecutor) -> None:
        newer = init(date=DATE + 1, payments_final_status="complete")
        one_after_the_other(frqueue, threads, newer, init(gateway_txn_id="T1"))
        row = PaymentsInit.objects.get()
        assert (row.payments_final_status, row.gateway_txn_id) == ("complete", "T1")

    def test_of_a_fraud_score(self, frqueue: redis.Redis, threads: ThreadPoolExecutor) -> None:
        bank = partial(date=DATE + 1, score_breakdown={"getCVVResult": 100})
        one_after_the_other(frqueue, threads, fraud(), bank)
        filters = PaymentsFraud.objects.get().breakdown.values_list("filter_name", flat=True)
        assert set(filters) == {"initial", "minfraud_filter", "getCVVResult"}

    def test_of_an_attempt(self, frqueue: redis.Redis, threads: ThreadPoolExecutor) -> None:
        told = attempt(ts="2026-03-01", country="FR")
        one_after_the_other(frqueue, threads, outcome(auth_decline=True), told)
        row = PaymentAttempt.objects.get()
        assert (row.auth_decline, row.country) == (True, "FR")

    def test_not_when_the_first_is_rolled_back(
        self, frqueue: redis.Redis, threads: ThreadPoolExecutor
    ) -> None:
        with transaction.atomic():
            assert not tell(frqueue, [[init(message_id="1", gateway_txn_id="T1")]])
            late = start(threads, tell, frqueue, [[init(message_id="2")]])
            wait_until_one_waits()
            transaction.set_rollback(True)
        assert not late.result(30)
        assert PaymentsInit.objects.get().gateway_txn_id == ""


def test_groups_that_overlap_neither_lose_nor_block_each_other(
    frqueue: redis.Redis, threads: ThreadPoolExecutor
) -> None:
    orders = [f"{n}.1" for n in range(60)]
    go = Event()

    def tell_groups(seed: int, *told: Told) -> None:
        shuffled = random.Random(seed).sample(orders, len(orders))
        go.wait(30)
        for at in range(0, len(orders), 15):
            for queue, message in told:
                messages = [{**message, "order_id": order} for order in shuffled[at : at + 15]]
                assert not deliver(frqueue, queue, *messages)

    work = [
        start(threads, tell_groups, 1, pending()),
        start(threads, tell_groups, 2, init()),
        start(threads, tell_groups, 3, fraud()),
    ]
    go.set()
    for done in work:
        done.result(60)
    assert PaymentsInit.objects.count() == PaymentsFraud.objects.count() == 60
    assert PendingTransaction.objects.filter(is_given_up=True).count() == 60


def test_the_number_of_statements_does_not_grow_with_the_group(frqueue: redis.Redis) -> None:
    for queue, message in (init(), fraud(), attempt()):
        counts = []
        for size in (1, 100):
            ids = [f"{size}{n}" for n in range(size)]
            group = [{**message, "order_id": one, "contribution_tracking_id": one} for one in ids]
            with CaptureQueriesContext(connection) as queries:
                assert not deliver(frqueue, queue, *group)
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 14, queue
