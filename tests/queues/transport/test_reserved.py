"""The atomic steps, on both servers."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import redis

from queues import reserved, scripts
from queues.reserved import Group
from tests.servers import DebianRedis, Server, Valkey

ENVELOPE = b'{"body": "W10=", "properties": {}, "headers": {}}'
prefixes = count()


@pytest.fixture(scope="module", params=[Valkey, DebianRedis])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as running:
        yield running


@pytest.fixture
def client(server: Server) -> redis.Redis:
    client = server.client()
    client.flushall()
    return client


def take(
    client: redis.Redis,
    *queues: str,
    size: int = 10,
    room: int = 10,
    lease: float = 60,
    group_bytes: int = 1000,
) -> list[Group]:
    """Reserve as the transport does; a message of more than 100 bytes is large."""
    queues = queues or ("a",)
    command = reserved.reserve_command(
        queues,
        dict.fromkeys(queues, size),
        prefix=f"{next(prefixes):06d}-",
        lease=lease,
        room=room,
        group_bytes=group_bytes,
        message_bytes=100,
    )
    answer: Any = client.execute_command(*command)  # type: ignore[no-untyped-call]  # in redis-py
    return reserved.groups(answer)


def test_takes_from_the_head_in_order_up_to_the_size(client: redis.Redis) -> None:
    client.rpush("a", *range(25))
    assert [group.messages for _ in range(3) for group in take(client)] == [
        [b"%d" % i for i in range(start, min(start + 10, 25))] for start in (0, 10, 20)
    ]
    assert take(client) == []


def test_messages_stay_what_they_are_byte_for_byte(client: redis.Redis) -> None:
    bodies = [
        b"",
        b"\x00",
        b"caf\xe9",
        b"\xff\xfe\x00\x80",
        "Zoë ✓".encode(),
        b'{"gross": 1.10}',
        b" ",
        bytes(range(256)),
    ]
    client.rpush("a", *bodies)
    (first, second) = (take(client)[0], take(client)[0])
    assert first.messages + second.messages == bodies  # the last is large, and so alone
    assert reserved.messages(client, first.tag) == ("a", first.messages)
    assert reserved.give_back(client, second.tag)
    assert reserved.restore(client, first.tag)
    assert client.lrange("a", 0, -1) == bodies


@pytest.mark.parametrize("alone", [ENVELOPE, b"x" * 101], ids=["envelope", "large"])
def test_some_go_alone(client: redis.Redis, alone: bytes) -> None:
    client.rpush("a", b"1", b"2", alone, b"3", b"4")
    assert [take(client)[0].messages for _ in range(3)] == [[b"1", b"2"], [alone], [b"3", b"4"]]


def test_a_group_is_limited_in_bytes_but_takes_one_in_any_case(client: redis.Redis) -> None:
    client.rpush("a", *[b"x" * 90] * 3)
    assert [len(take(client, group_bytes=200)[0].messages) for _ in range(2)] == [2, 1]
    client.rpush("a", b"x" * 90)
    assert len(take(client, group_bytes=10)[0].messages) == 1


def test_one_group_a_queue_and_no_more_than_there_is_room_for(client: redis.Redis) -> None:
    for queue in "abc":
        client.rpush(queue, *range(30))
    assert [
        (group.queue, len(group.messages)) for group in take(client, "b", "empty", "a", "c", room=2)
    ] == [("b", 10), ("a", 10)]
    assert take(client, "a", room=0) == []


def test_what_is_restored_goes_to_the_head_and_each_is_a_suspect_from_then(
    client: redis.Redis,
) -> None:
    client.rpush("a", *range(4))
    (group,) = take(client, size=3)
    client.rpush("a", "4")
    assert reserved.restore(client, group.tag)
    assert client.lrange("a", 0, -1) == [b"0", b"1", b"2", b"3", b"4"]
    suspects = [take(client)[0] for _ in range(3)]
    assert [(group.messages, group.deliveries) for group in suspects] == [
        ([b"0"], 1),
        ([b"1"], 1),
        ([b"2"], 1),
    ]
    assert take(client)[0].messages == [b"3", b"4"]


def test_only_a_delivery_that_begins_is_counted(client: redis.Redis) -> None:
    client.rpush("a", "poison")
    (fresh,) = take(client)
    assert reserved.begin(client, fresh.tag) == 0
    reserved.restore(client, fresh.tag)
    for counted in (2, 3, 4):
        (prefetched,) = take(client)
        reserved.restore(client, prefetched.tag)
        (begun,) = take(client)
        assert begun.deliveries == counted - 1
        assert reserved.begin(client, begun.tag) == counted
        reserved.restore(client, begun.tag)


def test_given_back_it_counts_as_never_begun(client: redis.Redis) -> None:
    client.rpush("a", "1")
    reserved.restore(client, take(client)[0].tag)
    for _ in range(3):
        (group,) = take(client)
        assert group.deliveries == 1
        assert reserved.begin(client, group.tag) == 2
        assert reserved.give_back(client, group.tag)


def test_settled_it_is_no_suspect_any_more(client: redis.Redis) -> None:
    client.rpush("a", "1", "2")
    reserved.restore(client, take(client)[0].tag)
    assert reserved.settle(client, take(client)[0].tag)
    assert client.hlen(reserved.DELIVERIES) == client.zcard(reserved.DELIVERIES_INDEX) == 1


def test_counts_are_forgotten_after_a_week(client: redis.Redis) -> None:
    client.rpush("a", "old")
    reserved.restore(client, take(client)[0].tag)
    (field,) = client.hkeys(reserved.DELIVERIES)
    client.zincrby(reserved.DELIVERIES_INDEX, -scripts.REMEMBER - 1, field)
    client.rpush("b", "new")
    reserved.restore(client, take(client, "b")[0].tag)
    assert client.hlen(reserved.DELIVERIES) == client.zcard(reserved.DELIVERIES_INDEX) == 1
    assert field not in client.hkeys(reserved.DELIVERIES)


def test_settling_pushes_dead_letters_once(client: redis.Redis) -> None:
    client.rpush("a", "1", "2")
    (group,) = take(client)
    assert reserved.settle(client, group.tag, [("a-damaged", b"\xff1"), ("b-damaged", b"2")])
    assert not reserved.settle(client, group.tag, [("a-damaged", b"again")])
    assert client.lrange("a-damaged", 0, -1) == [b"\xff1"]
    assert client.lrange("b-damaged", 0, -1) == [b"2"]
    assert reserved.held(client) == 0
    assert not client.exists("a", reserved.RESERVED, reserved.INDEX)


def test_what_is_not_held_any_more_cannot_be_ended_twice(client: redis.Redis) -> None:
    client.rpush("a", "1")
    (group,) = take(client)
    assert reserved.give_back(client, group.tag)
    assert not reserved.give_back(client, group.tag)
    assert not reserved.restore(client, group.tag)
    assert not reserved.settle(client, group.tag)
    assert reserved.begin(client, group.tag) == 0
    assert reserved.messages(client, group.tag) is None
    assert client.lrange("a", 0, -1) == [b"1"]


def test_only_leases_that_ended_are_swept_and_in_order(client: redis.Redis) -> None:
    client.rpush("a", *range(6))
    groups = [take(client, size=2)[0] for _ in range(3)]
    for group in groups:
        client.zadd(reserved.INDEX, {group.tag: 1})
    assert reserved.renew(client, [groups[1].tag, "gone"], 60) == 1
    assert reserved.sweep(client, 0) == 2
    assert client.lrange("a", 0, -1) == [b"0", b"1", b"4", b"5"]
    assert list(reserved.tags(client)) == [groups[1].tag]
    assert not client.zscore(reserved.INDEX, "gone")


def test_a_server_that_just_came_back_gives_workers_time_to_renew(client: redis.Redis) -> None:
    client.rpush("a", "1")
    (group,) = take(client)
    client.zadd(reserved.INDEX, {group.tag: 1})
    assert reserved.sweep(client, 3600) == 0
    assert reserved.held(client) == 1


def test_a_full_server_is_drained(client: redis.Redis) -> None:
    client.rpush("a", *[b"x" * 90] * 10)
    client.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.rpush("a", "one more")
        (group,) = take(client)
        assert reserved.renew(client, [group.tag], 60) == 1
        assert reserved.restore(client, group.tag)
        (group,) = take(client)
        assert reserved.begin(client, group.tag) == 2
        assert reserved.settle(client, group.tag, [("a-damaged", b"letter")])
    finally:
        client.config_set("maxmemory", "0")
