"""Several workers with messages of one subscription in hand at once, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import redis

from fundraising.crm.models import Contact, Contribution, Email, RecurringEvent
from tests.crm.imports import Message, import_group, verdicts
from tests.crm.subscriptions import ADDRESS, cancel, failed, payment, record, signup, tell
from tests.pending.databases import start

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("on_postgresql")]


def at_once(threads: ThreadPoolExecutor, work: Any, *told: Any) -> list[str]:
    """Each message in a worker of its own, all starting together; their codes, sorted."""
    ready = Barrier(len(told))

    def wait_and_work(message: Any) -> list[str]:
        ready.wait(30)
        return verdicts(work(message))

    futures = [start(threads, wait_and_work, message) for message in told]
    return sorted(code for future in futures for code in future.result(60))


def test_a_signup_and_its_payments_at_once_make_one_record(
    threads: ThreadPoolExecutor, frqueue: redis.Redis
) -> None:
    payments = [payment(number, order_id=f"4100.{number}") for number in range(1, 5)]
    twins = [signup(**ADDRESS), signup(comment="again", **ADDRESS)]
    codes = at_once(threads, tell, *twins, *payments)
    assert codes == [""] * 5 + ["DUPLICATE_CONTRIBUTION"]
    assert (Contact.objects.count(), Email.objects.count()) == (1, 1)
    assert RecurringEvent.objects.count() == 5

    passed_on = frqueue.lrange("donations", 0, -1)
    assert len(passed_on) == 4
    assert at_once(threads, import_group, *passed_on) == [""] * 4
    rows = Contribution.objects.order_by("receive_date")
    assert [row.financial_type for row in rows] == [
        "Recurring Gift",
        *["Recurring Gift - Cash"] * 3,
    ]
    assert {row.contribution_recur for row in rows} == {record()}


def test_what_is_told_at_once_of_a_known_record_is_all_told(
    threads: ThreadPoolExecutor, frqueue: redis.Redis
) -> None:
    tell(signup())
    told: list[Message] = [failed(day) for day in (1, 2, 3)] + [cancel(5), cancel(6)]
    assert at_once(threads, tell, *told) == [""] * 5
    row = record()
    assert (row.status, row.failure_count, row.cancel_date) == (
        "Cancelled",
        3,
        RecurringEvent.objects.filter(kind="cancelled").earliest("at").at,
    )
