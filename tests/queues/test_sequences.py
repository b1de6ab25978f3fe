"""A counter in Redis that may go back, and numbers that must not."""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import pytest
import redis
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from fundraising.crm.models import Contribution
from fundraising.tracking.models import ContributionTracking
from queues import instances, sequences
from queues.celery import upkeep
from queues.effects import each
from queues.models import SequenceGuard, SequenceNumber
from queues.sequences import MARGIN, SequenceBehind, next_id
from queues.tasks import check_sequences
from tests.crm.imports import donation, import_group
from tests.queues.conftest import Gifts, gift
from tests.queues.routes import Gift
from tests.servers import DebianRedis, Server, Valkey
from tests.workers import wait_for

NAME = "contribution-tracking"
KEY = "sequence_contribution-tracking"

pytestmark = pytest.mark.django_db


def use(*numbers: int) -> None:
    """Visits with these numbers were imported."""
    ContributionTracking.objects.bulk_create(ContributionTracking(id=one) for one in numbers)


@pytest.fixture(params=[Valkey, DebianRedis])
def server_class(request: pytest.FixtureRequest) -> type[Server]:
    if request.param is DebianRedis and shutil.which("redis-server") is None:
        pytest.skip("Debian's redis-server is not installed")
    return request.param


def make(kind: type[Server] = Valkey) -> Server:
    """A server whose replicas need not wait for others."""
    return kind(repl_diskless_sync_delay="0")


@pytest.fixture
def move(settings: Settings) -> Iterator[Callable[[Server], redis.Redis]]:
    """Make a server the one that sequences are on, for this process."""

    def to(server: Server) -> redis.Redis:
        settings.REDIS_INSTANCES = {"frqueue": server.url}
        instances.client.cache_clear()
        return server.client()

    yield to
    instances.client.cache_clear()


def replicate(origin: Server, replica: Server) -> None:
    replica.client().replicaof("127.0.0.1", origin.port)
    wait_for(
        lambda: replica.client().info("replication").get("master_link_status") == "up", "in sync"
    )


def test_numbers_count_up(frqueue: redis.Redis) -> None:
    frqueue.set(KEY, 41)
    assert [next_id(NAME) for _ in range(3)] == [42, 43, 44]
    assert int(frqueue.get(KEY) or 0) == 44


def test_a_counter_behind_hands_out_none_until_it_is_repaired(frqueue: redis.Redis) -> None:
    frqueue.set(KEY, 41)
    use(100)
    for _ in range(2):
        with pytest.raises(SequenceBehind, match="check_sequence --repair"):
            next_id(NAME)
        assert sequences.check(NAME).behind == 59
    assert frqueue.get(KEY) == b"41"
    sequences.check(NAME, repair=True, margin=7)
    assert next_id(NAME) == 108


def test_numbers_that_others_import_meanwhile_do_no_harm(frqueue: redis.Redis) -> None:
    assert next_id(NAME) == 1
    use(int(frqueue.incr(KEY)))
    assert next_id(NAME) == 3


def test_a_message_in_need_of_a_number_waits_and_others_do_not(frqueue: redis.Redis) -> None:
    frqueue.set(KEY, 41)
    use(100)
    without = donation(contribution_tracking_id="", utm_source="web")
    items = import_group(donation(), without, donation())
    verdicts = [item.verdict and (item.verdict.outcome, item.verdict.code) for item in items]
    assert verdicts == [None, ("park", "SEQUENCE_BEHIND"), None]
    sequences.check(NAME, repair=True)
    (again,) = import_group(without)
    assert again.verdict is None
    row = Contribution.objects.get(gateway_txn_id=without["gateway_txn_id"])
    assert (row.contribution_tracking_id or 0) > MARGIN + 70_000


