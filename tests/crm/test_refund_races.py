"""Two workers with the same refund in hand at once, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
import redis
from django.db import transaction

from fundraising.crm.models import Activity, Contribution
from fundraising.crm.refunds.adjustments import kept
from fundraising.crm.refunds.payments import PaymentIds, find, locked
from tests.crm.consuming import again, chargeback, consume, failure, refund
from tests.crm.imports import Message, contribution, donation, import_one
from tests.pending.databases import start, wait_until_one_waits

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.usefixtures("on_postgresql", "frqueue"),
]


def at_once(threads: ThreadPoolExecutor, *told: tuple[str, Message]) -> list[str]:
    """Each message in a worker of its own, all starting together; their codes, sorted."""
    ready = Barrier(len(told))

    def work(queue: str, message: Message) -> list[str]:
        ready.wait(30)
        return consume(queue, message)

    futures = [start(threads, work, queue, message) for queue, message in told]
    return sorted(code for future in futures for code in future.result(60))


@pytest.mark.parametrize("gross", ["100.00", "30.00"])
def test_a_refund_told_by_several_messages_at_once_is_booked_once(
    threads: ThreadPoolExecutor, gross: str
) -> None:
    gift = donation(gross="100.00")
    import_one(gift)
    told = refund(gift, gross=gross, reason="twice")
    codes = at_once(threads, *(("refund", again(told)) for _ in range(4)))
    assert codes == ["", *["DUPLICATE_CONTRIBUTION"] * 3]
    assert kept(contribution(gift))[0].amount == 100 - Decimal(gross)
    assert Contribution.objects.filter(is_payment=False).count() == (gross != "100.00")
    assert Activity.objects.count() == 1


def test_several_refunds_at_once_are_not_more_than_the_gift(threads: ThreadPoolExecutor) -> None:
    gift = donation(gross="100.00")
    import_one(gift)
    codes = at_once(threads, *(("refund", refund(gift, gross="40")) for _ in range(4)))
    assert codes == ["", "", "DATA_INCONSISTENT", "DATA_INCONSISTENT"]
    assert str(kept(contribution(gift))[0]) == "USD 20.00"


def test_a_chargeback_and_a_failure_at_once_end_the_recurring_contribution(
    threads: ThreadPoolExecutor, frqueue: redis.Redis
) -> None:
    gift = donation(recurring="1", recurring_payment_token="TOKEN")
    import_one(gift)
    codes = at_once(threads, ("refund", chargeback(gift)), ("donations-modify", failure(gift)))
    assert codes == ["", ""]
    row = contribution(gift)
    assert row.contribution_status == "Chargeback"
    assert row.contribution_recur is not None
    assert row.contribution_recur.status == "Failed"
    assert frqueue.llen("recurring") == 1


def test_who_comes_second_sees_what_the_first_wrote(threads: ThreadPoolExecutor) -> None:
    gift = donation(gross="100.00")
    import_one(gift)
    with transaction.atomic():
        number = find(PaymentIds(gateway="adyen", gateway_txn_id=gift["gateway_txn_id"]))
        assert number is not None
        payment = locked(number)
        late = start(threads, consume, "refund", refund(gift))
        wait_until_one_waits()
        payment.original_amount = payment.total_amount = 50
        payment.save()
    assert late.result(30) == [""]
    assert kept(contribution(gift))[1] == -50
