"""The swap of the origin, on an origin with two replicas: killed at each step, with a dead origin,
with counters that differ, under producers that go on.

    pytest -m proof tests/proofs/test_swap_origin.py

SWAP_SERVERS (2, in CI 1) says on how many kinds of server; 1 is Valkey, 2 Debian's Redis as well.
SWAP_EVERY (1, in CI 4): of each so many steps one is killed at.
"""

import io
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from fundraising.tracking.models import ContributionTracking
from queues import instances, sequences
from queues.origin import nodes
from tests import trio
from tests.proofs import books
from tests.proofs.swap_failpoints import DEAD_STEPS, PLANNED_STEPS, SENTINEL_STEPS
from tests.proofs.swaps import (
    Configured,
    Producer,
    abort,
    assert_swapped,
    assert_swapped_by_sentinel,
    at,
    kill_at,
    looked_at,
    swap,
    swaps,
    way_back,
)
from tests.servers import DebianRedis, Sentinel, Server, Valkey
from tests.trio import SEQUENCE, USED, Trio, holdings
from tests.workers import Stand, sqlite_stand, wait_for

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]

KINDS = [Valkey, DebianRedis][: books.size("SWAP_SERVERS", whole=2, short=1)]
NEVER = "never"
EVERY = books.size("SWAP_EVERY", whole=1, short=4)


@pytest.fixture(scope="module")
def stand(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[Stand]:
    """A database, for this process and the commands."""
    with (
        django_db_blocker.unblock(),
        sqlite_stand(tmp_path_factory.mktemp("database")) as made,
    ):
        yield made


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: str(kind.__name__))
def any_servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trio]:
    """Three servers of each kind."""
    with trio.trio(request.param, tmp_path_factory.mktemp("trio")) as made:
        yield made


@pytest.fixture
def servers(
    any_servers: Trio, stand: Stand, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Trio]:
    """An origin and two replicas, as frqueue of this process and of the commands."""
    stand.clear()
    any_servers.begin()
    url = any_servers.first.url
    settings.REDIS_INSTANCES = {"frqueue": url, "donor-prefs": url}
    monkeypatch.setenv("FRQUEUE_URL_FILE", str(any_servers.url_file))
    instances.client.cache_clear()
    yield any_servers
    instances.client.cache_clear()


def test_planned(servers: Trio) -> None:
    before = holdings(servers.first)
    assert "is the origin, as before" in abort(servers)
    swap(servers.second, "--yes")
    assert_swapped(servers, servers.second, before)


@pytest.mark.parametrize("step", [*PLANNED_STEPS][::EVERY])
def test_killed_at_each_step(step: str, servers: Trio, stand: Stand, tmp_path: Path) -> None:
    before = holdings(servers.first)
    behind = step in {"before the counter", "after the counter"}
    if behind:
        ContributionTracking.objects.create(pk=USED + 70)
    kill_at(step, servers, stand, tmp_path / "marker")
    assert len(servers.origins()) == 1
    abort(servers)
    swap(servers.second, "--yes")
    assert_swapped(servers, servers.second, before, USED + 70 * behind)


@pytest.mark.parametrize(
    "step",
    ["after promotion", "before promotion", "between the replicas", "after the counter"][::EVERY],
)
def test_the_way_back_from_each_step(
    step: str, servers: Trio, stand: Stand, tmp_path: Path
) -> None:
    before = holdings(servers.first)
    if step in {"before the counter", "after the counter"}:
        ContributionTracking.objects.create(pk=USED + 70)
    kill_at(step, servers, stand, tmp_path / "marker")
    told = abort(servers)
    if step == "before promotion":
        assert "nothing has moved" in told
    else:
        back = [line for line in told.splitlines() if line.endswith(f"--to {at(servers.first)}")]
        call_command("swap_origin", *way_back(back[0]), "--yes", stdout=io.StringIO())
    assert_swapped(servers, servers.first, before)


def test_a_dead_origin(servers: Trio) -> None:
    before = holdings(servers.first)
    servers.first.kill9()
    third = ["--replica", at(servers.third)]
    assert f"Start {at(servers.first)} again" in abort(servers, *third)
    swap(servers.second, "--yes", *third)
    # Those that were handed out last may be known to nobody who is left.
    assert_swapped(servers, servers.second, before, USED + sequences.MARGIN)


