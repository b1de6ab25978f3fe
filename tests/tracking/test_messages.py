"""The contribution-tracking schema: loose where it can be, and exact about what is wrong."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from fundraising.tracking.messages import MAX_AMOUNT, ContributionTrackingMessage
from queues.messages import validate
from queues.outcomes import Damaged
from queues.wire import Json


def read(**fields: Json) -> ContributionTrackingMessage:
    return validate(ContributionTrackingMessage, {"id": "12", **fields})


def test_ids_are_numbers_whatever_their_type_on_the_wire() -> None:
    assert read(id="12", contribution_id="5") == read(id=12, contribution_id=5)


@pytest.mark.parametrize("nothing", [None, "", " ", False])
def test_what_is_blank_says_nothing(nothing: Json) -> None:
    message = read(contribution_id=nothing, utm_key=nothing, amount=nothing, ts=nothing)
    assert message.contribution_id is None
    assert message.utm_key == ""
    assert message.amount is None
    assert message.ts is None


def test_text_may_be_a_number_or_have_line_ends() -> None:
    message = read(browser_version=141, os_version=Decimal("10.15"), utm_campaign="a\nb\x07")
    assert message.browser_version == "141"
    assert message.os_version == "10.15"
    assert message.utm_campaign == "a\nb\x07"


@pytest.mark.parametrize(
    ("wire", "amount"),
    [
        ("35.00", Decimal("35.00")),
        (35, Decimal(35)),
        ("1,234.50", Decimal("1234.50")),
        ("1" * 17, Decimal("1" * 17)),
        ("9" * 30, MAX_AMOUNT),
        (10**30, MAX_AMOUNT),
        ("9" * 20 + ".99", MAX_AMOUNT),
    ],
)
def test_amounts_are_exact_and_capped(wire: Json, amount: Decimal) -> None:
    assert read(amount=wire).amount == amount


def test_ts_is_utc() -> None:
    assert read(ts="20190322114558").ts == datetime(2019, 3, 22, 11, 45, 58, tzinfo=UTC)


def test_what_the_schema_does_not_know_is_kept() -> None:
    assert read(form_amount="GBP 35.00").model_extra == {"form_amount": "GBP 35.00"}


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("id", "12x"),
        ("id", -1),
        ("contribution_id", "five"),
        ("amount", "many"),
        ("is_recurring", "perhaps"),
        ("ts", "yesterday"),
        ("utm_source", ["a", "b"]),
        ("referrer", "x" * 10_001),
    ],
)
def test_an_error_names_the_field_and_not_its_value(field: str, wrong: Json) -> None:
    with pytest.raises(Damaged) as caught:
        read(**{field: wrong})
    assert caught.value.field == field
    assert caught.value.code == "INVALID_MESSAGE"
    assert "yesterday" not in caught.value.text
    assert "perhaps" not in caught.value.text
