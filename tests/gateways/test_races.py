"""Jobs of one payment in two workers at once, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.db import transaction

from tests.gateways.jobs import HEARD, begin, do, job, pending, row
from tests.gateways.notifications import ADYEN, PAYPAL, capture, contract, web_accept
from tests.pending.databases import start, wait_until_one_waits
from tests.pending.messages import store_group

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("on_postgresql")]

CAPTURE = job(rf"{ADYEN}\RecordCaptureJob", capture())
CONTRACT = job(rf"{ADYEN}\RecurringContractJob", contract())
GIFT = job(PAYPAL, web_accept())


@pytest.mark.parametrize(("queue", "message"), [("jobs-adyen", CAPTURE), ("jobs-paypal", GIFT)])
def test_told_twice_it_is_pushed_once(
    threads: ThreadPoolExecutor, frqueue: redis.Redis, queue: str, message: dict[str, object]
) -> None:
    begin()
    again = {**message, "source_enqueued_time": HEARD + 1}
    with transaction.atomic():
        assert do(queue, message) == [""]
        late = start(threads, do, queue, again)
        wait_until_one_waits()
    assert late.result(30) == ["DUPLICATE_NOTIFICATION"]
    assert frqueue.llen("donations") == 1


def test_what_two_tell_of_a_row_is_kept(threads: ThreadPoolExecutor, frqueue: redis.Redis) -> None:
    def tell() -> None:
        with transaction.atomic():
            store_group(pending(recurring="1", opt_in="1", date=HEARD))

    begin(recurring="1")
    with transaction.atomic():
        assert do("jobs-adyen", CONTRACT) == [""]
        late = start(threads, tell)
        wait_until_one_waits()
    late.result(30)
    details = row().details
    assert details["recurring_payment_token"] == "TOKEN00000000001"
    assert details["opt_in"] == "1"


def test_a_row_on_its_way_is_seen_when_it_is_there(
    threads: ThreadPoolExecutor, frqueue: redis.Redis
) -> None:
    with transaction.atomic():
        begin()
        late = start(threads, do, "jobs-adyen", CAPTURE)
        wait_until_one_waits()
    assert late.result(30) == [""]
    assert row().is_resolved