@pytest.mark.parametrize("step", [*DEAD_STEPS][::EVERY])
def test_a_dead_origin_killed_at_each_step(
    step: str, servers: Trio, stand: Stand, tmp_path: Path
) -> None:
    before = holdings(servers.first)
    servers.first.kill9()
    third = ["--replica", at(servers.third)]
    kill_at(step, servers, stand, tmp_path / "marker", *third)
    abort(servers, *third)
    swap(servers.second, "--yes", *third)
    assert_swapped(servers, servers.second, before, USED + sequences.MARGIN)


def test_a_dead_origin_and_a_replica_that_is_behind(servers: Trio) -> None:
    with servers.second.client() as client:
        client.replicaof("127.0.0.1", "1")  # cut off
    with servers.first.client() as client:
        client.rpush("donations", "pushed later")
    wait_for(lambda: holdings(servers.third) == holdings(servers.first), "the third has it")
    before = holdings(servers.first)
    servers.first.kill9()
    with pytest.raises(CommandError, match=f"bytes ahead: --to {at(servers.third)}"):
        swap(servers.second, "--yes", "--replica", at(servers.third))
    assert servers.origins() == []
    swap(servers.third, "--yes", "--replica", at(servers.second))
    assert_swapped(servers, servers.third, before)


def test_a_dead_origin_that_hangs_is_none(servers: Trio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "SOCKET_TIMEOUT", 0.5)
    os.kill(servers.first.pid, signal.SIGSTOP)
    try:
        with pytest.raises(CommandError, match=f"hears from {at(servers.first)}: that one is"):
            swap(servers.second, "--yes")
    finally:
        os.kill(servers.first.pid, signal.SIGCONT)
    assert servers.origins() == [servers.first]


def test_a_dead_origin_of_a_chain(servers: Trio) -> None:
    trio.follow(servers.third, servers.second)
    servers.wait_until_in_sync()
    before = holdings(servers.first)
    servers.first.kill9()
    swap(servers.third, "--yes")
    assert_swapped(servers, servers.third, before)


def test_a_dead_origin_and_a_replica_that_was_restarted(servers: Trio) -> None:
    before = holdings(servers.first)
    wait_for(lambda: _is_on_disk(servers.second), "the second's copy is in its file")
    servers.first.kill9()
    servers.second.kill9()
    servers.second.start()
    trio.follow(servers.second, servers.first)
    with pytest.raises(CommandError, match="never in sync with its origin since it started"):
        swap(servers.second, "--yes", "--replica", at(servers.third))
    swap(servers.third, "--yes", "--replica", at(servers.second))
    assert_swapped(servers, servers.third, before)


def _is_on_disk(server: Server) -> bool:
    state = server.client().info("persistence")
    return not (state["aof_rewrite_scheduled"] or state["aof_rewrite_in_progress"])


def test_a_dead_origin_that_comes_back_is_no_second_one(servers: Trio) -> None:
    before = holdings(servers.first)
    servers.first.kill9()
    swap(servers.second, "--yes", "--replica", at(servers.third))
    servers.first.start()
    servers.first.client().rpush("donations", "pushed to the former origin")
    first = ["--replica", at(servers.first)]
    with pytest.raises(CommandError, match=f"two origins: {at(servers.first)} .* donations 246"):
        swap(servers.second, "--yes", *first)
    assert "two origins" in looked_at(servers, "--abort", *first)
    # It is kept there until somebody has moved it.
    assert holdings(servers.first).lists["donations"][-1] == b"pushed to the former origin"
    assert holdings(servers.second).lists == before.lists


@pytest.mark.parametrize("where", ["second", "third", "database"])
def test_counters_that_differ(where: str, servers: Trio) -> None:
    before = holdings(servers.first)
    greatest = USED + 500
    if where == "database":
        ContributionTracking.objects.create(pk=greatest)
    else:
        with getattr(servers, where).client() as client:
            client.config_set("replica-read-only", "no")
            client.set(sequences.key(SEQUENCE), greatest)
    swap(servers.second, "--yes")
    assert_swapped(servers, servers.second, before, greatest)


