"""Bulk resends: what is planned, at what rate it goes, and a report of what really happened."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from queues import bulk_resends, damaged, repairs
from queues.models import BulkResend, DamagedMessage, OutboxMessage
from queues.outcomes import Damaged
from queues.received import Received
from tests.queues.conftest import Gifts, gift
from tests.queues.damage import damage
from tests.queues.routes import Gift

Status = BulkResend.Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gift_routes")]


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


def planned(user: User) -> BulkResend:
    rows = DamagedMessage.objects.all()
    return bulk_resends.plan(rows=rows, selection="all of them", user=user)


def started(user: User, per_second: int = 10) -> BulkResend:
    bulk = planned(user)
    bulk_resends.start(pk=bulk.pk, per_second=per_second, user=user, reason="ticket 7")
    return bulk


def step_after(bulk: BulkResend, seconds: float) -> int:
    """A step as if that much time had gone by since the last."""
    BulkResend.objects.filter(pk=bulk.pk).update(
        stepped_at=timezone.now() - timedelta(seconds=seconds)
    )
    return bulk_resends.step()


def test_a_plan_counts_and_sends_nothing(ada: User) -> None:
    for number in range(3):
        damage(gift(number))
    damage(gift(3, gross="0"))
    damage(b"\xff")
    sent = damage(gift(4))
    repairs.resend(pks=[sent.pk], user=ada, reason="x")
    plan = bulk_resends.summary(planned(ada))
    assert (plan.total, plan.sendable) == (6, 3)
    assert sum(count for _, count in plan.faults) == 3
    assert ("it was sent again and is on its way", 1) in plan.faults
    assert OutboxMessage.objects.count() == 1
    assert bulk_resends.step() == 0


def test_an_empty_or_too_large_selection_is_no_plan(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="no message"):
        planned(ada)
    monkeypatch.setattr(bulk_resends, "MAX_MESSAGES", 1)
    damage(gift(1))
    damage(gift(2))
    with pytest.raises(ValueError, match="narrow"):
        planned(ada)
    assert not BulkResend.objects.exists()


def test_it_keeps_to_its_rate_and_sends_the_oldest_first(ada: User) -> None:
    for number in range(10):
        damage(gift(number, source_enqueued_time=1_700_000_000 - number))
    bulk = started(ada, per_second=3)
    assert step_after(bulk, 0.1) == 0
    assert step_after(bulk, 1.1) == 3
    assert bulk_resends.step() == 0
    first = DamagedMessage.objects.filter(status=DamagedMessage.Status.RESENT)
    assert {row.order_id for row in first} == {"9.1", "8.1", "7.1"}
    assert step_after(bulk, 2.1) == 6
    assert step_after(bulk, 2.1) == 1
    bulk.refresh_from_db()
    assert bulk.status == Status.DONE
    assert OutboxMessage.objects.count() == 10


def test_a_pause_is_not_made_up_for(ada: User) -> None:
    for number in range(12):
        damage(gift(number))
    bulk = started(ada, per_second=2)
    assert step_after(bulk, 3600) == 2 * bulk_resends.MAX_PAUSE.total_seconds()


def test_cancelled_sends_no_more(ada: User) -> None:
    for number in range(4):
        damage(gift(number))
    bulk = started(ada, per_second=2)
    assert step_after(bulk, 1.1) == 2
    bulk_resends.cancel(pk=bulk.pk, user=ada)
    assert step_after(bulk, 5) == 0
    bulk.refresh_from_db()
    assert (bulk.status, bulk.cancelled_by) == (Status.CANCELLED, ada)
    assert bulk_resends.report(bulk).unsent == 2
    with pytest.raises(ValueError, match="ended"):
        bulk_resends.cancel(pk=bulk.pk, user=ada)


@pytest.mark.parametrize("per_second", [0, -1, bulk_resends.MAX_PER_SECOND + 1])
def test_a_rate_has_limits(ada: User, per_second: int) -> None:
    damage(gift(1))
    bulk = planned(ada)
    with pytest.raises(ValueError, match="rate"):
        bulk_resends.start(pk=bulk.pk, per_second=per_second, user=ada, reason="x")
    with pytest.raises(ValueError, match="reason"):
        bulk_resends.start(pk=bulk.pk, per_second=1, user=ada, reason=" ")


def test_it_starts_once(ada: User) -> None:
    damage(gift(1))
    bulk = started(ada)
    with pytest.raises(ValueError, match="not planned"):
        bulk_resends.start(pk=bulk.pk, per_second=1, user=ada, reason="x")


def test_each_message_is_checked_again_before_it_is_sent(ada: User) -> None:
    row, other = damage(gift(1)), damage(gift(2))
    bulk = started(ada)
    repairs.resend(pks=[row.pk], user=ada, reason="by hand meanwhile")
    assert step_after(bulk, 1) == 1
    report = bulk_resends.report(bulk)
    assert (report.skipped, report.on_the_way) == (1, 1)
    assert report.skipped_for == [("it was sent again and is on its way", 1)]
    assert set(OutboxMessage.objects.values_list("message_id", flat=True)) == {
        row.message_id,
        other.message_id,
    }


@pytest.mark.django_db(transaction=True)
def test_the_report_says_what_really_happened(gifts: Gifts, ada: User) -> None:
    for number in range(6):
        damage(gift(number))
    damage(gift(6, gross="0"))
    bulk = started(ada, per_second=10)
    assert step_after(bulk, 2) == 6
    report = bulk_resends.report(bulk)
    assert (report.on_the_way, report.imported, report.skipped) == (6, 0, 1)

    def fussy(group: Sequence[Received[Gift]]) -> None:
        for item in group:
            if item.message.order_id in ("1.1", "2.1"):
                item.set_aside(Damaged("DATA_INCONSISTENT", "is inconsistent", "order_id"))

    gifts.deliver(fussy, count=5)
    damaged.store("gifts-damaged", gifts.redis.lrange("gifts-damaged", 0, -1))
    report = bulk_resends.report(bulk)
    assert (report.imported, report.damaged_again, report.on_the_way) == (3, 2, 1)
    assert report.damaged_by == [("DATA_INCONSISTENT", 2)]
    assert (report.total, report.unsent) == (7, 0)
