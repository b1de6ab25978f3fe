"""The delivery contract: every message ends in exactly one outcome, by itself."""

import uuid
from collections.abc import Sequence

import pytest
from celery.exceptions import Reject
from django.contrib.auth.models import Group
from django.db import IntegrityError, OperationalError, connection, transaction
from pytest_django.fixtures import Settings

from queues import effects, instances, reserved
from queues.consumer import deliver
from queues.models import InboxMark, OutboxMessage
from queues.outbox import push_later
from queues.outcomes import Damaged, Drop, Outcome, Park
from queues.received import Received
from queues.routes import routes
from tests.queues.conftest import Gifts, gift
from tests.queues.routes import Gift

pytestmark = pytest.mark.django_db(transaction=True)


def accept(group: Sequence[Received[Gift]]) -> None:
    """The effect of the tests: a row named as the gift, and word to another queue."""
    for item in group:
        Group.objects.create(name=item.message.order_id)
        push_later("thanks", {"order_id": item.message.order_id})


def accepted() -> list[str]:
    gifts = Group.objects.filter(name__endswith=".1").order_by("pk")
    return list(gifts.values_list("name", flat=True))


def test_effect_mark_and_push_commit_together_in_order(gifts: Gifts) -> None:
    gifts.push(*(gift(number) for number in range(5)))
    assert gifts.deliver(accept)
    assert accepted() == [f"{number}.1" for number in range(5)]
    assert InboxMark.objects.count() == 5
    assert not OutboxMessage.objects.exists()
    assert instances.client("donor-prefs").llen("thanks") == 5
    assert reserved.held(gifts.redis) == 0


def test_a_redelivery_has_no_effect(gifts: Gifts) -> None:
    gifts.push(gift(1), gift(2))
    group = gifts.reserve()
    assert group
    raw = list(group.messages)
    reserved.give_back(gifts.redis, group.tag)
    gifts.deliver(accept)
    gifts.push(*raw)
    gifts.deliver(accept)
    assert accepted() == ["1.1", "2.1"]
    assert instances.client("donor-prefs").llen("thanks") == 2
    assert gifts.damaged() == []


def test_equal_messages_in_one_group_have_one_effect(gifts: Gifts) -> None:
    gifts.push(gift(1), gift(1), gift(2))
    gifts.deliver(accept)
    assert accepted() == ["1.1", "2.1"]
    assert gifts.damaged() == []


@pytest.mark.parametrize("together", [True, False])
def test_a_reused_message_id_is_no_duplicate(gifts: Gifts, together: bool) -> None:
    gifts.push(gift(1, message_id="same"))
    if not together:
        gifts.deliver(accept)
    gifts.push(gift(2, message_id="same"))
    gifts.deliver(accept)
    assert accepted() == ["1.1"]
    (letter,) = gifts.damaged()
    assert letter.code == "MESSAGE_ID_REUSED"
    assert b"2.1" in letter.body


def test_each_outcome_by_itself(gifts: Gifts) -> None:
    def judge(group: Sequence[Received[Gift]]) -> None:
        verdicts = {
            "2.1": Damaged("INVALID_MESSAGE", "is wrong", "gross"),
            "3.1": Park("MISSING_PREDECESSOR", "no pending message yet"),
            "4.1": Drop("DUPLICATE_CONTRIBUTION", "is there"),
        }
        good = []
        for item in group:
            verdict = verdicts.get(item.message.order_id)
            if verdict:
                item.set_aside(verdict)
            else:
                good.append(item)
        accept(good)

    gifts.push(*(gift(number) for number in range(1, 6)), b"\xff not json")
    gifts.deliver(judge)
    assert accepted() == ["1.1", "5.1"]
    letters = {letter.code: letter for letter in gifts.damaged()}
    assert set(letters) == {"INVALID_MESSAGE", "MISSING_PREDECESSOR", "INVALID_JSON"}
    assert letters["INVALID_JSON"].body == b"\xff not json"
    assert letters["INVALID_MESSAGE"].field == "gross"
    assert letters["MISSING_PREDECESSOR"].outcome is Outcome.PARK
    assert InboxMark.objects.count() == 3
    assert reserved.held(gifts.redis) == 0


def test_one_that_raises_drags_no_other_down(gifts: Gifts) -> None:
    def stumble(group: Sequence[Received[Gift]]) -> None:
        accept(group)
        if any(item.message.order_id == "2.1" for item in group):
            raise ZeroDivisionError(group[0].message.gateway * 2)

    gifts.push(*(gift(number) for number in range(1, 4)))
    gifts.deliver(stumble)
    assert accepted() == ["1.1", "3.1"]
    (letter,) = gifts.damaged()
    assert (letter.code, letter.error) == ("UNEXPECTED", "ZeroDivisionError in the consumer")
    assert "stumble" in letter.trace
    assert "adyenadyen" not in letter.trace


def test_consumers_of_one_message_keep_the_others(gifts: Gifts) -> None:
    def one(message: Gift) -> None:
        Group.objects.create(name=message.order_id)
        if message.order_id == "2.1":
            raise Damaged("INVALID_MESSAGE", "is wrong", "order_id")

    gifts.push(*(gift(number) for number in range(1, 4)))
    gifts.deliver(effects.each(one))
    assert accepted() == ["1.1", "3.1"]
    assert [letter.code for letter in gifts.damaged()] == ["INVALID_MESSAGE"]


