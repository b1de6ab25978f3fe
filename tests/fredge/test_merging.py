"""Fields that several messages tell."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from fundraising.fredge.merging import Stamp, news, packed, told, unpacked

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
Row = tuple[dict[str, str], dict[str, Stamp]]
Said = tuple[Stamp, dict[str, str]]


def tell(row: Row, said: Said) -> Row:
    """The row after a message."""
    values, stamps = row
    stamp, told_values = said
    new = news(stamps, stamp, told_values)
    return {**values, **new}, {**stamps, **dict.fromkeys(new, stamp)}


def tell_all(said: list[Said]) -> Row:
    row: Row = ({}, {})
    for one in said:
        row = tell(row, one)
    return row


#: Few moments and fields, so that messages meet; keys are a message's own.
moments = st.integers(0, 2).map(lambda hours: START + timedelta(hours=hours))
fields = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "y", "z"]))
messages = st.lists(st.tuples(moments, fields), max_size=6).map(
    lambda drawn: [(Stamp(at, f"key{n}"), said) for n, (at, said) in enumerate(drawn)]
)


@given(st.data())
def test_no_order_or_repetition_changes_what_is_known(data: st.DataObject) -> None:
    said = data.draw(messages)
    again = data.draw(st.lists(st.sampled_from(said), max_size=4)) if said else []
    assert tell_all(data.draw(st.permutations(said + again))) == tell_all(said)


@given(messages)
def test_each_field_has_the_value_of_the_newest_message_that_told_it(said: list[Said]) -> None:
    values, stamps = tell_all(said)
    for name in "abc":
        tellers = [(stamp, told_values[name]) for stamp, told_values in said if name in told_values]
        newest = max(tellers, default=None)
        assert (stamps.get(name), values.get(name)) == (newest or (None, None))


@given(st.dictionaries(st.text(max_size=9), st.builds(Stamp, moments, st.text(max_size=9))))
def test_stamps_outlive_the_database(stamps: dict[str, Stamp]) -> None:
    assert unpacked(packed(stamps)) == stamps


def test_a_blank_says_nothing_but_no_and_nought_are_answers() -> None:
    values = {"a": "", "b": None, "c": False, "d": 0, "e": "x"}
    assert told(values) == {"c": False, "d": 0, "e": "x"}


def test_what_knows_no_date_comes_before_all_else() -> None:
    assert Stamp.of(None, "z") < Stamp.of(START, "a") < Stamp.of(START, "b")


def test_a_stamp_is_in_utc() -> None:
    at = START.astimezone(timezone(timedelta(hours=9)))
    assert str(Stamp.of(at, "k")) == "2026-03-01T12:00:00+00:00 k"
