"""The breakdown of a fraud score, as several messages tell it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fundraising.fredge.merging import Stamp
from fundraising.fredge.scores import Score, merged

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
# Whether the message is complete, and the scores that it tells.
Said = tuple[Stamp, bool, dict[str, Decimal]]


def tell_all(said: list[Said]) -> dict[str, Decimal]:
    """The scores after all messages."""
    known: dict[str, Score] = {}
    whole: Stamp | None = None
    for stamp, is_complete, told in said:
        if is_complete:
            whole = max(stamp, whole or stamp)
        scores = {name: Score(stamp, score) for name, score in told.items()}
        known = merged(known, scores, whole)
    return {name: score.risk_score for name, score in known.items()}


moments = st.integers(0, 2).map(lambda hours: START + timedelta(hours=hours))
scores = st.dictionaries(st.sampled_from("abc"), st.sampled_from([Decimal(1), Decimal(2)]))
messages = st.lists(st.tuples(moments, st.booleans(), scores), max_size=6).map(
    lambda drawn: [(Stamp(at, f"key{n}"), *said) for n, (at, *said) in enumerate(drawn)]
)


@given(st.data())
def test_no_order_or_repetition_changes_the_breakdown(data: st.DataObject) -> None:
    said = data.draw(messages)
    again = data.draw(st.lists(st.sampled_from(said), max_size=4)) if said else []
    assert tell_all(data.draw(st.permutations(said + again))) == tell_all(said)


@given(messages)
def test_it_is_the_newest_complete_one_and_what_was_told_since(said: list[Said]) -> None:
    complete = [stamp for stamp, is_complete, _ in said if is_complete]
    since = [one for one in sorted(said) if not complete or one[0] >= max(complete)]
    expected: dict[str, Decimal] = {}
    for _, _, told in since:
        expected.update(told)
    assert tell_all(said) == expected
