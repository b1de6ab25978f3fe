"""The pending schema."""

from datetime import UTC, datetime
from typing import Any

import pytest

from queues.outcomes import Damaged
from tests.pending.messages import read


@pytest.mark.parametrize("unknown", [False, None, "", " "])
def test_an_id_may_be_unknown_in_the_ways_of_php(unknown: object) -> None:
    assert read(gateway_txn_id=unknown)[0].gateway_txn_id == ""
    assert read(order_id=unknown, gateway_txn_id="T1")[0].order_id == ""


def test_what_nobody_looks_up_is_kept_unread() -> None:
    message, value = read(gross="20.00", risk_score=10, response=False, captured=True)
    assert message.model_extra is not None
    assert message.model_extra["gross"] == "20.00"
    assert value["captured"] is True


def test_date_and_gateway() -> None:
    message, _ = read(date="1795167943", gateway=" PayPal_EC ")
    assert message.date == datetime(2026, 11, 20, 9, 45, 43, tzinfo=UTC)
    assert message.gateway == "paypal_ec"


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("date", {"date": ""}),
        ("date", {"date": None}),
        ("date", {"date": "not long ago"}),
        ("gateway", {"gateway": ""}),
        ("gateway_txn_id", {"order_id": "", "gateway_txn_id": False}),
        ("gateway_txn_id", {"gateway_txn_id": "x" * 256}),
        ("order_id", {"order_id": ["119223.1"], "gateway_txn_id": "T1"}),
        ("email", {"email": "x" * 255}),
        ("contribution_tracking_id", {"contribution_tracking_id": "12x"}),
    ],
)
def test_an_error_names_the_field(field: str, fields: dict[str, Any]) -> None:
    with pytest.raises(Damaged) as caught:
        read(**fields)
    assert caught.value.field == field
    assert "not long ago" not in caught.value.text