def test_what_passes_is_tried_again_soon(gifts: Gifts) -> None:
    tries = []

    def lock_comes_late(group: Sequence[Received[Gift]]) -> None:
        accept(group)
        tries.append(len(group))
        if len(tries) < 3:
            raise OperationalError("database is locked")

    gifts.push(gift(1))
    gifts.deliver(lock_comes_late)
    assert tries == [1, 1, 1]
    assert accepted() == ["1.1"]


def test_what_another_worker_did_meanwhile_is_dropped(gifts: Gifts) -> None:
    tries = []

    def too_late(group: Sequence[Received[Gift]]) -> None:
        tries.append(len(group))
        if len(tries) == 1:
            raise IntegrityError("unique")
        raise Drop("DUPLICATE_CONTRIBUTION", "is there")

    gifts.push(gift(1))
    gifts.deliver(too_late)
    assert len(tries) == 2
    assert gifts.damaged() == []


def test_a_broken_constraint_goes_to_a_person(gifts: Gifts) -> None:
    def breaks(group: Sequence[Received[Gift]]) -> None:
        accept(group)
        accept(group)

    gifts.push(gift(1))
    gifts.deliver(breaks)
    assert [letter.code for letter in gifts.damaged()] == ["CONSTRAINT"]
    assert accepted() == []


def test_without_a_database_messages_stay(gifts: Gifts) -> None:
    def no_database(_group: Sequence[Received[Gift]]) -> None:
        raise OperationalError("unable to open database file")

    gifts.push(gift(1), gift(2))
    gifts.deliver(no_database)
    assert gifts.redis.llen("gifts") == 2
    assert gifts.redis.llen("gifts-damaged") == 0
    assert reserved.held(gifts.redis) == 0
    gifts.deliver(accept)
    assert accepted() == ["1.1", "2.1"]


def test_a_message_that_kills_its_worker_goes_to_damaged(gifts: Gifts, settings: Settings) -> None:
    settings.QUEUE_MAX_DELIVERIES = 3
    started = []

    def kills(group: Sequence[Received[Gift]]) -> None:
        started.append(group[0].message.order_id)
        raise SystemExit

    gifts.push(gift(1))
    for _death in range(3):
        group = gifts.reserve()
        assert group
        with pytest.raises(SystemExit):
            deliver(routes()["gifts"], kills, group.messages, group.tag, group.deliveries)
        connection.close()
        reserved.restore(gifts.redis, group.tag)
    gifts.deliver(kills)
    gifts.deliver(kills)
    assert started == ["1.1"] * 3
    assert [letter.code for letter in gifts.damaged()] == ["WORKER_LOST"]
    assert gifts.redis.llen("gifts") == 0


def test_the_lost_lease_of_a_slow_worker_pushes_nothing(gifts: Gifts) -> None:
    gifts.push(b"junk")
    group = gifts.reserve()
    assert group
    reserved.give_back(gifts.redis, group.tag)
    deliver(routes()["gifts"], accept, group.messages, group.tag, group.deliveries)
    assert gifts.damaged() == []
    assert gifts.redis.llen("gifts") == 1


def test_redis_gone_after_the_commit_asks_for_redelivery(gifts: Gifts, settings: Settings) -> None:
    gifts.push(gift(1), b"junk")
    group = gifts.reserve()
    assert group
    here = dict(settings.REDIS_INSTANCES)
    settings.REDIS_INSTANCES = {**here, "frqueue": "redis://127.0.0.1:1/0"}
    instances.client.cache_clear()
    with pytest.raises(Reject) as rejection:
        deliver(routes()["gifts"], accept, group.messages, group.tag, group.deliveries)
    assert rejection.value.requeue
    settings.REDIS_INSTANCES = here
    instances.client.cache_clear()
    reserved.give_back(gifts.redis, group.tag)
    gifts.deliver(accept)
    assert accepted() == ["1.1"]
    assert [letter.body for letter in gifts.damaged()] == [b"junk"]


def test_card_data_is_masked_before_it_is_kept(
    gifts: Gifts, caplog: pytest.LogCaptureFixture
) -> None:
    gifts.push(gift(1, comment="4111 1111 1111 1111"))
    gifts.deliver(accept)
    (letter,) = gifts.damaged()
    assert (letter.code, letter.field) == ("CARD_DATA", "comment")
    assert b"4111 1111" not in letter.body
    assert any(record.levelname == "CRITICAL" for record in caplog.records)
    assert accepted() == []


def test_nothing_personal_is_logged(gifts: Gifts, caplog: pytest.LogCaptureFixture) -> None:
    secret = uuid.uuid4().hex
    gifts.push(gift(1, email=secret), gift(2, gross="-1", email=secret), secret.encode())
    gifts.deliver(accept)
    assert len(gifts.damaged()) == 2
    assert secret not in caplog.text


def test_the_outbox_needs_a_transaction(gifts: Gifts) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        push_later("thanks", {"order_id": "1.1"})
