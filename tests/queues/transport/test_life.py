"""Workers and servers that stop, die, come back: nothing is lost, and nobody waits long."""

from collections.abc import Iterator

import pytest

from queues import reserved
from queues.leases import LEASE_PART
from tests.queues.transport.conftest import VISIBILITY_TIMEOUT, Broker, Worker, wait_for
from tests.servers import Sentinel, Valkey


@pytest.fixture
def own() -> Iterator[tuple[Valkey, Broker]]:
    """A server of the test's own, to kill."""
    with Valkey() as server:
        yield server, Broker(server)


@pytest.fixture
def broker(valkey: Valkey) -> Broker:
    """The server of the session, empty."""
    valkey.client().flushall()
    return Broker(valkey)


def test_what_a_dead_worker_held_comes_back_in_order_and_suspect(broker: Broker) -> None:
    broker.push("refunds", *[f"sleep:60:{number}" for number in range(7)])
    with Worker(broker.url) as worker:
        wait_for(lambda: len(broker.results()) == 2 and broker.client.hlen("reserved") == 7)
        worker.kill9()
    seconds, _ = broker.client.time()
    # With the sweeps every twelfth of it, all is back within the visibility timeout.
    assert (
        max(reserved.tags(broker.client).values()) <= seconds + 1 + VISIBILITY_TIMEOUT * LEASE_PART
    )
    broker.client.delete("results")
    with Worker(broker.url, PREFETCH="10"):
        wait_for(lambda: len(broker.results()) == 2 and broker.client.hlen("deliveries") == 7)
        assert sorted(broker.texts()) == ["sleep:60:0", "sleep:60:1"]


@pytest.mark.proof
def test_a_busy_worker_restores_too(broker: Broker) -> None:
    broker.push("refunds", "lost")
    with Worker(broker.url):
        broker.client.hset("reserved", "dead", b"\x93\xa5other\x00\xa6orphan")
        broker.client.zadd("reserved_index", {"dead": 1})
        broker.push("donations", *["sleep:0.01"] * 1000)
        wait_for(lambda: "orphan" in broker.texts())
        assert broker.client.llen("donations") > 0
        broker.client.delete("donations")
        wait_for(broker.at_rest)


def test_warm_shutdown_finishes_what_runs_and_gives_back_the_rest_uncounted(broker: Broker) -> None:
    broker.push("refunds", *[f"sleep:1:{number}" for number in range(12)])
    with Worker(broker.url) as worker:
        wait_for(lambda: len(broker.results()) == 2)
        worker.stop()
    assert sorted(broker.texts()) == sorted(broker.texts("done"))
    left = broker.waiting("refunds")
    assert left == [f"sleep:1:{number}" for number in range(len(broker.texts()), 12)]
    assert not broker.client.exists("reserved", "reserved_index", "deliveries")
    broker.client.delete("refunds")


@pytest.mark.proof
def test_stopping_under_load_ends_soon_and_runs_nothing_twice(broker: Broker) -> None:
    numbers = [f"sleep:0.001:{number}" for number in range(2000)]
    broker.push("refunds", *numbers)
    for _ in range(2):
        before = len(broker.results("done"))
        with Worker(broker.url) as worker:
            wait_for(lambda: len(broker.results("done")) > before + 20)  # noqa: B023
            worker.stop()
        assert not broker.client.exists("reserved")
    left = broker.waiting("refunds")
    assert sorted(broker.texts("done") + left) == sorted(numbers)
    broker.client.delete("refunds")


@pytest.mark.proof
def test_a_worker_outlives_its_redis_and_acknowledges_what_ran_meanwhile(
    own: tuple[Valkey, Broker],
) -> None:
    server, broker = own
    with Valkey() as elsewhere, Worker(broker.url, RESULTS=elsewhere.url) as worker:
        facts = Broker(elsewhere)
        broker.push("refunds", "sleep:0.5")
        wait_for(facts.results)
        server.kill9()
        wait_for(lambda: facts.results("done"))
        server.start()
        broker.push("refunds", "after it")
        wait_for(lambda: "after it" in facts.texts("done"))
        wait_for(broker.at_rest)
        assert facts.texts() == ["sleep:0.5", "after it"]
        assert worker.alive()


@pytest.mark.proof
def test_a_broken_connection_does_not_run_a_task_twice(broker: Broker) -> None:
    with Worker(broker.url):
        broker.push("refunds", "sleep:1")
        wait_for(broker.results)
        broker.client.client_kill_filter(_type="normal", skipme=True)
        wait_for(lambda: broker.results("done"))
        wait_for(broker.at_rest)
        broker.push("refunds", "after it")
        wait_for(lambda: "after it" in broker.texts("done"))
        assert broker.texts() == ["sleep:1", "after it"]


@pytest.mark.parametrize("pool", ["solo", pytest.param("threads", marks=pytest.mark.proof)])
def test_other_pools_keep_their_leases_too(broker: Broker, pool: str) -> None:
    with Worker(broker.url, "-P", pool):
        broker.push("donations", f"sleep:{VISIBILITY_TIMEOUT * 1.5}")
        with Worker(broker.url, "-n", "second@%h"):
            wait_for(lambda: broker.results("done"))
        assert len(broker.results()) == 1
        wait_for(broker.at_rest)


def test_through_sentinel(own: tuple[Valkey, Broker]) -> None:
    server, broker = own
    with Sentinel(server) as sentinel, Worker(sentinel.url, RESULTS=broker.url):
        broker.push("donations", "1", "2")
        wait_for(lambda: sorted(broker.texts("done")) == ["1", "2"])
        wait_for(broker.at_rest)
