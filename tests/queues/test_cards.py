"""Card data is found and masked, ids are not."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from queues import cards, wire

VISA = "4111111111111111"


@pytest.mark.parametrize(
    "text",
    [
        VISA,
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "378282246310005",
        "3782 822463 10005",
        "30569309025904",
        "6011111111111117",
        "2223000048400011",
        f"my card is {VISA}.",
        f"line\n{VISA}",
        f"\u00a0{VISA}",
    ],
)
def test_card_numbers_are_masked_but_for_the_last_four(text: str) -> None:
    masked, fields = cards.mask({"comment": text, "gross": "1.00"})
    assert fields == ["comment"]
    assert isinstance(masked, dict)
    assert isinstance(masked["comment"], str)
    assert sum(character.isdigit() for character in masked["comment"]) == 4
    assert masked["gross"] == "1.00"


@pytest.mark.parametrize(
    "value",
    [
        "4111111111111112",
        "0000043634575500000100001",
        "5ac343e3-ae85-2324-a1c8-c22b12c9b2c8",
        "P01-1234567-1234567-C034811",
        1795167973,
        "20261120094412",
        Decimal("46.4111111111111111"),
        "20261118140636",
        "3611204184",
        "",
        None,
        True,
    ],
)
def test_other_numbers_are_left_alone(value: wire.Json) -> None:
    assert cards.mask({"gateway_txn_id": value}) == ({"gateway_txn_id": value}, [])


def test_no_time_of_a_day_is_a_card() -> None:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    times = [f"{start + timedelta(seconds=second):%Y%m%d%H%M%S}" for second in range(3600)]
    assert any(cards.luhn(time) for time in times)
    assert cards.mask({"ts": [*times]})[1] == []


def test_numbers_and_nesting_are_searched() -> None:
    message: wire.Json = {"a": [{"b": int(VISA)}], "cvv": "123", "cvv_result": "M", VISA: 1}
    masked, fields = cards.mask(message)
    assert VISA not in json.dumps(masked)
    assert set(fields) == {"b", "cvv", "************1111"}
    assert isinstance(masked, dict)
    assert (masked["cvv"], masked["cvv_result"]) == ("***", "M")


@pytest.mark.parametrize(
    "body",
    [
        f'{{"comment": "{VISA}", broken'.encode(),
        f'{{"comment": "line\\n{VISA}", broken'.encode(),
        VISA.encode() + b"\xff\xfe",
        b'{"cvv": "1234", broken',
    ],
)
def test_unreadable_bytes_are_masked_too(body: bytes) -> None:
    masked = cards.mask_body(body)
    assert VISA.encode() not in masked
    assert b"1234" not in masked
    assert len(masked) == len(body)


def test_clean_bytes_stay_as_they_are() -> None:
    assert cards.mask_body(b"\xff\x00 12.10 {") == b"\xff\x00 12.10 {"
