"""What two messages of one payment tell together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.pending.merging import merged, stamp
from queues.wire import Json
from tests.pending.messages import read

values: st.SearchStrategy[Json] = st.sampled_from(
    ["a", "b", 1, True, False, None, "", [], {"c": 1}]
)
told = st.dictionaries(st.sampled_from(["email", "captured", "language"]), values)


@given(told, told)
def test_nothing_known_is_lost(older: dict[str, Json], newer: dict[str, Json]) -> None:
    together = merged(older, newer)
    for key in older.keys() | newer.keys():
        said = [v for v in (older.get(key), newer.get(key)) if v is not None and v not in ("", [])]
        assert not said or together[key] not in (None, "", [])


@given(told)
def test_the_same_again_changes_nothing(message: dict[str, Json]) -> None:
    assert merged(message, message) == message


@pytest.mark.parametrize("blank", [None, "", []])
def test_a_newer_blank_takes_nothing_back(blank: Json) -> None:
    assert merged({"email": "a@example.org"}, {"email": blank}) == {"email": "a@example.org"}


def test_a_newer_value_wins_and_an_older_one_completes() -> None:
    assert merged({"a": 1, "b": 2}, {"b": 3, "c": 4}) == {"a": 1, "b": 3, "c": 4}


def test_false_is_no_id_but_elsewhere_an_answer() -> None:
    older: dict[str, Json] = {"gateway_txn_id": "T1", "captured": True}
    newer: dict[str, Json] = {"gateway_txn_id": False, "captured": False}
    assert merged(older, newer) == {"gateway_txn_id": "T1", "captured": False}


def test_newer_is_what_was_pushed_later_then_what_is_dated_later() -> None:
    pushed = [read(source_enqueued_time=n, date=9 - n)[0] for n in (1, 2)]
    dated = [read(date=n)[0] for n in (1, 2)]
    assert stamp(pushed[0]) < stamp(pushed[1])
    assert stamp(dated[0]) < stamp(dated[1])
