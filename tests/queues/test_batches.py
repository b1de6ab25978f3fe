"""Batches on a real server: every step, alone and in the way of others."""

from collections.abc import Iterator

import pytest
import redis

from queues import batches
from queues.batches import OutOfStep, Put, Taken
from tests.servers import DebianRedis, Server, Valkey

NAME = "gifts->thanks"


@pytest.fixture
def target(frqueue: redis.Redis, valkey: Valkey) -> Iterator[redis.Redis]:
    """Another Redis than frqueue."""
    with redis.Redis(port=valkey.port, db=1) as client:
        yield client


def fill(client: redis.Redis, count: int, queue: str = "gifts") -> list[bytes]:
    """Push so many different messages."""
    messages = [b"%d" % number for number in range(count)]
    client.rpush(queue, *messages)
    return messages


def contents(client: redis.Redis, queue: str) -> list[bytes]:
    """What stands on a list."""
    return list(client.lrange(queue, 0, -1))


def carry(target: redis.Redis, taken: Taken, queue: str = "thanks") -> Put:
    """Put a batch on one list."""
    return batches.put(
        target, NAME, taken.previous, taken.position, [(queue, m) for m in taken.messages]
    )


def take(client: redis.Redis, most: int = 2) -> Taken:
    """Take a batch that is there."""
    taken = batches.take(client, "gifts", NAME, most)
    assert taken is not None
    return taken


def move_one_batch(source: redis.Redis, target: redis.Redis, most: int = 2) -> Taken:
    """All three steps."""
    taken = take(source, most)
    assert carry(target, taken) is Put.DONE
    assert batches.release(source, NAME, taken.position)
    return taken


def test_batches_go_over_in_order(frqueue: redis.Redis, target: redis.Redis) -> None:
    messages = fill(frqueue, 5)
    numbers = [move_one_batch(frqueue, target).number for _ in range(3)]
    assert numbers == [1, 2, 3]
    assert contents(target, "thanks") == messages
    assert not frqueue.exists("gifts")
    assert batches.take(frqueue, "gifts", NAME, 2) is None


def test_what_is_in_hand_is_answered_until_it_is_released(frqueue: redis.Redis) -> None:
    fill(frqueue, 5)
    first = take(frqueue)
    assert take(frqueue, 4) == first == batches.held(frqueue, NAME)
    assert not batches.release(frqueue, NAME, "another.1")
    assert batches.release(frqueue, NAME, first.position)
    assert not batches.release(frqueue, NAME, first.position)
    assert batches.held(frqueue, NAME) is None
    assert take(frqueue).messages == [b"2", b"3"]


def test_a_batch_is_bounded_by_bytes_but_never_empty(frqueue: redis.Redis) -> None:
    frqueue.rpush("gifts", b"x" * 50, b"a" * 6, b"b" * 4, b"c")
    sizes = []
    while taken := batches.take(frqueue, "gifts", NAME, 100, most_bytes=10):
        sizes.append(list(map(len, taken.messages)))
        batches.release(frqueue, NAME, taken.position)
    assert sizes == [[50], [6, 4], [1]]


def test_fifty_thousand_messages_and_large_ones(frqueue: redis.Redis, target: redis.Redis) -> None:
    messages = [b"%0200d" % number for number in range(50_000)]
    frqueue.rpush("gifts", *messages)
    assert move_one_batch(frqueue, target, 50_000).messages == messages
    large = [bytes([number]) * 2**20 for number in range(18)]
    frqueue.rpush("gifts", *large)
    assert len(move_one_batch(frqueue, target, 50_000).messages) == 16
    assert len(move_one_batch(frqueue, target, 50_000).messages) == 2
    assert contents(target, "thanks") == messages + large


def test_any_bytes_go_through(frqueue: redis.Redis, target: redis.Redis) -> None:
    messages = [b"", b"\0", b"\xff\xfe", b"a\nb", "\N{SNOWMAN}".encode()]
    frqueue.rpush("gifts", *messages)
    move_one_batch(frqueue, target, 10)
    assert contents(target, "thanks") == messages


def test_the_same_batch_is_put_once(frqueue: redis.Redis, target: redis.Redis) -> None:
    fill(frqueue, 2)
    taken = take(frqueue)
    assert carry(target, taken) is Put.DONE
    assert carry(target, taken) is Put.KNOWN
    assert contents(target, "thanks") == taken.messages


