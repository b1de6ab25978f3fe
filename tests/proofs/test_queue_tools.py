"""kill -9 of the tools on lists, at each of their steps and at random instants under load.

    pytest -m proof tests/proofs/test_queue_tools.py
    PROOF_TOOL_KILLS=2000 pytest -m proof tests/proofs/test_queue_tools.py -k random

A tool runs in a child of this process, so that there can be many. A step is an instant at which
something leaves or has reached the process: just before and after it sends a command to Redis,
after the answer, before and after a file is synced.
"""

import base64
import itertools
import json
import os
import random
import select
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import wraps
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings
from redis.client import Pipeline
from redis.connection import AbstractConnection

from queues import instances, passages, reserved
from queues.management.commands import queue_dump, queue_load, queue_move, queue_purge
from queues.routes import routes
from tests.proofs.books import size
from tests.servers import DebianRedis, Server, Valkey
from tests.workers import wait_for

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1800)]

BATCH = 7
#: A queue of the route table, and a list of the other instance.
SOURCE, TARGET = "donations", "held"

Step = Callable[[], None]


@pytest.fixture(scope="module", params=[Valkey] if "CI" in os.environ else [Valkey, DebianRedis])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each server program; both instances are on it."""
    with request.param() as running:
        yield running


@pytest.fixture
def source(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[redis.Redis]:
    """A client of an empty frqueue; batches are small."""
    settings.REDIS_INSTANCES = {
        "frqueue": server.url,
        "donor-prefs": server.url.removesuffix("0") + "1",
    }
    instances.client.cache_clear()
    monkeypatch.setattr(passages, "BATCH", BATCH)
    client = instances.client("frqueue")
    client.flushall()
    yield client
    instances.client.cache_clear()


@pytest.fixture
def target(source: redis.Redis) -> redis.Redis:
    """A client of donor-prefs."""
    return instances.client("donor-prefs")


class Child:
    """A function in a process of its own, killed by -9 if it lasts."""

    def __init__(self, function: Callable[[], object]) -> None:
        reader, writer = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(reader)
            code = 1
            try:
                instances.client.cache_clear()
                function()
                code = 0
            except CommandError as error:
                os.write(writer, str(error).encode()[:4000])
            finally:
                os._exit(code)
        os.close(writer)
        self._reader = reader

    def wait(self, seconds: float | None = None) -> bool:
        """Let it live so long, for ever by default; whether it came to its end. Raises
        AssertionError if that was an error.
        """
        ended, _, _ = select.select([self._reader], [], [], seconds)
        if not ended:
            os.kill(self.pid, signal.SIGKILL)
        said = os.read(self._reader, 4000).decode()
        os.close(self._reader)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        assert code in (0, -signal.SIGKILL), said or code
        return code == 0


def tool(*words: str | Path) -> Callable[[], object]:
    """A command, quiet. All that it imports is there before a child begins."""
    modules = {
        "queue_dump": queue_dump,
        "queue_load": queue_load,
        "queue_move": queue_move,
        "queue_purge": queue_purge,
    }
    name, *arguments = map(str, words)
    command = modules[name].Command()
    routes()
    return lambda: call_command(command, *arguments, stdout=StringIO(), stderr=StringIO())


def killed_at(number: int, function: Callable[[], object]) -> Callable[[], object]:
    """The function, killed at its n-th step from 0. Only in a child."""

    def run() -> object:
        left = number

        def step() -> None:
            nonlocal left
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

        for owner, name in ((redis.Redis, "execute_command"), (Pipeline, "execute"), (os, "fsync")):
            setattr(owner, name, _stepping(getattr(owner, name), step))
        send = AbstractConnection.send_packed_command

        def send_and_step(connection: AbstractConnection, command: Any, **options: Any) -> None:
            send(connection, command, **options)
            # What a connection begins with is no step of ours.
            if b"CLIENT" not in b"".join(map(bytes, command)):
                step()

        setattr(AbstractConnection, send.__name__, send_and_step)
        return function()

    return run


def _stepping(function: Callable[..., Any], step: Step) -> Callable[..., Any]:
    @wraps(function)
    def stepping(*args: Any, **kwargs: Any) -> Any:
        step()
        result = function(*args, **kwargs)
        step()
        return result

    return stepping


def message(number: int, maker: int = 0) -> bytes:
    """One of a maker, with every second from another gateway; some are large or no JSON."""
    if number % 17 == 3:
        return b"\xff %d %d" % (maker, number)
    gateway = ["adyen", "paypal"][number % 2]
    pad = "x" * (9000 if number % 23 == 5 else 20)
    return json.dumps({"gateway": gateway, "maker": maker, "number": number, "pad": pad}).encode()


def told(body: bytes) -> tuple[int, int]:
    """The maker and the number of a message."""
    if body.startswith(b"\xff"):
        _, maker, number = body.split()
        return int(maker), int(number)
    fields = json.loads(body)
    return fields["maker"], fields["number"]


def contents(client: redis.Redis, name: str) -> list[bytes]:
    """What stands on a list."""
    return list(client.lrange(name, 0, -1))


def in_file(path: Path) -> list[bytes]:
    """The messages of a file that is complete."""
    first, *lines, last = map(json.loads, path.read_text().splitlines())
    assert "id" in first
    assert last["messages"] == len(lines)
    return [
        base64.b64decode(line["base64"]) if "base64" in line else line["message"].encode()
        for line in lines
    ]


HELD = ("--to-instance", "donor-prefs", "--any-list")
PAYPAL = ("--where", "gateway=paypal")


def is_paypal(body: bytes) -> bool:
    """Whether a message fits."""
    return b'"paypal"' in body


class TestEachStep:
    """Killed at one step, then run again to its end; and so for each step there is."""

    PUSHED = tuple(message(number) for number in range(17))

    def kill_at_each_step(
        self,
        command: Callable[[], object],
        begin: Callable[[], object],
        check: Callable[[], object],
        end: Callable[[], object] | None = None,
    ) -> int:
        """How many steps there were. ``end`` is what comes instead of a second run."""
        for number in range(10_000):
            begin()
            if Child(killed_at(number, command)).wait():
                check()
                return number
            assert Child(end or command).wait()
            check()
        raise AssertionError("it has no end")

    @pytest.mark.parametrize("where", [(), PAYPAL])
    def test_move(self, source: redis.Redis, target: redis.Redis, where: tuple[str, ...]) -> None:
        fitting = [body for body in self.PUSHED if not where or is_paypal(body)]
        others = [body for body in self.PUSHED if body not in fitting]

        def begin() -> None:
            source.flushall()
            source.rpush(SOURCE, *self.PUSHED)

        def check() -> None:
            assert contents(target, TARGET) == fitting
            assert contents(source, SOURCE) == others

        steps = self.kill_at_each_step(
            tool("queue_move", SOURCE, TARGET, *HELD, *where), begin, check
        )
        assert steps > 4 * 3 * len(fitting) / BATCH

    @pytest.mark.parametrize("where", [(), PAYPAL])
    def test_purge(self, source: redis.Redis, tmp_path: Path, where: tuple[str, ...]) -> None:
        fitting = [body for body in self.PUSHED if not where or is_paypal(body)]
        others = [body for body in self.PUSHED if body not in fitting]
        file = tmp_path / "file"

        def begin() -> None:
            source.flushall()
            source.rpush(SOURCE, *self.PUSHED)
            file.unlink(missing_ok=True)

        def check() -> None:
            assert in_file(file) == fitting
            assert contents(source, SOURCE) == others
            assert not list(source.scan_iter("moving:*", _type="list"))

        purge = tool("queue_purge", SOURCE, file, "--yes", *where)
        again = refusal_is_fine("is complete", purge)
        assert self.kill_at_each_step(purge, begin, check, again) > 6 * len(fitting) / BATCH

    @pytest.mark.parametrize("where", [(), PAYPAL])
    def test_dump(self, source: redis.Redis, tmp_path: Path, where: tuple[str, ...]) -> None:
        file = tmp_path / "file"
        fitting = [body for body in self.PUSHED if not where or is_paypal(body)]

        def begin() -> None:
            source.flushall()
            source.rpush(SOURCE, *self.PUSHED)
            file.unlink(missing_ok=True)

        def check() -> None:
            assert in_file(file) == fitting
            assert contents(source, SOURCE) == list(self.PUSHED)

        dump = tool("queue_dump", SOURCE, file, *where)
        again = refusal_is_fine("is complete", dump)
        assert self.kill_at_each_step(dump, begin, check, again) > 10

    def test_load(self, source: redis.Redis, tmp_path: Path) -> None:
        file = tmp_path / "file"
        source.rpush(SOURCE, *self.PUSHED)
        tool("queue_dump", SOURCE, file)()

        def begin() -> None:
            source.flushall()
            source.rpush(SOURCE, b"before")

        def check() -> None:
            assert contents(source, SOURCE) == [b"before", *self.PUSHED]

        load = tool("queue_load", file)
        again = refusal_is_fine("is loaded already", load)
        assert self.kill_at_each_step(load, begin, check, again) > 2 * len(self.PUSHED) / BATCH


def refusal_is_fine(reason: str, command: Callable[[], object]) -> Callable[[], object]:
    """The command, which may say that it had come to its end before it was killed."""

    def run() -> object:
        try:
            return command()
        except CommandError as error:
            if reason not in str(error):
                raise
            return None

    return run


class Load:
    """Producers on the source, and workers that take from both lists, until it is stopped.

    Workers take as the transport does, and note what they took in the same database.
    """

    MAKERS = 2

    def __init__(self, source: redis.Redis, target: redis.Redis) -> None:
        self.source, self.target = source, target

    def __enter__(self) -> "Load":
        self.children = [Child(self._produce(maker)) for maker in range(self.MAKERS)]
        self.children += [
            Child(self._consume("frqueue", SOURCE, pause=0.02)),
            Child(self._consume("donor-prefs", TARGET, pause=0.001)),
        ]
        return self

    def __exit__(self, *_: object) -> None:
        self.source.set("stop", 1)
        for child in self.children:
            child.wait(20)

    def _produce(self, maker: int) -> Callable[[], None]:
        def produce() -> None:
            client, number = instances.client("frqueue"), 0
            while not client.exists("stop"):
                client.rpush(SOURCE, *(message(number + more, maker) for more in range(5)))
                number += 5
                client.set(f"made:{maker}", number)
                time.sleep(0.005)

        return produce

    def _consume(self, instance: str, name: str, pause: float) -> Callable[[], None]:
        def consume() -> None:
            client, turn = instances.client(instance), 0
            while not instances.client("frqueue").exists("stop"):
                turn += 1
                command = reserved.reserve_command(
                    [name],
                    {name: 3},
                    prefix=f"{turn:08}.",
                    lease=600,
                    room=1,
                    group_bytes=2**22,
                    message_bytes=2**20,
                )
                for group in reserved.groups(client.execute_command(*command)):
                    notes = [(f"book:{name}", body) for body in group.messages]
                    reserved.settle(client, group.tag, notes)
                time.sleep(pause)

        return consume

    def made(self) -> Counter[bytes]:
        """All that was pushed."""
        counts = [int(self.source.get(f"made:{maker}") or 0) for maker in range(self.MAKERS)]
        return Counter(
            message(number, maker) for maker, count in enumerate(counts) for number in range(count)
        )


def in_order(bodies: list[bytes]) -> bool:
    """Whether the messages of each maker stand as it made them."""
    found = [told(body) for body in bodies]
    return all(
        numbers == sorted(numbers)
        for maker in {maker for maker, _ in found}
        for numbers in [[number for each, number in found if each == maker]]
    )


def killing(command: Callable[[], object], kills: int, seed: int) -> None:
    """Kill a command so often at random instants; it starts again each time."""
    chance = random.Random(seed)
    killed = 0
    while killed < kills:
        killed += not Child(command).wait(chance.uniform(0.001, 0.03))


class TestRandom:
    """Killed at random instants, with producers and workers on both lists all the time."""

    KILLS = size("PROOF_TOOL_KILLS", whole=400, short=40)

    @pytest.mark.parametrize("where", [(), PAYPAL])
    def test_move(self, source: redis.Redis, target: redis.Redis, where: tuple[str, ...]) -> None:
        command = tool("queue_move", SOURCE, TARGET, *HELD, *where)
        with Load(source, target) as load:
            killing(command, self.KILLS, seed=1)
        assert Child(command).wait()
        moved = contents(target, f"book:{TARGET}") + contents(target, TARGET)
        stayed = contents(source, f"book:{SOURCE}") + contents(source, SOURCE)
        assert Counter(moved + stayed) == load.made()
        assert in_order(moved)
        assert in_order(stayed)
        assert all(map(is_paypal, moved)) or not where
        assert len(moved) > self.KILLS / 4

    def test_purge(self, source: redis.Redis, target: redis.Redis, tmp_path: Path) -> None:
        def files() -> list[Path]:
            return sorted(tmp_path.iterdir(), key=lambda file: int(file.name))

        def purge() -> None:
            # One file after the other, so that there is always one that is not complete.
            for number in itertools.count(max(len(files()) - 1, 0)):
                file = tmp_path / str(number)
                refusal_is_fine("is complete", tool("queue_purge", SOURCE, file, "--yes"))()

        with Load(source, target) as load:
            killing(purge, self.KILLS, seed=2)
        rest = tmp_path / str(len(files()))
        for file in (*files()[-1:], rest):
            command = tool("queue_purge", SOURCE, file, "--yes")
            assert Child(refusal_is_fine("is complete", command)).wait()
        purged = [body for file in files() for body in in_file(file)]
        stayed = contents(source, f"book:{SOURCE}") + contents(source, SOURCE)
        assert Counter(purged + stayed) == load.made()
        assert in_order(purged)
        assert len(purged) > self.KILLS / 4

    def test_load(self, source: redis.Redis, target: redis.Redis, tmp_path: Path) -> None:
        file = tmp_path / "file"
        dumped = [message(number, maker=9) for number in range(self.KILLS * 20)]
        source.rpush("dumped", *dumped)
        tool("queue_dump", "dumped", file, "--instance", "frqueue", "--any-list")()
        command = refusal_is_fine("loaded already", tool("queue_load", file, SOURCE))
        chance = random.Random(3)
        with Load(source, target) as load:
            for _ in range(self.KILLS):
                Child(command).wait(chance.uniform(0.001, 0.03))
        assert Child(command).wait()
        found = contents(source, f"book:{SOURCE}") + contents(source, SOURCE)
        assert Counter(found) == load.made() + Counter(dumped)
        assert in_order(found)

    def test_dump(self, source: redis.Redis, target: redis.Redis, tmp_path: Path) -> None:
        file, counted = tmp_path / "file", self.KILLS * 20
        with Load(source, target) as load:
            wait_for(lambda: source.llen(SOURCE) > counted, "a backlog")
            killing_until_complete(tool("queue_dump", SOURCE, file), self.KILLS)
        dumped = in_file(file)
        assert Counter(dumped) <= load.made()
        assert in_order(dumped)
        # What stood there at one moment: no gap between the first and the last of a maker.
        for maker in range(load.MAKERS):
            numbers = [number for each, number in map(told, dumped) if each == maker]
            assert numbers == list(range(numbers[0], numbers[-1] + 1))


def killing_until_complete(command: Callable[[], object], kills: int) -> None:
    """Kill a command so often at random instants, then let it come to its end."""
    chance = random.Random(4)
    again = refusal_is_fine("is complete", command)
    for _ in range(kills):
        Child(again).wait(chance.uniform(0.001, 0.03))
    assert Child(again).wait()