def test_a_server_that_gives_no_number_lets_messages_wait(gifts: Gifts) -> None:
    def number(_: Gift) -> None:
        next_id(NAME)

    gifts.push(gift(1))
    gifts.redis.set(KEY, "junk")
    gifts.deliver(each(number))
    assert gifts.damaged() == []
    assert json.loads(gifts.redis.lrange("gifts", 0, -1)[0]) == gift(1)


# Servers that forget


def test_a_replica_that_lacks_numbers(
    server_class: type[Server], move: Callable[[Server], redis.Redis]
) -> None:
    with make(server_class) as origin, make(server_class) as replica:
        client = move(origin)
        replicate(origin, replica)
        first = next_id(NAME)
        wait_for(lambda: replica.client().get(KEY) == b"%d" % first, "replicated")
        replica.client().replicaof("NO", "ONE")
        taken_by_front_ends = [int(client.incr(KEY)) for _ in range(50)]
        ours = next_id(NAME)
        client = move(replica)
        # What was imported is in use, so a person must look.
        assert client.get(KEY) == b"%d" % first
        with pytest.raises(SequenceBehind):
            next_id(NAME)
        SequenceNumber.objects.filter(number=ours).delete()
        # And without any trace in the database the margin is leaped.
        assert next_id(NAME) == first + MARGIN + 1 > max(taken_by_front_ends)


def test_a_server_that_became_a_replica_of_an_older_one_and_returned(
    move: Callable[[Server], redis.Redis],
) -> None:
    """The process is the same, its data is not."""
    with make() as origin, make() as older:
        client = move(origin)
        run_id = client.info("server")["run_id"]
        replicate(origin, older)
        first = next_id(NAME)
        wait_for(lambda: older.client().get(KEY) == b"%d" % first, "replicated")
        older.client().replicaof("NO", "ONE")
        lost = int(client.incr(KEY))
        replicate(older, origin)
        client.replicaof("NO", "ONE")
        assert client.info("server")["run_id"] == run_id
        assert client.get(KEY) == b"%d" % first
        assert next_id(NAME) > lost + 1000


def test_a_restart_that_lost_the_tail_of_the_log(
    server_class: type[Server], move: Callable[[Server], redis.Redis], tmp_path: Path
) -> None:
    with server_class(appendfsync="always") as server:
        client = move(server)
        next_id(NAME)
        shutil.copytree(server.data_dir, tmp_path / "earlier")
        lost = [int(client.incr(KEY)) for _ in range(50)]
        server.kill9()
        shutil.rmtree(server.data_dir)
        shutil.copytree(tmp_path / "earlier", server.data_dir)
        client = move(server.start())
        assert client.get(KEY) == b"1"
        assert next_id(NAME) == MARGIN + 2 > max(lost)
        # Once only, on this server.
        assert next_id(NAME) == MARGIN + 3


def test_what_a_check_saw_is_not_forgotten_with_the_server(
    move: Callable[[Server], redis.Redis],
) -> None:
    with Valkey() as server, Valkey() as empty:
        move(server).set(KEY, 5_000_000)
        assert sequences.check(NAME).counter == 5_000_000
        client = move(empty)
        assert sequences.state(NAME).least == 5_000_000
        # As a worker does when it connects: at once, before front ends take many.
        assert sequences.check(NAME).counter == 5_000_000 + MARGIN == int(client.get(KEY) or 0)
        client.set(KEY, 3)
        assert sequences.check(NAME).counter == 5_000_000 + 2 * MARGIN


def test_a_replica_gives_no_number(move: Callable[[Server], redis.Redis]) -> None:
    with make() as origin, make() as replica:
        replicate(origin, replica)
        move(replica)
        with pytest.raises(redis.ConnectionError, match="gives no number"):
            next_id(NAME)


# Raising


def test_raising_never_lowers(frqueue: redis.Redis) -> None:
    frqueue.set(KEY, 500)
    assert sequences.raise_to(frqueue, NAME, 3) == 500
    assert sequences.raise_to(frqueue, NAME, 501) == 501
    assert sequences.check(NAME, repair=True).counter == 501
    for wrong in (-1, 2**53):
        with pytest.raises(ValueError, match="cannot be raised"):
            sequences.raise_to(frqueue, NAME, wrong)


