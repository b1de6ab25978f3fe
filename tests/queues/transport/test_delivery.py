"""What becomes of a group, without a worker."""

import json

import pytest
from kombu import Connection
from kombu.transport import virtual

from queues import delivery
from queues.deadletter import DeadLetter
from queues.reserved import Group


@pytest.fixture
def channel() -> virtual.Channel:
    channel = Connection("memory://").channel()
    assert isinstance(channel, virtual.Channel)
    return channel


def test_a_group_says_what_it_is_and_nothing_of_what_is_in_it(channel: virtual.Channel) -> None:
    group = Group("tag", "donations", 0, [b'{"email": "jane@example.org"}', b"2"])
    payload = delivery.payload(group, {"donations": "crm.donations"}, channel)
    assert payload["headers"]["task"] == "crm.donations"
    assert payload["headers"]["argsrepr"] == "donations x2"
    assert "jane" not in json.dumps(payload["headers"] | payload["properties"])


def test_a_suspect_says_so(channel: virtual.Channel) -> None:
    payload = delivery.payload(Group("tag-suspect", "donations", 3, [b"{}"]), {}, channel)
    assert payload["headers"]["deliveries"] == 3
    assert payload["headers"]["task"] == delivery.UNROUTED
    assert payload["properties"]["delivery_info"]["redelivered"] is True


def test_an_envelope_that_kills_its_worker_is_given_up(channel: virtual.Channel) -> None:
    envelope = {
        "properties": {},
        "headers": {"task": "t", "id": "1"},
        "body": "[[], {}, null]",
        "content-type": "application/json",
    }
    group = Group(
        "tag", "donations", delivery.MAX_ENVELOPE_DELIVERIES, [json.dumps(envelope).encode()]
    )
    assert (
        delivery.payload(group, {}, channel)["headers"]["deliveries"]
        == delivery.MAX_ENVELOPE_DELIVERIES
    )
    with pytest.raises(delivery.Undeliverable) as refused:
        delivery.payload(
            group._replace(deliveries=delivery.MAX_ENVELOPE_DELIVERIES + 1), {}, channel
        )
    assert refused.value.code == "WORKER_LOST"


@pytest.mark.parametrize(
    "message",
    [
        b'{"properties": 1}',
        b'["properties", "body"]',
        b'{"x": "\\"properties\\" \\"body\\""}',
        b'"properties" "body" {',
        b"[" * 100_000,
    ],
    ids=["no body", "a list", "in a string", "not JSON", "deep"],
)
def test_what_only_looks_like_an_envelope_is_a_raw_message(
    channel: virtual.Channel, message: bytes
) -> None:
    payload = delivery.payload(Group("tag", "donations", 0, [message]), {}, channel)
    assert json.loads(payload["body"])[0] == ["donations", [message.decode()]]


def test_dead_letters_keep_the_bytes() -> None:
    ((queue, entry),) = delivery.dead_letters("donations", [b"\xff\x00"], "CODE", "why")
    letter = DeadLetter.loads(entry)
    assert (queue, letter.body, letter.code, letter.error) == (
        "donations-damaged",
        b"\xff\x00",
        "CODE",
        "why",
    )