def test_another_content_under_the_same_number_is_refused(
    frqueue: redis.Redis, target: redis.Redis
) -> None:
    fill(frqueue, 2)
    taken = take(frqueue)
    carry(target, taken)
    with pytest.raises(OutOfStep, match="other messages"):
        carry(target, taken, queue="gifts")
    # The bytes are the same in a row, but they are other messages.
    pushes = [("thanks", b"01")]
    with pytest.raises(OutOfStep, match="other messages"):
        batches.put(target, NAME, taken.previous, taken.position, pushes)
    assert contents(target, "thanks") == taken.messages


def test_a_rival_that_was_paused_is_out_of_step(frqueue: redis.Redis, target: redis.Redis) -> None:
    fill(frqueue, 4)
    paused = take(frqueue)
    move_one_batch(frqueue, target)
    second = move_one_batch(frqueue, target)
    with pytest.raises(OutOfStep, match="the target is at"):
        carry(target, paused)
    assert not batches.release(frqueue, NAME, paused.position)
    assert not batches.give_back(frqueue, NAME, paused.position)
    fence = batches.fence(target, NAME)
    assert fence is not None
    assert fence.position == second.position


def test_what_is_given_back_stands_at_the_head_and_a_rival_cannot_put_it(
    frqueue: redis.Redis, target: redis.Redis
) -> None:
    messages = fill(frqueue, 5)
    rival = take(frqueue, 3)
    batches.put(target, NAME, rival.previous, rival.position, [])
    assert batches.give_back(frqueue, NAME, rival.position)
    assert contents(frqueue, "gifts") == messages
    with pytest.raises(OutOfStep):
        carry(target, rival)
    assert move_one_batch(frqueue, target, 3).number == 2
    assert contents(target, "thanks") == messages[:3]


def test_a_batch_goes_to_several_lists(target: redis.Redis) -> None:
    pushes = [("a", b"1"), ("a", b"2"), ("b", b"3"), ("a", b"4")]
    assert batches.put(target, NAME, "", "somewhere", pushes) is Put.DONE
    assert contents(target, "a") == [b"1", b"2", b"4"]
    assert contents(target, "b") == [b"3"]
    assert batches.put(target, NAME, "somewhere", "further", []) is Put.DONE


def test_a_key_that_is_no_list_takes_nothing_of_the_batch(target: redis.Redis) -> None:
    target.set("b", "text")
    with pytest.raises(redis.ResponseError, match="no list"):
        batches.put(target, NAME, "", "somewhere", [("a", b"1"), ("b", b"2")])
    assert not target.exists("a")
    assert batches.fence(target, NAME) is None


def test_two_passages_do_not_meet(frqueue: redis.Redis) -> None:
    fill(frqueue, 2)
    one = batches.take(frqueue, "gifts", "one", 1)
    other = batches.take(frqueue, "gifts", "other", 1)
    assert one is not None
    assert other is not None
    assert (one.messages, other.messages) == ([b"0"], [b"1"])
    assert one.epoch != other.epoch


