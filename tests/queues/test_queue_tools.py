"""The commands on lists, on a real server."""

import base64
import json
import stat
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.core.management.base import CommandError

from queues import batches, passages, reserved
from queues.checks import redis_keeps
from queues.deadletter import DeadLetter
from tests.servers import Valkey

pytestmark = pytest.mark.usefixtures("frqueue")


@pytest.fixture
def prefs(frqueue: redis.Redis, valkey: Valkey) -> Iterator[redis.Redis]:
    """A client of donor-prefs."""
    with redis.Redis(port=valkey.port, db=1) as client:
        yield client


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of ten."""
    monkeypatch.setattr(passages, "BATCH", 10)


def run(*words: str | Path, error: StringIO | None = None) -> str:
    """What a command writes."""
    out = StringIO()
    call_command(*map(str, words), stdout=out, stderr=error or StringIO())
    return out.getvalue()


def refusal(*words: str | Path) -> str:
    """Why a command is refused."""
    with pytest.raises(CommandError) as raised:
        run(*words)
    assert raised.value.returncode == 1
    return str(raised.value)


def message(number: int, **fields: object) -> bytes:
    """A message as a producer writes it."""
    told = {"gateway": ["adyen", "paypal"][number % 2], "order_id": f"{number}.1", **fields}
    return json.dumps(told).encode()


def fill(client: redis.Redis, count: int, queue: str = "donations") -> list[bytes]:
    """Push so many messages."""
    pushed = [message(number) for number in range(count)]
    client.rpush(queue, *pushed)
    return pushed


def contents(client: redis.Redis, queue: str = "donations") -> list[bytes]:
    """What stands on a list."""
    return list(client.lrange(queue, 0, -1))


def reserve(client: redis.Redis, count: int, queue: str = "donations") -> list[bytes]:
    """What a worker takes."""
    command = reserved.reserve_command(
        [queue],
        {queue: count},
        prefix="1.",
        lease=60,
        room=1,
        group_bytes=2**22,
        message_bytes=2**20,
    )
    return reserved.groups(client.execute_command(*command))[0].messages


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def bodies(path: Path) -> list[bytes]:
    """The messages of a file."""
    return [
        base64.b64decode(line["base64"]) if "base64" in line else line["message"].encode()
        for line in lines(path)[1:-1]
    ]


ODD = [b"\xff\xfe", b"", b"\0", b"no json\n", "\u2028 \N{SNOWMAN}".encode(), b"x" * 2**20]


class TestNames:
    @pytest.mark.parametrize(
        ("words", "reason"),
        [
            (["queue_peek", "donatoins"], "did you mean donations?"),
            (["queue_dump", "donatoins", "file"], "did you mean donations?"),
            (["queue_purge", "donatoins", "file", "--yes"], "no route"),
            (["queue_move", "donations", "held"], "no route"),
            (["queue_move", "donations", "held", "--any-list"], "say on which instance"),
            (["queue_move", "donations", "donations", "--to-instance", "donor-prefs"], "not on"),
            (["queue_move", "donations", "donations"], "one list"),
            (["queue_move", "donations-damaged", "donations"], "resend"),
            (["queue_load", "missing"], "no file"),
        ],
    )
    def test_what_looks_like_a_mistake_is_refused(
        self, words: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert reason in refusal(*words)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "name",
        [*reserved.KEYS, "maintenance", "heartbeats", "periodic", "moving:x", "moved:x",
         "snapshot:x", "sequence_contribution-tracking", "unacked", "_kombu.binding.celery",
         "celery@host.celery.pidbox"],
    )  # fmt: skip
    def test_keys_of_the_transport_are_neither_moved_nor_moved_onto(
        self, frqueue: redis.Redis, name: str
    ) -> None:
        pushed = fill(frqueue, 1)
        there = ("--any-list", "--to-instance", "frqueue", "--from-instance", "frqueue")
        assert "the transport keeps it" in refusal("queue_move", "donations", name, *there)
        assert "the transport keeps it" in refusal("queue_move", name, "donations", *there)
        assert contents(frqueue) == pushed
        assert not frqueue.exists(name)

    def test_a_key_that_is_no_list_is_refused(self, frqueue: redis.Redis, tmp_path: Path) -> None:
        fill(frqueue, 1)
        frqueue.set("text", "x")
        text = ("--any-list", "--to-instance", "frqueue", "--from-instance", "frqueue")
        assert "is no list" in refusal("queue_move", "donations", "text", *text)
        assert "is no list" in refusal("queue_move", "text", "donations", *text)
        dump = ("queue_dump", "text", tmp_path / "file", "--any-list", "--instance", "frqueue")
        assert "is no list" in refusal(*dump)
        assert frqueue.llen("donations") == 1


class TestPeek:
    def test_counts_and_heads_of_all(self, frqueue: redis.Redis, prefs: redis.Redis) -> None:
        frqueue.rpush("donations", message(1, message_id="m1", email="donor@example.org"), b"junk")
        prefs.rpush("left-over", b"\x1b[31m")
        frqueue.rpush("moving:purge:donations:1", b"x")
        body = message(7, payload={"order_id": "inner"})
        letter = DeadLetter("donations", body, "CARD_DATA", "has card data")
        frqueue.rpush("donations-damaged", letter.dumps())
        said = run("queue_peek")
        assert "frqueue/donations: 2\n" in said
        assert "0  gateway=paypal  order_id=1.1  message_id=m1  age unknown" in said
        assert "0  gateway=paypal  order_id=7.1  CARD_DATA  0 s old" in said
        assert "donor-prefs/left-over: 1\n" in said
        assert "frqueue: 1 in hand of purge:donations:1, which did not end" in said
        assert "example.org" not in said
        assert "\x1b" not in said

    def test_some_of_one(self, frqueue: redis.Redis) -> None:
        fill(frqueue, 500)
        said = run("queue_peek", "donations", "--from", "7", "--count", "2").splitlines()
        assert said[0] == "frqueue/donations: 500"
        assert [line.split()[0] for line in said[1:]] == ["7", "8"]
        fit = ("--where", "gateway=adyen", "--from", "300", "--count", "2")
        said = run("queue_peek", "donations", *fit).splitlines()
        assert said[0] == "frqueue/donations: 500, 250 fit"
        assert [line.split()[0] for line in said[1:]] == ["300", "302"]
        assert sorted(frqueue.keys()) == [b"donations"]

    def test_bodies_without_card_data(self, frqueue: redis.Redis) -> None:
        frqueue.rpush("donations", message(1, email="donor@example.org", n="4111111111111111"))
        said = run("queue_peek", "donations", "--bodies")
        assert "donor@example.org" in said
        assert "4111111111111111" not in said


class TestDump:
    def test_each_message_as_it_is(self, frqueue: redis.Redis, tmp_path: Path) -> None:
        pushed = fill(frqueue, 250) + ODD
        frqueue.rpush("donations", *ODD)
        file = tmp_path / "file"
        assert run("queue_dump", "donations", file, "--dry-run") == (
            "frqueue/donations: would dump 256\n"
        )
        assert not file.exists()
        assert run("queue_dump", "donations", file) == "frqueue/donations: dumped 256\n"
        assert bodies(file) == pushed == contents(frqueue)
        assert lines(file)[-1]["messages"] == 256
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert frqueue.keys() == [b"donations"]
        assert "is complete, with 256 messages" in refusal("queue_dump", "donations", file)

    def test_only_what_fits(self, frqueue: redis.Redis, tmp_path: Path) -> None:
        pushed = fill(frqueue, 9)
        fit = ("--where", "gateway=paypal", "--where", "order_id=3.1")
        run("queue_dump", "donations", tmp_path / "file", *fit)
        assert bodies(tmp_path / "file") == [pushed[3]]

    def test_it_goes_on_after_the_last_whole_line(
        self, frqueue: redis.Redis, tmp_path: Path
    ) -> None:
        pushed = fill(frqueue, 250)
        file = tmp_path / "file"
        run("queue_dump", "donations", file)
        whole = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(whole[:101]) + whole[101][:20])
        frqueue.copy("donations", f"snapshot:{lines_of(whole[0])['id']}")
        assert reserve(frqueue, 5) == pushed[:5]
        frqueue.rpush("donations", b"later")
        assert "would dump 250, 100 of them by" in run("queue_dump", "donations", file, "--dry-run")
        said = run("queue_dump", "donations", file).splitlines()
        assert said == [
            "frqueue/donations: dumped 250, 100 of them by a run before",
            "frqueue/donations: 5 more are in the hands of workers, left to them",
        ]
        assert bodies(file) == pushed
        assert not list(frqueue.scan_iter("snapshot:*"))

    def test_without_its_snapshot_it_does_not_go_on(
        self, frqueue: redis.Redis, tmp_path: Path
    ) -> None:
        fill(frqueue, 9)
        file = tmp_path / "file"
        run("queue_dump", "donations", file)
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:5]))
        assert "its snapshot is gone" in refusal("queue_dump", "donations", file)

    def test_a_file_of_something_else_is_left_alone(
        self, frqueue: redis.Redis, tmp_path: Path
    ) -> None:
        fill(frqueue, 9)
        file = tmp_path / "file"
        run("queue_dump", "donations", file)
        file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
        assert "name another" in refusal("queue_dump", "refund", file)
        assert "name another" in refusal("queue_purge", "donations", file, "--yes")
        other = tmp_path / "notes"
        other.write_text("mine\n")
        assert "first line" in refusal("queue_dump", "donations", other)
        assert other.read_text() == "mine\n"


def lines_of(line: bytes) -> dict[str, Any]:
    """One line."""
    found: dict[str, Any] = json.loads(line)
    return found


class TestLoad:
    @pytest.fixture
    def dump(self, frqueue: redis.Redis, tmp_path: Path) -> tuple[Path, list[bytes]]:
        """A file and what is in it; the list is empty."""
        pushed = fill(frqueue, 35) + ODD
        frqueue.rpush("donations", *ODD)
        run("queue_dump", "donations", tmp_path / "file")
        frqueue.delete("donations")
        return tmp_path / "file", pushed

    def test_back_to_where_it_is_from(
        self, frqueue: redis.Redis, dump: tuple[Path, list[bytes]]
    ) -> None:
        file, pushed = dump
        assert "would push 41\n" in run("queue_load", file, "--dry-run")
        assert run("queue_load", file) == f"{file} to frqueue/donations: pushed 41\n"
        assert contents(frqueue) == pushed

    def test_twice_only_on_purpose(
        self, frqueue: redis.Redis, dump: tuple[Path, list[bytes]]
    ) -> None:
        file, pushed = dump
        run("queue_load", file)
        assert "is loaded already, 41" in refusal("queue_load", file)
        assert "pushed 41" in run("queue_load", file, "--again")
        assert contents(frqueue) == pushed * 2
        assert "is loaded already, 41" in refusal("queue_load", file)

    def test_elsewhere(self, prefs: redis.Redis, dump: tuple[Path, list[bytes]]) -> None:
        file, pushed = dump
        run("queue_load", file, "held", "--instance", "donor-prefs", "--any-list")
        assert contents(prefs, "held") == pushed

    @pytest.mark.usefixtures("small_batches")
    def test_it_goes_on_where_it_was_interrupted(
        self, frqueue: redis.Redis, dump: tuple[Path, list[bytes]]
    ) -> None:
        file, pushed = dump
        with Interrupted(after=2):
            assert "interrupted" in refusal("queue_load", file)
        assert contents(frqueue) == pushed[:20]
        assert "go on without --again" in refusal("queue_load", file, "--again")
        said = run("queue_load", file)
        assert said == f"{file} to frqueue/donations: pushed 21, 20 are there from a run before\n"
        assert contents(frqueue) == pushed

    @pytest.mark.usefixtures("small_batches")
    def test_a_file_that_changed_meanwhile_is_no_longer_the_same(
        self, frqueue: redis.Redis, dump: tuple[Path, list[bytes]]
    ) -> None:
        file, pushed = dump
        with Interrupted(after=1):
            refusal("queue_load", file)
        whole = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join([whole[0], *whole[11:]]))
        assert "has changed since 10" in refusal("queue_load", file)
        run("queue_load", file, "--again")
        assert contents(frqueue) == pushed

    def test_part_of_a_file_only_on_purpose(
        self, frqueue: redis.Redis, dump: tuple[Path, list[bytes]]
    ) -> None:
        file, pushed = dump
        whole = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(whole[:4]) + whole[4][:20])
        assert "is not complete" in refusal("queue_load", file)
        assert "pushed 3" in run("queue_load", file, "--incomplete")
        assert contents(frqueue) == pushed[:3]

    def test_a_bad_line_before_anything_is_pushed(
        self, frqueue: redis.Redis, dump: tuple[Path, list[bytes]]
    ) -> None:
        file, _ = dump
        whole = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join([*whole[:4], b"{}\n", *whole[4:]]))
        assert "line 5" in refusal("queue_load", file)
        assert not frqueue.exists("donations")

    def test_plain_lines(self, frqueue: redis.Redis, tmp_path: Path) -> None:
        file = tmp_path / "log"
        pushed = [message(number) for number in range(3)]
        file.write_bytes(b"\n".join(pushed) + b"\n\n")
        assert "line 1" in refusal("queue_load", file, "donations")
        assert "name the QUEUE" in refusal("queue_load", file, "--plain")
        assert "pushed 3" in run("queue_load", file, "donations", "--plain")
        assert contents(frqueue) == pushed
        assert "is loaded already" in refusal("queue_load", file, "donations", "--plain")
        file.write_bytes(b"text\n")
        assert "line 1" in refusal("queue_load", file, "donations", "--plain")


class Interrupted:
    """Within, Ctrl-C comes as the n-th batch is on its way to a list, and it is pushed."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __enter__(self) -> None:
        self._patch = pytest.MonkeyPatch()
        put = batches.put

        def put_and_interrupt(*args: Any) -> batches.Put:
            done = put(*args)
            self.after -= 1
            if not self.after:
                raise KeyboardInterrupt
            return done

        self._patch.setattr(batches, "put", put_and_interrupt)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