def test_raising_at_once_with_those_who_take_numbers(frqueue: redis.Redis) -> None:
    """No number is given twice, and none is undone."""

    def take(_: int) -> list[int]:
        return [int(frqueue.incr(KEY)) for _ in range(200)]

    def lift(step: int) -> list[int]:
        return [sequences.raise_to(frqueue, NAME, step * turn) for turn in range(200)]

    with ThreadPoolExecutor(8) as pool:
        raised = [pool.submit(lift, step) for step in (1, 3, 5, 7)]
        taken = [number for numbers in pool.map(take, range(4)) for number in numbers]
    assert len(set(taken)) == len(taken) == 800
    values = [value for one in raised for value in one.result()]
    assert int(frqueue.get(KEY) or 0) == max(*taken, *values)
    assert max(values) >= 7 * 199


def test_two_repairs_at_once_raise_it_once(frqueue: redis.Redis) -> None:
    frqueue.set(KEY, 41)
    use(100)
    known = sequences.state(NAME)
    with ThreadPoolExecutor(8) as pool:
        repairs = [
            pool.submit(sequences._check, frqueue, NAME, known, repair=True) for _ in range(8)
        ]
    assert {repair.result()[1] for repair in repairs} == {100 + MARGIN}
    assert [repair.result()[0] for repair in repairs].count(b"leapt") == 1


# The command and what checks keep


def run(*words: str) -> str:
    out = StringIO()
    call_command("check_sequence", *words, stdout=out)
    return out.getvalue()


def test_the_command(frqueue: redis.Redis) -> None:
    frqueue.set(KEY, 41)
    use(40)
    assert f"{NAME}: in order" in run()
    use(2_000_000)
    with pytest.raises(CommandError, match="run with --repair") as refused:
        run()
    assert refused.value.returncode == 1
    with pytest.raises(CommandError, match="1999959 above the counter") as too_far:
        run("--repair")
    assert too_far.value.returncode == 3
    assert "would be raised to 2000007" in run(
        "--repair", "--dry-run", "--margin=7", "--most=1999959"
    )
    assert frqueue.get(KEY) == b"41"
    assert "raised to 2000007" in run(NAME, "--repair", "--margin=7", "--most=1999959")
    assert frqueue.get(KEY) == b"2000007"
    assert "in order" in run("--repair")
    with pytest.raises(CommandError, match="no sequence: other"):
        run("other")


def test_urgency_is_said_once(frqueue: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    use(100)
    for _ in range(3):
        sequences.check(NAME)
    levels = [record.levelname for record in caplog.records if record.name == "queues.sequences"]
    assert levels == ["CRITICAL", "WARNING", "WARNING"]
    guard = SequenceGuard.objects.get()
    assert (guard.counter, guard.behind) == (0, 100)


def test_old_numbers_go_but_for_the_greatest(frqueue: redis.Redis) -> None:
    for _ in range(3):
        next_id(NAME)
    SequenceNumber.objects.update(taken_at=timezone.now() - 2 * sequences.KEEP_NUMBERS)
    assert [next_id(NAME), next_id(NAME)] == [4, 5]
    sequences.check(NAME)
    assert sorted(SequenceNumber.objects.values_list("number", flat=True)) == [4, 5]
    SequenceNumber.objects.update(taken_at=timezone.now() - 2 * sequences.KEEP_NUMBERS)
    sequences.check(NAME)
    assert sequences.used(NAME)["queues.SequenceNumber"] == 5


def test_beat_checks_where_the_sequences_are(frqueue: redis.Redis) -> None:
    assert upkeep("frqueue")["check-sequences"]["task"] == check_sequences.name
    assert "check-sequences" not in upkeep("donor-prefs")
    frqueue.set(KEY, 41)
    check_sequences()
    assert SequenceGuard.objects.get().counter == 41