def test_a_client_left_behind(servers: Trio, stand: Stand, tmp_path: Path) -> None:
    with stand.worker(FRQUEUE_URL=servers.first.url, DONOR_PREFS_URL=servers.first.url) as worker:
        before = holdings(servers.first)
        with pytest.raises(CommandError) as refused:
            swap(servers.second, "--yes")
        assert re.search(r"still on 127.0.0.1:\d+: worker-\w+@\S+, ", str(refused.value))
        assert "still on" in str(refused.value)
        assert servers.origins() == [servers.first]
        assert worker.stop() == 0
    swap(servers.second, "--yes")
    after = holdings(servers.second)
    assert after.lists["donations"] == before.lists["donations"]
    assert servers.origins() == [servers.second]


def test_what_is_pushed_meanwhile_is_refused_or_kept(servers: Trio) -> None:
    producer = Producer(servers.first)
    producer.start()
    try:
        wait_for(lambda: len(producer.acknowledged) > 20, "pushes")
        wait_for(lambda: swaps(servers.second), "an instant without a client", 120)
        wait_for(lambda: producer.refused > 20, "refused pushes")
    finally:
        producer.done.set()
        producer.join()
    servers.wait_until_in_sync()
    for server in servers.servers:
        assert holdings(server).lists["pending"] == producer.acknowledged


@pytest.fixture
def sentinel(servers: Trio, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a Sentinel that watches the origin, as clients have it."""
    with Sentinel(servers.first) as watching:
        url = f"{watching.url}?master_name={watching.master_name}"
        settings.REDIS_INSTANCES = {"frqueue": url, "donor-prefs": url}
        monkeypatch.delenv("FRQUEUE_URL_FILE")
        client: Any = watching.client()
        # It knows of replicas by asking the origin.
        wait_for(
            lambda: (
                len(client.sentinel_slaves(watching.master_name)) == 2
                and all(
                    not each["is_disconnected"] and each["slave-repl-offset"]
                    for each in client.sentinel_slaves(watching.master_name)
                )
            ),
            "Sentinel sees both replicas",
        )
        yield url


@pytest.mark.parametrize("step", [*SENTINEL_STEPS, NEVER][::EVERY])
def test_by_sentinel_killed_at_each_step(
    step: str, servers: Trio, sentinel: str, stand: Stand, tmp_path: Path
) -> None:
    before = holdings(servers.first)
    if step == NEVER:
        assert "is the origin, as before" in abort(servers)
    else:
        kill_at(step, servers, stand, tmp_path / "marker", url=sentinel)
    if step == "after the fence":
        told = looked_at(servers, "--abort")
        assert "it takes no writes until its fence is lifted" in told
        with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
            servers.first.client().rpush("donations", "too late")
    swap(servers.second, "--yes")
    assert_swapped_by_sentinel(servers, sentinel, before)


@pytest.mark.skipif(EVERY > 1, reason="SWAP_EVERY: Sentinel takes its time")
def test_after_sentinel_chose_another(servers: Trio, sentinel: str) -> None:
    before = holdings(servers.first)
    servers.first.kill9()
    (chosen,) = wait_for(servers.origins, "Sentinel chose one", 60)
    servers.wait_until_in_sync()
    other = next(each for each in servers.running() if each is not chosen)
    swap(other, "--yes")
    servers.wait_until_in_sync()
    assert servers.origins() == [other]
    after = holdings(other)
    assert (after.lists, after.reserved) == (before.lists, before.reserved)
    assert after.counter >= USED + sequences.MARGIN


def test_roles_outlive_a_restart(stand: Stand, settings: Settings, tmp_path: Path) -> None:
    with trio.trio(Configured, tmp_path) as servers:
        before = holdings(servers.first)
        settings.REDIS_INSTANCES = {"frqueue": servers.first.url, "donor-prefs": ""}
        assert "left to you: set FRQUEUE_URL" in swap(servers.second, "--yes")
        for server in servers.servers:
            server.stop()
        for server in servers.servers:
            server.start()
        servers.wait_until_in_sync()
        assert servers.origins() == [servers.second]
        assert [holdings(each).lists for each in servers.servers] == [before.lists] * 3