@pytest.mark.usefixtures("small_batches")
class TestMove:
    HELD = ("--to-instance", "donor-prefs", "--any-list")

    def test_all_in_order(self, frqueue: redis.Redis, prefs: redis.Redis) -> None:
        pushed = fill(frqueue, 35) + ODD
        frqueue.rpush("donations", *ODD)
        error = StringIO()
        assert "would move 41\n" in run("queue_move", "donations", "held", *self.HELD, "--dry-run")
        said = run("queue_move", "donations", "held", *self.HELD, error=error)
        assert said == "frqueue/donations to donor-prefs/held: moved 41\n"
        assert "held has no route" in error.getvalue()
        assert contents(prefs, "held") == pushed
        assert not frqueue.exists("donations")

    def test_some_behind_what_is_there(self, frqueue: redis.Redis) -> None:
        pushed = fill(frqueue, 35, "old")
        frqueue.rpush("donations", b"before")
        old = ("queue_move", "old", "donations", "--from-instance", "frqueue", "--any-list")
        assert "moved 12\n" in run(*old, "--count", "12")
        assert contents(frqueue) == [b"before", *pushed[:12]]
        assert contents(frqueue, "old") == pushed[12:]

    def test_what_workers_have_is_theirs(self, frqueue: redis.Redis, prefs: redis.Redis) -> None:
        pushed = fill(frqueue, 35)
        in_hand = reserve(frqueue, 5)
        said = run("queue_move", "donations", "held", *self.HELD).splitlines()
        assert said[0].endswith("moved 30")
        assert said[1] == "frqueue/donations: 5 more are in the hands of workers, left to them"
        assert in_hand + contents(prefs, "held") == pushed

    @pytest.mark.parametrize("count", [None, 15])
    def test_only_what_fits(
        self, frqueue: redis.Redis, prefs: redis.Redis, count: int | None
    ) -> None:
        pushed = fill(frqueue, 50)
        limit = ("--count", str(count)) if count else ()
        words = ("queue_move", "donations", "held", *self.HELD, "--where", "gateway=paypal", *limit)
        assert f"would move {count or 25}\n" in run(*words, "--dry-run")
        assert f"moved {count or 25}\n" in run(*words)
        moved = pushed[1::2][: count or 25]
        assert contents(prefs, "held") == moved
        assert contents(frqueue) == [body for body in pushed if body not in moved]
        assert not list(frqueue.scan_iter("snapshot:*"))

    def test_dead_letters_by_their_code(self, frqueue: redis.Redis, prefs: redis.Redis) -> None:
        letters = [
            DeadLetter("donations", message(number), code, "reason").dumps()
            for number, code in enumerate(["CARD_DATA", "INVALID_MESSAGE", "CARD_DATA"])
        ]
        frqueue.rpush("donations-damaged", *letters)
        words = ("queue_move", "donations-damaged", "kept-damaged", *self.HELD)
        run(*words, "--where", "code=CARD_DATA", "--where", "gateway=adyen")
        assert contents(prefs, "kept-damaged") == [letters[0], letters[2]]

    def test_it_goes_on_with_what_is_in_hand(
        self, frqueue: redis.Redis, prefs: redis.Redis
    ) -> None:
        pushed = fill(frqueue, 35)
        with Interrupted(after=2):
            assert "interrupted" in refusal("queue_move", "donations", "held", *self.HELD)
        assert contents(prefs, "held") == pushed[:20]
        words = ("queue_move", "donations", "held", *self.HELD)
        assert "would move 15, and 10 that are in hand" in run(*words, "--dry-run")
        assert "moved 15, and 10 that a run before had in hand" in run(*words)
        assert contents(prefs, "held") == pushed

    def test_a_target_that_was_emptied_stops_it(
        self, frqueue: redis.Redis, prefs: redis.Redis
    ) -> None:
        pushed = fill(frqueue, 35)
        words = ("queue_move", "donations", "held", *self.HELD)
        run(*words, "--count", "5")
        prefs.flushdb()
        assert "nothing was moved" in refusal(*words)
        name = "move:frqueue/donations:donor-prefs/held"
        assert "10 would be put back" in run("queue_give_back", name, "--dry-run")
        assert "10 put back to the head of donations" in run("queue_give_back", name)
        assert contents(frqueue) == pushed[5:]
        assert "moved 30\n" in run(*words)
        assert contents(prefs, "held") == pushed[5:]

    def test_what_the_target_has_is_not_given_back(
        self, frqueue: redis.Redis, prefs: redis.Redis
    ) -> None:
        pushed = fill(frqueue, 35)
        words = ("queue_move", "donations", "held", *self.HELD)
        with Interrupted(after=1):
            refusal(*words)
        name = "move:frqueue/donations:donor-prefs/held"
        assert "the target has the 10 in hand" in run("queue_give_back", name)
        run(*words)
        assert contents(prefs, "held") == pushed

    def test_a_movers_batch_is_not_given_back(self) -> None:
        assert "is no queue_move" in refusal("queue_give_back", "mover:x")


