"""The turn: what goes where, and what becomes of events that cannot be put."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest

from queues.mover.interface import Away, Event, PoisonEvent
from queues.mover.moving import CHUNK, by_field
from tests.mover.movers import Movers, drain
from tests.pgq import Database


def event(**fields: str | None) -> Event:
    """An event of which only these fields are of interest."""
    return Event("shop/gifts:1", datetime(2026, 1, 1, tzinfo=UTC), "test", "data", **fields)


@pytest.fixture
def picky(target: Database) -> Iterator[Database]:
    """The target, which takes no event whose data begin with `bad`."""
    target.run(
        "ALTER TABLE pgq.event_template ADD CONSTRAINT taste CHECK (left(ev_data, 3) <> 'bad')"
    )
    yield target
    target.run("ALTER TABLE pgq.event_template DROP CONSTRAINT IF EXISTS taste")


def set_aside(database: Database) -> list[tuple[str, str, str]]:
    """What was set aside: id, target queue, reason."""
    query = "SELECT event_id, target_queue, reason FROM queue_mover.set_aside ORDER BY id"
    return [(row[0], row[1], row[2]) for row in database.all(query)]


def test_a_field_of_the_event_chooses_its_queue() -> None:
    assert by_field("extra1")(event(extra1="public.gifts")) == "public.gifts"
    assert by_field("type")(event()) == "test"


@pytest.mark.parametrize("value", [None, ""])
def test_a_field_without_a_value_chooses_nothing(value: str | None) -> None:
    with pytest.raises(PoisonEvent, match="extra2 names no queue"):
        by_field("extra2")(event(extra2=value))


def test_only_some_fields_can_choose() -> None:
    with pytest.raises(ValueError, match="data"):
        by_field("data")


def test_events_are_split_among_queues_in_their_order(
    source: Database, target: Database, movers: Movers
) -> None:
    target.create_queue("refunds")
    mover = movers.registered(source, target, queue=by_field("extra1"))
    for number in range(3):
        source.insert("gifts", f"d{number}", extra1="donations")
        source.insert("gifts", f"r{number}", extra1="refunds")
    source.tick()
    assert drain(mover) == 6
    assert target.data("donations") == ["d0", "d1", "d2"]
    assert target.data("refunds") == ["r0", "r1", "r2"]


def test_events_for_unknown_queues_are_set_aside(
    source: Database, target: Database, movers: Movers, caplog: pytest.LogCaptureFixture
) -> None:
    mover = movers.registered(source, target, queue=by_field("extra1"), poison_tries=0)
    source.insert("gifts", "lost", extra1="nowhere")
    source.insert("gifts", "homeless")
    source.insert("gifts", "good", extra1="donations")
    source.tick()
    with caplog.at_level(logging.ERROR):
        moved = mover.turn()
    assert moved is not None
    assert (moved.events, moved.set_aside) == (1, 2)
    assert target.data("donations") == ["good"]
    assert sorted(set_aside(target)) == [
        (f"{source.name}/gifts:1", "nowhere", "the target has no such queue"),
        (f"{source.name}/gifts:2", "", "its extra1 names no queue"),
    ]
    assert f"{source.name}/gifts:1 is set aside" in caplog.text
    assert mover.turn() is None


def test_poison_events_are_set_aside_when_the_tries_are_used_up(
    source: Database, picky: Database, movers: Movers
) -> None:
    mover = movers.registered(source, picky, poison_tries=2)
    source.insert("gifts", *(f"bad {n}" if n % 100 == 7 else str(n) for n in range(500)))
    source.tick()
    for _ in range(2):
        with pytest.raises(PoisonEvent, match="CheckViolation"):
            mover.turn()
        assert picky.data("donations") == []
    moved = mover.turn()
    assert moved is not None
    assert (moved.events, moved.set_aside) == (495, 5)
    assert picky.data("donations") == [str(n) for n in range(500) if n % 100 != 7]
    ids = [row[0] for row in set_aside(picky)]
    assert ids == [f"{source.name}/gifts:{n + 1}" for n in range(7, 500, 100)]


def test_a_poison_event_is_kept_as_it_came(
    source: Database, picky: Database, movers: Movers
) -> None:
    mover = movers.registered(source, picky, poison_tries=0)
    source.insert("gifts", "bad ü", extra3="three")
    source.tick()
    mover.turn()
    kept = json.loads(picky.one("SELECT event FROM queue_mover.set_aside"))
    moment = source.events("gifts")[0][0]
    assert kept == {
        "id": f"{source.name}/gifts:1",
        "time": moment.astimezone(UTC).isoformat(),
        "type": "test",
        "data": "bad ü",
        "extra1": None,
        "extra2": None,
        "extra3": "three",
        "extra4": None,
    }


def test_after_a_poison_batch_the_next_one_goes_whole(
    source: Database, picky: Database, movers: Movers
) -> None:
    mover = movers.registered(source, picky, poison_tries=1)
    source.insert("gifts", "bad")
    source.tick()
    with pytest.raises(PoisonEvent):
        mover.turn()
    mover.turn()
    source.insert("gifts", "bad too")
    source.tick()
    with pytest.raises(PoisonEvent):
        mover.turn()
    assert len(set_aside(picky)) == 1


def test_a_person_may_want_the_mover_to_stop(
    source: Database, picky: Database, movers: Movers
) -> None:
    mover = movers.registered(source, picky, poison="stop", poison_tries=0)
    source.insert("gifts", "good", "bad")
    source.tick()
    for _ in range(4):
        with pytest.raises(PoisonEvent):
            mover.turn()
    assert picky.data("donations") == []
    picky.run("ALTER TABLE pgq.event_template DROP CONSTRAINT taste")
    assert drain(mover) == 2
    assert picky.data("donations") == ["good", "bad"]


def test_a_missing_target_queue_is_no_fault_of_the_events(
    source: Database, target: Database, movers: Movers
) -> None:
    mover = movers.registered(source, target, queue="recurring", poison_tries=0)
    source.insert("gifts", "one")
    source.tick()
    for _ in range(3):
        with pytest.raises(Away, match="no queue recurring"):
            mover.turn()
    target.create_queue("recurring")
    assert drain(mover) == 1
    assert target.data("recurring") == ["one"]
    assert set_aside(target) == []


def test_events_beyond_a_chunk_keep_their_order(
    source: Database, target: Database, movers: Movers
) -> None:
    target.create_queue("refunds")
    names = ("donations", "refunds")
    mover = movers.registered(source, target, queue=by_field("extra1"))
    with source.connection.transaction():
        for number, name in zip(
            range(2 * CHUNK + 10), (names[n % 2] for n in count()), strict=False
        ):
            source.run(
                "SELECT pgq.insert_event('gifts', 'test', %s, %s, NULL, NULL, NULL)",
                *(str(number), name),
            )
    source.tick()
    assert drain(mover) == 2 * CHUNK + 10
    for first, name in enumerate(names):
        assert target.data(name) == [str(n) for n in range(first, 2 * CHUNK + 10, 2)]
