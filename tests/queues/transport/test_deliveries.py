"""What a running worker does with what stands on its lists."""

import base64
import json
import subprocess
import sys
from typing import Any

import pytest

from tests.queues.transport.conftest import (
    ROOT,
    VISIBILITY_TIMEOUT,
    Broker,
    Worker,
    wait_for,
    without_django,
)

pytestmark = pytest.mark.usefixtures("worker")


def envelope(
    task: str = "add", arguments: Any = ([1, 2], {}, None), **headers: object
) -> dict[str, Any]:
    """A message as Celery publishes it."""
    return {
        "body": base64.b64encode(json.dumps(arguments).encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {
            "lang": "py", "task": task, "id": "1", "root_id": "1", "parent_id": None, "group": None,
            "retries": 0, "eta": None, "expires": None, "timelimit": [None, None],
        } | headers,
        "properties": {
            "correlation_id": "1", "reply_to": "", "delivery_mode": 2, "priority": 0,
            "body_encoding": "base64", "delivery_tag": "1",
            "delivery_info": {"exchange": "", "routing_key": "donations"},
        },
    }  # fmt: skip


def celery(broker: Broker, *arguments: str) -> str:
    """The output of a `celery` command."""
    return subprocess.run(
        [sys.executable, "-m", "celery", "-A", "tests.queues.transport.app", *arguments],
        cwd=ROOT, env=without_django(BROKER=broker.url), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def test_raw_messages_reach_the_task_of_their_queue_byte_for_byte(broker: Broker) -> None:
    junk = [
        b"",
        b"\x00",
        b"caf\xe9",
        b"hello {",
        b"[1,2]",
        b"null",
        b'{"gateway":"adyen"}',
        "Zoë".encode(),
        b"\xff" * 3,
    ]
    broker.push("donations", *junk)
    wait_for(lambda: len(broker.texts("done")) == len(junk))
    assert [text.encode("utf-8", "surrogateescape") for text in broker.texts()] == junk
    assert {entry["queue"] for entry in broker.results()} == {"donations"}
    wait_for(broker.at_rest)


def test_a_list_without_a_route_goes_to_the_unrouted_task_one_by_one(broker: Broker) -> None:
    broker.push("other", "1", "2")
    assert {
        (e["queue"], *e["texts"])
        for e in wait_for(
            lambda: broker.results("done") and broker.results()[1:] and broker.results()
        )
    } == {
        ("other", "1"),
        ("other", "2"),
    }


def test_an_empty_list_next_to_a_full_one_is_served(broker: Broker) -> None:
    broker.push("donations", *["sleep:0.02"] * 300)
    broker.push("refunds", "mine")
    wait_for(lambda: "mine" in broker.texts())
    assert broker.client.llen("donations") > 0
    broker.client.delete("donations")
    wait_for(broker.at_rest)


def test_a_celery_envelope_runs_as_itself(broker: Broker) -> None:
    broker.push("donations", json.dumps(envelope()))
    assert wait_for(lambda: broker.results("add"))[0]["sum"] == 3
    wait_for(broker.at_rest)


@pytest.mark.parametrize(
    "broken",
    [
        envelope() | {"body": "not base64"},
        envelope() | {"body": base64.b64encode(b"not JSON").decode()},
        envelope() | {"body": 1},
        envelope(arguments=[1]),
        envelope() | {"headers": None},
        envelope() | {"headers": {"task": "add"}},
        envelope() | {"properties": []},
        envelope() | {"content-type": "application/x-python-serialize"},
        envelope(compression="zlib"),
        envelope(task="unknown.task"),
        envelope(eta="yesterday"),
        envelope(timelimit=1),
        {"properties": {}, "body": ""},
    ],
)
def test_a_broken_envelope_is_kept_verbatim_for_a_person(
    broker: Broker, worker: Worker, broken: dict[str, Any]
) -> None:
    text = json.dumps(broken)
    broker.push("donations", text, "after it")
    (letter,) = wait_for(lambda: broker.damaged("donations"))
    assert letter["body"] == text
    wait_for(lambda: "after it" in broker.texts("done"))
    wait_for(broker.at_rest)
    assert worker.alive()


@pytest.mark.parametrize(
    "message",
    ["reject", json.dumps(envelope(task="unknown.task")), json.dumps(envelope() | {"body": 1})],
)
def test_the_dead_letters_of_an_alias_are_those_of_its_queue(broker: Broker, message: str) -> None:
    broker.push("gifts", message)
    (letter,) = wait_for(lambda: broker.damaged("donations"))
    assert (letter["queue"], letter["body"]) == ("donations", message)
    assert not broker.client.exists("gifts-damaged")
    wait_for(broker.at_rest)


@pytest.mark.parametrize("failing", ["raise", "reject"])
def test_what_a_task_rejects_or_fails_with_is_kept_for_a_person(
    broker: Broker, failing: str
) -> None:
    broker.push("refunds", failing)
    assert [letter["body"] for letter in wait_for(lambda: broker.damaged("refunds"))] == [failing]
    wait_for(broker.at_rest)


@pytest.mark.proof
def test_a_message_that_kills_its_worker_is_handed_out_alone_and_counted(broker: Broker) -> None:
    broker.push("donations", "good 1", "kill", "good 2")
    assert wait_for(lambda: broker.damaged("donations")) == [{"body": ["kill"]}]
    alone = broker.results(texts=["kill"])
    assert [(entry["deliveries"], entry["begun"]) for entry in alone] == [(1, 2), (2, 3)]
    assert sorted(set(broker.texts("done"))) == ["good 1", "good 2"]
    wait_for(broker.at_rest)
    assert not broker.client.exists("deliveries", "deliveries_index")


@pytest.mark.proof
def test_a_task_longer_than_the_lease_runs_once(broker: Broker) -> None:
    broker.push("donations", f"sleep:{VISIBILITY_TIMEOUT * 2}")
    wait_for(lambda: broker.texts("done"))
    assert len(broker.results()) == 1
    wait_for(broker.at_rest)


@pytest.mark.proof
def test_a_task_killed_by_its_hard_time_limit_comes_back_as_a_suspect(broker: Broker) -> None:
    broker.push("limited", "sleep:60")
    wait_for(lambda: broker.results("done"))
    assert [(entry["deliveries"], entry["begun"]) for entry in broker.results()] == [(0, 0), (1, 2)]
    wait_for(broker.at_rest)


def test_inspect_shows_no_messages(broker: Broker) -> None:
    broker.push("donations", "sleep:4:Jane Doe")
    (entry,) = wait_for(broker.results)
    shown = celery(broker, "inspect", "active", "-t", "1.5")
    assert entry["tag"] in shown
    assert "donations x1" in shown
    assert "Jane" not in shown
    wait_for(broker.at_rest)


def test_revoking_loses_nothing(broker: Broker) -> None:
    broker.push("donations", "sleep:60")
    (entry,) = wait_for(broker.results)
    celery(broker, "control", "terminate", "KILL", entry["tag"], "-t", "1")
    assert [letter["body"] for letter in wait_for(lambda: broker.damaged("donations"))] == [
        "sleep:60"
    ]
    wait_for(broker.at_rest)