@pytest.mark.usefixtures("small_batches")
class TestPurge:
    def test_into_a_file_and_back(self, frqueue: redis.Redis, tmp_path: Path) -> None:
        pushed = fill(frqueue, 35) + ODD
        frqueue.rpush("donations", *ODD)
        file = tmp_path / "file"
        words = ("queue_purge", "donations", file)
        assert f"would purge 41 into {file}\n" in run(*words, "--dry-run")
        assert "give --yes" in refusal(*words)
        assert not file.exists()
        assert f"purged 41 into {file}\n" in run(*words, "--yes")
        assert bodies(file) == pushed
        assert frqueue.keys() == []
        run("queue_load", file)
        assert contents(frqueue) == pushed
        assert "is complete, with 41" in refusal(*words, "--yes")

    def test_only_what_fits(self, frqueue: redis.Redis, tmp_path: Path) -> None:
        pushed = fill(frqueue, 50)
        file = tmp_path / "file"
        words = ("queue_purge", "donations", file, "--yes", "--where", "gateway=paypal")
        assert "purged 12 " in run(*words, "--count", "12")
        assert bodies(file) == pushed[1:24:2]
        assert contents(frqueue) == pushed[:24:2] + pushed[24:]

    def test_it_goes_on_as_it_began(self, frqueue: redis.Redis, tmp_path: Path) -> None:
        pushed = fill(frqueue, 35)
        file = tmp_path / "file"
        words = ("queue_purge", "donations", file, "--yes")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches, "release", _interrupt)
            assert "interrupted" in refusal(*words)
        whole = file.read_bytes()
        # Of the ten in hand seven lines are whole.
        file.write_bytes(b"".join(whole.splitlines(keepends=True)[:8]) + b'{"at": 1, "me')
        frqueue.rpush("donations", b"later")
        assert "would purge 28 into" in run(*words[:-1], "--dry-run")
        said = run(*words)
        assert f"purged 28 into {file}, where a run before has put 7" in said
        assert bodies(file) == pushed
        assert contents(frqueue) == [b"later"]

    def test_a_lost_file_and_what_is_in_hand(self, frqueue: redis.Redis, tmp_path: Path) -> None:
        pushed = fill(frqueue, 35)
        file = tmp_path / "file"
        words = ("queue_purge", "donations", file, "--yes")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches, "release", _interrupt)
            refusal(*words)
        name = f"purge:donations:{lines(file)[0]['id']}"
        assert f"10 in hand of {name}" in run("queue_peek")
        run("queue_give_back", name)
        assert contents(frqueue) == pushed
        # The file was not lost after all: it has the ten, which are taken again.
        run(*words)
        assert bodies(file) + contents(frqueue) == pushed

    def test_other_messages_than_the_file_has_are_not_thrown_away(
        self, frqueue: redis.Redis, tmp_path: Path
    ) -> None:
        fill(frqueue, 35)
        file = tmp_path / "file"
        words = ("queue_purge", "donations", file, "--yes")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches, "release", _interrupt)
            refusal(*words)
        # Redis was restored from before the purge, and other messages came.
        frqueue.flushdb()
        frqueue.rpush("donations", b"a", b"b")
        assert "other messages stand there" in refusal(*words)
        hand = f"moving:purge:donations:{lines(file)[0]['id']}"
        assert contents(frqueue, hand) == [b"a", b"b"]

    def test_one_at_a_time_on_a_file(self, frqueue: redis.Redis, tmp_path: Path) -> None:
        fill(frqueue, 35)
        file = tmp_path / "file"
        words = ("queue_purge", "donations", file, "--yes")
        seen: Sequence[str] = ()
        take = batches.take

        def take_beside(*args: Any) -> batches.Taken | None:
            nonlocal seen
            if not seen:
                seen = [refusal(*words)]
            return take(*args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches, "take", take_beside)
            run(*words)
        assert "is being written by another command" in seen[0]


