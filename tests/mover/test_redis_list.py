"""Lists of ours as source and as target of a mover, on real servers."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from fundraising.pending.messages import PendingMessage
from queues import wire
from queues.deadletter import DeadLetter
from queues.messages import validate
from queues.mover import redis_target
from queues.mover.interface import (
    Away,
    Busy,
    Consumer,
    Event,
    LostPosition,
    NotRegistered,
    PoisonEvent,
)
from queues.mover.moving import Mover, by_field
from queues.mover.redis_source import RedisSource
from queues.mover.redis_target import RedisTarget
from tests.servers import Valkey

CONSUMER = Consumer("elsewhere/7", "log", "mover")
TIME = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)

# A message with an id, one without, no UTF-8, no JSON.
BODIES = (
    b'{"message_id": "a-1", "gross": 10.10, "source_enqueued_time": 1772366400}',
    b'{"gross": "12.00"}',
    b'{"name": "Jos\xe9"}',
    b"a:1:{}",
)


@pytest.fixture
def here(valkey: Valkey) -> Iterator[redis.Redis]:
    """The Redis that is moved from, empty."""
    with valkey.client() as client:
        client.flushall()
        yield client


@pytest.fixture
def there(valkey: Valkey, here: redis.Redis) -> Iterator[redis.Redis]:
    """The Redis that is moved into, empty."""
    with redis.Redis(port=valkey.port, db=1) as client:
        yield client


@pytest.fixture
def source(valkey: Valkey, here: redis.Redis) -> RedisSource:
    source = RedisSource(valkey.url, "site-a", "mover", most=3)
    source.register()
    return source


@pytest.fixture
def target(valkey: Valkey, there: redis.Redis) -> RedisTarget:
    target = RedisTarget(valkey.url.removesuffix("0") + "1")
    target.register(CONSUMER)
    return target


def mover(source: RedisSource, target: RedisTarget) -> Mover:
    moving = Mover(source, target, "site-a", "mover", "donations")
    target.register(moving.consumer)
    return moving


def drain(mover: Mover) -> int:
    """Turns until there is nothing more; how many."""
    turns = 0
    while mover.turn():
        turns += 1
    return turns


def numbered(first: int, last: int) -> list[bytes]:
    return [b'{"message_id": "m%d"}' % number for number in range(first, last)]


def event(data: str | None, number: int = 1, **fields: str) -> Event:
    """As a database that knows nothing of us writes it."""
    return Event(id=f"shop/log:{number}", time=TIME, type="gift", data=data, **fields)


def put(target: RedisTarget, *events: Event, position: str = "tick 2") -> None:
    with target.transaction(CONSUMER) as transaction:
        transaction.put("donations", events)
        transaction.commit(position)


def test_messages_arrive_byte_by_byte_and_in_order(
    source: RedisSource, target: RedisTarget, here: redis.Redis, there: redis.Redis
) -> None:
    here.rpush("site-a", *BODIES)
    assert drain(mover(source, target)) == 2
    assert there.lrange("donations", 0, -1) == [*BODIES]
    assert not here.exists("site-a")


def test_an_event_has_the_identity_and_the_time_of_its_message(
    source: RedisSource, here: redis.Redis
) -> None:
    here.rpush("site-a", *BODIES[:3])
    batch = source.next_batch()
    assert batch is not None
    with_id, without, other_bytes = batch.events()
    assert (with_id.id, with_id.type) == ("a-1", "site-a")
    assert with_id.time == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert without.id == wire.digest(BODIES[1])
    assert other_bytes.data is not None
    assert other_bytes.data.encode("utf-8", "surrogateescape") == BODIES[2]


def test_a_batch_comes_again_until_it_is_finished(source: RedisSource, here: redis.Redis) -> None:
    here.rpush("site-a", *BODIES)
    first = source.next_batch()
    source.close()
    assert source.next_batch() == first
    assert first is not None
    source.finish(first)
    second = source.next_batch()
    assert second is not None
    assert second.previous == first.position
    assert second.taken.messages == [BODIES[3]]


def test_what_was_pushed_but_not_finished_is_known(
    source: RedisSource, target: RedisTarget, here: redis.Redis, there: redis.Redis
) -> None:
    here.rpush("site-a", *BODIES)
    batch = source.next_batch()
    assert batch is not None
    moving = mover(source, target)
    with target.transaction(moving.consumer) as transaction:
        transaction.put("donations", batch.events())
        transaction.commit(batch.position)
    again = moving.turn()
    assert again is not None
    assert again.known
    drain(moving)
    assert there.lrange("donations", 0, -1) == [*BODIES]


def test_what_is_not_committed_is_not_there(target: RedisTarget, there: redis.Redis) -> None:
    with target.transaction(CONSUMER) as transaction:
        transaction.put("donations", [event("{}")])
    assert not there.exists("donations")
    assert target.position(CONSUMER) is None


def test_of_two_who_have_the_same_batch_one_pushes(target: RedisTarget, there: redis.Redis) -> None:
    with target.transaction(CONSUMER) as slow:
        slow.put("donations", [event("{}")])
        put(target, event("{}"))
        slow.commit("tick 2")
    assert there.llen("donations") == 1


def test_who_comes_with_an_old_batch_is_told(target: RedisTarget, there: redis.Redis) -> None:
    with target.transaction(CONSUMER) as slow:
        slow.put("donations", [event("{}")])
        put(target, event("{}"))
        put(target, event("{}", 2), position="tick 3")
        with pytest.raises(Busy):
            slow.commit("tick 2")
    assert there.llen("donations") == 2
    assert target.position(CONSUMER) == "tick 3"


@pytest.fixture
def half_done(target: RedisTarget, there: redis.Redis) -> list[Event]:
    """A batch whose second part cannot be pushed: the events of its first part."""
    there.set("refund", "no list")
    first = [event("{}", number) for number in range(redis_target.PART)]
    with target.transaction(CONSUMER) as transaction:
        transaction.put("donations", first)
        transaction.put("refund", [event("{}", redis_target.PART)])
        with pytest.raises(Away):
            transaction.commit("tick 2")
    assert there.llen("donations") == redis_target.PART
    return first


def test_a_batch_that_was_half_done_goes_on_behind_that(
    half_done: list[Event], target: RedisTarget, there: redis.Redis
) -> None:
    there.delete("refund")
    with target.transaction(CONSUMER) as transaction:
        assert transaction.position is None
        transaction.put("donations", half_done)
        transaction.put("refund", [event("{}", redis_target.PART)])
        transaction.commit("tick 2")
    assert target.position(CONSUMER) == "tick 2"
    assert (there.llen("donations"), there.llen("refund")) == (redis_target.PART, 1)


@pytest.mark.parametrize(("queue", "position"), [("pending", "tick 2"), ("donations", "tick 3")])
def test_another_batch_does_not_go_on_behind_it(
    queue: str, position: str, half_done: list[Event], target: RedisTarget, there: redis.Redis
) -> None:
    with target.transaction(CONSUMER) as transaction:
        transaction.put(queue, half_done)
        with pytest.raises(LostPosition):
            transaction.commit(position)
    assert there.llen("donations") == redis_target.PART
    assert there.llen("pending") == 0


def test_a_foreign_event_becomes_a_message_that_keeps_what_it_is(
    target: RedisTarget, there: redis.Redis
) -> None:
    data = '{"gateway": "adyen", "order_id": "1.1", "gross": 10.10, "date": 1772366400}\n'
    put(target, event(data, extra1="gifts"))
    (body,) = there.lrange("donations", 0, -1)
    assert b'"gross": 10.10' in body
    message = validate(PendingMessage, wire.parse(body, 10_000))
    assert message.pushed_at == TIME.replace(microsecond=0)
    assert len(message.message_id or "") == 64
    assert (message.model_extra or {})["source_event"] == {
        "id": "shop/log:1",
        "time": "2026-03-01T12:30:15.250000+00:00",
        "type": "gift",
        "extra1": "gifts",
    }


def test_an_event_has_one_message_id_and_another_event_another(
    target: RedisTarget, there: redis.Redis
) -> None:
    put(target, event("{}", 1))
    target.forget(CONSUMER)
    put(target, event("{}", 1), event("{}", 2))
    once, again, other = (json.loads(body) for body in there.lrange("donations", 0, -1))
    assert once == again
    assert once["message_id"] != other["message_id"]


def test_what_a_foreign_event_says_of_itself_stands(
    target: RedisTarget, there: redis.Redis
) -> None:
    put(target, event('{"message_id": "x-1", "source_enqueued_time": 1}'), event("[1, 2]"))
    told, junk = there.lrange("donations", 0, -1)
    message = json.loads(told)
    assert (message["message_id"], message["source_enqueued_time"]) == ("x-1", 1)
    assert message["source_event"]["id"] == "shop/log:1"
    assert junk == b"[1, 2]"


def test_an_event_without_data_is_not_lost(target: RedisTarget, there: redis.Redis) -> None:
    put(target, event(None, extra4="4711"))
    (body,) = there.lrange("donations", 0, -1)
    assert json.loads(body)["source_event"]["extra4"] == "4711"


def test_a_list_that_nobody_reads_is_not_there(target: RedisTarget, there: redis.Redis) -> None:
    with target.transaction(CONSUMER) as transaction, pytest.raises(KeyError):
        transaction.put("donatoins", [event("{}")])


def test_what_is_set_aside_is_where_a_person_finds_it(
    target: RedisTarget, there: redis.Redis
) -> None:
    with target.transaction(CONSUMER) as transaction:
        transaction.set_aside("refund", event('{"a": 1}', 1), "too large")
        transaction.set_aside("refnud", event("junk", 2), "the target has no such queue")
        transaction.commit("tick 2")
    (known,) = map(DeadLetter.loads, there.lrange("refund-damaged", 0, -1))
    assert (known.queue, known.error) == ("refund", "too large: event shop/log:1")
    assert json.loads(known.body)["a"] == 1
    (unknown,) = map(DeadLetter.loads, there.lrange("donations-damaged", 0, -1))
    assert (unknown.queue, unknown.body) == ("refnud", b"junk")


def test_what_has_no_queue_to_go_to_is_set_aside_in_its_place(
    source: RedisSource, target: RedisTarget, here: redis.Redis, there: redis.Redis
) -> None:
    moving = Mover(source, target, "site-a", "mover", by_field("type"), poison_tries=1)
    target.register(moving.consumer)
    here.rpush("site-a", *BODIES)
    for _ in range(2):
        with pytest.raises(PoisonEvent):
            moving.turn()
        moving.turn()
    letters = map(DeadLetter.loads, there.lrange("donations-damaged", 0, -1))
    assert [(letter.queue, letter.body) for letter in letters] == [
        ("site-a", body) for body in BODIES
    ]


def test_who_is_not_registered_is_told(valkey: Valkey, here: redis.Redis) -> None:
    with pytest.raises(NotRegistered):
        RedisSource(valkey.url, "site-b", "mover").next_batch()


def test_who_is_not_registered_at_the_target_is_told(
    target: RedisTarget, there: redis.Redis
) -> None:
    stranger = Consumer("restored elsewhere/7", "log", "mover")
    target.forget(stranger)
    with pytest.raises(NotRegistered), target.transaction(stranger):
        raise AssertionError("it has no position")


def test_a_position_outlives_registering_again(target: RedisTarget) -> None:
    put(target, event("{}"))
    target.register(CONSUMER)
    assert target.position(CONSUMER) == "tick 2"
    target.forget(CONSUMER)
    assert target.position(CONSUMER) is None


def test_registering_twice_changes_nothing(source: RedisSource) -> None:
    identity = source.identity
    assert not source.register()
    source.close()
    assert source.identity == identity


def test_unregistering_gives_back_what_is_in_hand(source: RedisSource, here: redis.Redis) -> None:
    here.rpush("site-a", *BODIES)
    source.next_batch()
    assert source.unregister()
    assert here.lrange("site-a", 0, -1) == [*BODIES]
    with pytest.raises(NotRegistered):
        source.next_batch()


def test_the_backlog_is_what_waits_and_what_is_in_hand(
    source: RedisSource, here: redis.Redis
) -> None:
    assert source.backlog().events == 0
    here.rpush("site-a", *BODIES)
    source.next_batch()
    backlog = source.backlog()
    assert backlog.events == len(BODIES)
    pushed = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert backlog.seconds == pytest.approx((datetime.now(UTC) - pushed).total_seconds(), abs=60)


class Restored:
    """A server whose data can be set back."""

    def __init__(self, server: Valkey, copy: Path) -> None:
        self.server, self._copy = server, copy

    def back_up(self) -> None:
        self.server.kill9()
        shutil.copytree(self.server.data_dir, self._copy)
        self.server.start()

    def restore(self) -> None:
        self.server.kill9()
        shutil.rmtree(self.server.data_dir)
        shutil.copytree(self._copy, self.server.data_dir)
        self.server.start()


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[Restored]:
    # Killed, it must not lose what it has acknowledged.
    with Valkey(appendfsync="always") as server:
        yield Restored(server, tmp_path / "copy")


@pytest.fixture
def old_source(restored: Restored) -> RedisSource:
    source = RedisSource(restored.server.url, "site-a", "mover", most=3)
    source.register()
    return source


@pytest.mark.parametrize("in_hand", [False, True])
def test_a_source_set_back_is_noticed_and_can_go_on(
    in_hand: bool,
    old_source: RedisSource,
    restored: Restored,
    target: RedisTarget,
    there: redis.Redis,
) -> None:
    moving = mover(old_source, target)
    with restored.server.client() as client:
        client.rpush("site-a", *numbered(0, 10))
        moving.turn()
        if in_hand:
            old_source.next_batch()
        restored.back_up()
        drain(moving)
        restored.restore()
        client.rpush("site-a", *numbered(10, 14))
    with pytest.raises(LostPosition):
        moving.turn()
    moving.rewind()
    drain(moving)
    assert there.lrange("donations", 0, -1) == numbered(0, 14)


def test_other_messages_under_the_old_numbers_are_not_taken_for_known(
    old_source: RedisSource, restored: Restored, target: RedisTarget, there: redis.Redis
) -> None:
    moving = mover(old_source, target)
    with restored.server.client() as client:
        client.rpush("site-a", *numbered(0, 3))
        moving.turn()
        restored.back_up()
        client.rpush("site-a", *numbered(3, 6))
        moving.turn()
        restored.restore()
        client.rpush("site-a", *numbered(6, 9))
        with pytest.raises(LostPosition):
            moving.turn()
        with pytest.raises(LostPosition):
            moving.rewind()
        moving.reset()
        drain(moving)
    assert there.lrange("donations", 0, -1) == numbered(0, 9)


def test_a_target_set_back_is_noticed(
    source: RedisSource, here: redis.Redis, restored: Restored
) -> None:
    moving = mover(source, RedisTarget(restored.server.url))
    here.rpush("site-a", *numbered(0, 3))
    moving.turn()
    restored.back_up()
    here.rpush("site-a", *numbered(3, 9))
    moving.turn()
    restored.restore()
    with pytest.raises(LostPosition):
        moving.turn()
    with pytest.raises(LostPosition):
        moving.rewind()


def test_a_redis_that_is_away_is_said_so_and_comes_back(
    old_source: RedisSource, restored: Restored, target: RedisTarget, there: redis.Redis
) -> None:
    moving = mover(old_source, target)
    with restored.server.client() as client:
        client.rpush("site-a", *BODIES)
    restored.server.kill9()
    with pytest.raises(Away, match="Redis"):
        moving.turn()
    restored.server.start()
    drain(moving)
    assert there.lrange("donations", 0, -1) == [*BODIES]
