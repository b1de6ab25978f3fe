"""While the key of maintenance is there, nothing is handed out; workers live on."""

from collections.abc import Iterator

import pytest
import redis

from queues import reserved
from tests.queues.transport.conftest import Broker, Worker, wait_for
from tests.queues.transport.test_deliveries import celery
from tests.servers import DebianRedis, Server, Valkey

pytestmark = pytest.mark.proof

WINDOW = {"since": "2026-11-21T10:00:00+00:00", "by": "ada@ops", "reason": "new disk", "window": 1}


@pytest.fixture(scope="module", params=[Valkey, DebianRedis])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as running:
        yield running


@pytest.fixture
def client(server: Server) -> redis.Redis:
    client = server.client()
    client.flushall()
    return client


@pytest.fixture
def broker(valkey: Valkey) -> Broker:
    valkey.client().flushall()
    return Broker(valkey)


def hold(client: redis.Redis) -> None:
    client.hset(reserved.MAINTENANCE, mapping=WINDOW)


def take(client: redis.Redis, *queues: str) -> list[str]:
    """The queues of which something is reserved."""
    command = reserved.reserve_command(
        queues, {}, prefix="t-", lease=60, room=10, group_bytes=1000, message_bytes=100
    )
    return [group.queue for group in reserved.groups(client.execute_command(*command))]


def test_only_answers_are_handed_out(client: redis.Redis) -> None:
    queues = ("donations", "donations-damaged", "periodic", "1.reply.celery.pidbox")
    for queue in queues:
        client.rpush(queue, "message")
    hold(client)
    assert take(client, *queues) == ["1.reply.celery.pidbox"]
    assert [client.llen(queue) for queue in queues] == [1, 1, 1, 0]
    client.delete(reserved.MAINTENANCE)
    assert take(client, *queues) == list(queues[:3])


def evaluations(client: redis.Redis) -> int:
    """How many scripts the server has run for somebody."""
    return int(client.info("commandstats")["cmdstat_eval"]["calls"])


@pytest.mark.usefixtures("client")
def test_a_waiting_worker_is_held_and_wakes_at_the_end(server: Server) -> None:
    broker = Broker(server)
    with Worker(broker.url):
        broker.push("donations", "before")
        wait_for(lambda: broker.texts("done") == ["before"])
        wait_for(broker.at_rest)
        hold(broker.client)
        broker.push("donations", *map(str, range(100)))
        # Its answer says that the worker has looked at what has come in by then.
        assert "pong" in celery(broker, "inspect", "ping", "-t", "1")
        before = evaluations(broker.client)
        for number in range(100, 200):
            broker.push("donations", str(number))
        assert "pong" in celery(broker, "inspect", "ping", "-t", "1")
        # One a second, and those of the command: a push wakes nobody.
        assert evaluations(broker.client) - before < 20
        assert broker.client.llen("donations") == 200
        assert broker.texts() == ["before"]
        assert not broker.client.exists("reserved")
        broker.client.delete(reserved.MAINTENANCE)
        wait_for(lambda: len(broker.texts("done")) == 201)
        wait_for(broker.at_rest)


def test_what_is_in_hand_is_finished_and_a_new_worker_is_held_too(broker: Broker) -> None:
    broker.push("refunds", *[f"sleep:0.3:{number}" for number in range(20)])
    with Worker(broker.url):
        wait_for(broker.results)
        hold(broker.client)
        in_hand = int(broker.client.hlen("reserved"))
        wait_for(lambda: not broker.client.exists("reserved"))
        done = broker.texts("done")
        # Some may have ended between the two looks.
        assert len(done) >= in_hand > 0
        assert broker.waiting("refunds") == [f"sleep:0.3:{n}" for n in range(len(done), 20)]
        with Worker(broker.url, "-n", "second@%h"):
            # Both answer, so both have asked for messages.
            assert celery(broker, "inspect", "ping", "-t", "1").count("pong") == 2
            assert broker.texts("done") == done
            broker.client.delete(reserved.MAINTENANCE)
            wait_for(lambda: len(broker.texts("done")) == 20)
    wait_for(broker.at_rest)


@pytest.mark.proof
def test_a_consumer_that_was_cancelled_stays_cancelled(broker: Broker) -> None:
    with Worker(broker.url):
        celery(broker, "control", "cancel_consumer", "refunds", "-t", "1")
        hold(broker.client)
        broker.push("refunds", "cancelled")
        broker.push("donations", "held")
        broker.client.delete(reserved.MAINTENANCE)
        wait_for(lambda: broker.texts("done") == ["held"])
        assert "refunds" not in celery(broker, "inspect", "active_queues", "-t", "1")
        assert broker.waiting("refunds") == ["cancelled"]
        celery(broker, "control", "add_consumer", "refunds", "-t", "1")
        wait_for(lambda: broker.texts("done") == ["held", "cancelled"])
        wait_for(broker.at_rest)
