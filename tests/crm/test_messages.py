from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.messages import DonationMessage
from fundraising.crm.messages.fields import MAX_TEXT
from queues.messages import validate
from queues.outcomes import Damaged
from queues.wire import Json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
FIELDS = [field.alias or name for name, field in DonationMessage.model_fields.items()]


def _message(**fields: Json) -> DonationMessage:
    return validate(DonationMessage, fields)


@pytest.mark.parametrize(
    ("field", "wire", "value"),
    [
        ("gateway", " ADYEN ", "adyen"),
        ("gateway_txn_id", 3611204184, "3611204184"),
        ("gateway_txn_id", False, ""),
        ("gateway_txn_id", None, ""),
        ("gateway_txn_id", "", ""),
        ("gross", "1,952.34", Decimal("1952.34")),
        ("gross", 20, Decimal(20)),
        ("gross", "", None),
        ("fee", Decimal("0.44"), Decimal("0.44")),
        ("fee", False, None),
        ("currency", "czk", "CZK"),
        ("date", "1795167973", datetime(2026, 11, 20, 9, 46, 13, tzinfo=UTC)),
        ("date", "", None),
        ("recurring", True, True),
        ("recurring", 1, True),
        ("recurring", "1", True),
        ("recurring", "true", True),
        ("recurring", "0", False),
        ("recurring", "", False),
        ("recurring", None, False),
        ("opt_in", "", None),
        ("opt_in", "0", False),
        ("opt_in", 1, True),
        ("contribution_tracking_id", "441", 441),
        ("contribution_tracking_id", "", None),
        ("subscr_id", 2048343366, "2048343366"),
        ("first_name", " Ana\t\r\nMaría ", "Ana María"),
        ("organization_name", [], ""),
        ("full_name", "Emoji😀", "Emoji😀"),
    ],
)
def test_loose_types_become_one(field: str, wire: Json, value: object) -> None:
    assert getattr(_message(**{field: wire}), field) == value


@pytest.mark.parametrize(
    ("field", "wire"),
    [
        ("gross", "secret"),
        ("gross", True),
        ("gross", "NaN"),
        ("currency", "secret"),
        ("currency", 840),
        ("date", "secret"),
        ("recurring", "secret"),
        ("recurring", 2),
        ("contribution_tracking_id", "secret"),
        ("contribution_tracking_id", "-1"),
        ("contribution_tracking_id", "9" * 19),
        ("first_name", ["secret"]),
        ("first_name", "secret\x00"),
        ("first_name", "secret\x1b[31m"),
        ("first_name", "secret" * 2000),
        ("email", "secret" * 50),
        ("gateway_txn_id", "secret" * 50),
        ("order_id", "secret" * 34),
        ("Gift_Data.Appeal", {"secret": 1}),
        ("comment", "secret\x01"),
        ("comment", {"deep": ["secret\x02"]}),
        ("comment", "secret" * 2000),
        ("message_id", "secret" * 20),
    ],
)
def test_a_refusal_names_the_field_and_not_the_value(field: str, wire: Json) -> None:
    with pytest.raises(Damaged) as refusal:
        _message(**{field: wire})
    assert refusal.value.code == "INVALID_MESSAGE"
    assert refusal.value.field.split(".")[0] == field.split(".")[0]
    assert "secret" not in str(refusal.value)


def test_unknown_fields_are_kept() -> None:
    message = _message(comment=" merci\nbien ", nested={"a": [1, "b\tc"]}, city_2="cc")
    assert message.model_extra == {
        "comment": "merci bien",
        "nested": {"a": [1, "b c"]},
        "city_2": "cc",
    }


@given(st.dictionaries(st.sampled_from([*FIELDS, "comment"]), JSON, max_size=6))
def test_any_message_is_read_or_refused_by_field(fields: dict[str, Json]) -> None:
    try:
        message = validate(DonationMessage, fields)
    except Damaged as refusal:
        assert refusal.field
        assert refusal.text
        return
    again = validate(DonationMessage, message.model_dump(by_alias=True, exclude_unset=True))
    assert again == message
    assert len(message.first_name) <= MAX_TEXT


def test_what_is_required_is_listed() -> None:
    assert _message().missing() == ["currency", "gross", "gateway", "gateway_txn_id"]
    sparse = _message(
        completion_message_id="x", original_currency="EUR", gross="0", gateway="adyen"
    )
    assert sparse.is_sparse
    assert sparse.missing() == ["gateway_txn_id"]


def test_a_sparse_message_is_completed_and_wins() -> None:
    sparse = _message(
        completion_message_id="dlocal-11451123.1",
        gateway="dlocal",
        gateway_txn_id="44559911",
        gross="20.00",
        currency="BRL",
        order_id="11451123.1",
        city="",
        **{"Gift_Data.Appeal": "ours"},
    )
    complete = sparse.completed_with(
        {
            "pending_id": 17,
            "gateway_txn_id": False,
            "gross": "19.00",
            "city": "São Paulo",
            "first_name": "Mickey",
            "payment_method": "cc",
            "Gift_Data.Appeal": "theirs",
            "note": "kept",
        }
    )
    assert complete.missing() == []
    assert (complete.gateway_txn_id, complete.gross) == ("44559911", Decimal("20.00"))
    assert (complete.first_name, complete.payment_method) == ("Mickey", "cc")
    assert (complete.city, complete.gift_data_appeal) == ("", "ours")
    assert complete.model_extra == {"note": "kept"}


def test_a_pending_row_that_is_invalid_is_refused() -> None:
    with pytest.raises(Damaged) as refusal:
        _message(gateway="adyen").completed_with({"gross": "x"})
    assert refusal.value.field == "gross"


@pytest.mark.parametrize(
    ("fields", "is_recurring", "is_offline"),
    [
        ({}, False, False),
        ({"recurring": "1"}, True, False),
        ({"contribution_recur_id": 12}, True, False),
        ({"is_daf": True}, False, True),
        ({"is_matching_gift": "1"}, False, True),
        ({"gateway": "Chariot"}, False, True),
    ],
)
def test_classes(fields: dict[str, Json], is_recurring: bool, is_offline: bool) -> None:
    message = _message(**fields)
    assert (message.is_recurring, message.is_offline) == (is_recurring, is_offline)