def _interrupt(*_: object) -> bool:
    raise KeyboardInterrupt


def test_the_check_tells_of_what_is_in_hand(frqueue: redis.Redis) -> None:
    fill(frqueue, 3)
    batches.take(frqueue, "donations", "purge:donations:1", 2)
    frqueue.copy("donations", "snapshot:1")
    problems = {problem.id: problem.msg for problem in redis_keeps()}
    assert problems["queues.I011"] == "frqueue: 2 messages are in hand of purge:donations:1"
    assert "queues.W009" not in problems


def test_errors_of_redis_end_a_command_with_a_reason(frqueue: redis.Redis, tmp_path: Path) -> None:
    pushed = fill(frqueue, 2000)
    run("queue_dump", "donations", tmp_path / "file")
    frqueue.config_set("maxmemory", 1)
    try:
        reason = refusal("queue_load", tmp_path / "file")
    finally:
        frqueue.config_set("maxmemory", 0)
    assert "Run the same command again" in reason
    assert "pushed 2000" in run("queue_load", tmp_path / "file")
    assert contents(frqueue) == pushed * 2


@pytest.mark.parametrize("command", ["peek", "dump", "load", "move", "purge", "give_back"])
def test_help_says_what_the_codes_are_and_gives_examples(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command(f"queue_{command}", "--help")
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "exit codes:" in said
    assert f"  manage.py queue_{command} " in said