class TestRestored:
    """One side was restored from older data."""

    def test_the_source_took_the_same_batch_again(
        self, frqueue: redis.Redis, target: redis.Redis
    ) -> None:
        messages = fill(frqueue, 4)
        move_one_batch(frqueue, target)
        backup = backup_of(frqueue)
        move_one_batch(frqueue, target)
        restore(frqueue, backup)
        assert carry(target, take(frqueue)) is Put.KNOWN
        assert contents(target, "thanks") == messages

    @pytest.mark.parametrize("batches_since", [1, 2])
    def test_the_source_is_behind(
        self, frqueue: redis.Redis, target: redis.Redis, batches_since: int
    ) -> None:
        fill(frqueue, 8)
        move_one_batch(frqueue, target)
        backup = backup_of(frqueue)
        for _ in range(batches_since):
            move_one_batch(frqueue, target)
        restore(frqueue, backup)
        with pytest.raises(OutOfStep):
            carry(target, take(frqueue, 3))
        assert target.llen("thanks") == 2 + 2 * batches_since

    def test_the_source_knows_nothing(self, frqueue: redis.Redis, target: redis.Redis) -> None:
        fill(frqueue, 4)
        backup = backup_of(frqueue)
        move_one_batch(frqueue, target)
        restore(frqueue, backup)
        with pytest.raises(OutOfStep):
            carry(target, take(frqueue))
        assert target.llen("thanks") == 2

    def test_the_target_lost_the_batch_in_hand(
        self, frqueue: redis.Redis, target: redis.Redis
    ) -> None:
        messages = fill(frqueue, 4)
        move_one_batch(frqueue, target)
        backup = backup_of(target)
        carry(target, take(frqueue))
        restore(target, backup)
        assert carry(target, take(frqueue)) is Put.DONE
        assert contents(target, "thanks") == messages

    @pytest.mark.parametrize("batches_before", [0, 1])
    def test_the_target_lost_batches(
        self, frqueue: redis.Redis, target: redis.Redis, batches_before: int
    ) -> None:
        fill(frqueue, 8)
        for _ in range(batches_before):
            move_one_batch(frqueue, target)
        backup = backup_of(target)
        move_one_batch(frqueue, target)
        restore(target, backup)
        with pytest.raises(OutOfStep):
            carry(target, take(frqueue))
        assert target.llen("thanks") == 2 * batches_before

    def test_who_forgets_begins_anew(self, frqueue: redis.Redis, target: redis.Redis) -> None:
        messages = fill(frqueue, 4)
        move_one_batch(frqueue, target)
        take(frqueue)
        assert batches.forget(frqueue, NAME) == 2
        assert batches.forget(target, NAME) == 0
        assert contents(frqueue, "gifts") == messages[2:]
        assert move_one_batch(frqueue, target).number == 1
        assert contents(target, "thanks") == messages


def backup_of(client: redis.Redis) -> dict[bytes, bytes]:
    """All of a Redis."""
    return {key: client.dump(key) for key in client.scan_iter()}


def restore(client: redis.Redis, backup: dict[bytes, bytes]) -> None:
    """Back to that."""
    client.flushdb()
    for key, value in backup.items():
        client.restore(key, 0, value)


class TestPick:
    """Messages out of the middle of a list."""

    def test_the_others_keep_their_places(self, frqueue: redis.Redis) -> None:
        frqueue.rpush("gifts", *"abacada")
        taken = batches.pick(frqueue, "gifts", NAME, [b"a", b"c", b"a", b"gone"])
        assert taken is not None
        assert taken.messages == [b"a", b"a", b"c"]
        assert contents(frqueue, "gifts") == [b"b", b"a", b"d", b"a"]

    def test_what_is_gone_is_not_taken(self, frqueue: redis.Redis) -> None:
        fill(frqueue, 3)
        assert batches.pick(frqueue, "gifts", NAME, [b"x"]) is None
        assert batches.pick(frqueue, "gifts", NAME, []) is None
        assert frqueue.llen("gifts") == 3

    def test_what_is_in_hand_comes_first(self, frqueue: redis.Redis) -> None:
        fill(frqueue, 5)
        first = take(frqueue)
        assert batches.pick(frqueue, "gifts", NAME, [b"4"]) == first

    def test_it_is_bounded_by_bytes(self, frqueue: redis.Redis) -> None:
        messages = fill(frqueue, 1000)
        taken = batches.pick(frqueue, "gifts", NAME, messages, most_bytes=20)
        assert taken is not None
        assert taken.messages == messages[:15]
        assert contents(frqueue, "gifts") == messages[15:]

    def test_many_from_a_long_list(self, frqueue: redis.Redis) -> None:
        messages = [b"%0200d" % number for number in range(20_000)]
        frqueue.rpush("gifts", *messages)
        taken = batches.pick(frqueue, "gifts", NAME, messages[::2])
        assert taken is not None
        assert taken.messages == messages[::2]
        assert contents(frqueue, "gifts") == messages[1::2]


@pytest.mark.parametrize("program", [Valkey, DebianRedis])
def test_a_full_redis_can_be_emptied(program: type[Server]) -> None:
    with program() as server, server.client() as client:
        fill(client, 1000)
        client.config_set("maxmemory", 1)
        taken = take(client, 100)
        assert batches.give_back(client, NAME, taken.position)
        picked = batches.pick(client, "gifts", NAME, [b"7", b"9"])
        assert picked is not None
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            batches.put(client, NAME, "", picked.position, [("thanks", b"7")])
        assert batches.release(client, NAME, picked.position)
        assert client.llen("gifts") == 998
