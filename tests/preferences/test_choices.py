"""The newest word on each thing counts, in whatever order words come."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fundraising.preferences.choices import Choice, is_newest, snoozed_until
from tests.preferences.donors import WHEN

TODAY = WHEN.date()
FIELDS = ("language", "country", "send_email", "snooze_date")


def at(days: int, **said: object) -> Choice:
    return Choice(WHEN + timedelta(days=days), **said)


choices = st.lists(
    st.builds(
        Choice,
        at=st.integers(0, 4).map(lambda days: WHEN + timedelta(days=days)),
        language=st.sampled_from(["", "de_DE", "fr_FR"]),
        country=st.sampled_from(["", "DE", "FR"]),
        send_email=st.sampled_from([None, True, False]),
        snooze_date=st.none() | st.dates(TODAY, TODAY + timedelta(days=30)),
    ),
    max_size=6,
)


@given(choices)
def test_the_record_keeps_all_that_was_said(known: list[Choice]) -> None:
    assert [Choice.of(choice.at, choice.details) for choice in known] == known


@given(choices, st.data())
def test_each_field_ends_as_the_same_whatever_the_order(
    known: list[Choice], data: st.DataObject
) -> None:
    def ends(arrived: list[Choice]) -> dict[str, object]:
        values: dict[str, object] = {}
        for number, choice in enumerate(arrived):
            for field in FIELDS:
                if is_newest(choice, field, arrived[:number]):
                    values[field] = getattr(choice, field)
        return values

    again = data.draw(st.permutations(known)) + data.draw(st.permutations(known))
    assert ends(again) == ends(known)
    assert snoozed_until(again, None) == snoozed_until(known, None)


def test_what_says_nothing_of_a_field_is_not_its_newest() -> None:
    assert not is_newest(at(3, country="DE"), "language", [])
    assert is_newest(at(1, language="de_DE"), "language", [at(3, country="DE")])
    assert not is_newest(at(1, language="de_DE"), "language", [at(3, language="fr_FR")])


def test_no_is_said_too() -> None:
    assert is_newest(at(3, send_email=False), "send_email", [at(1, send_email=True)])
    assert not is_newest(at(1, send_email=True), "send_email", [at(3, send_email=False)])


def test_whoever_wants_mail_has_it_from_the_next_day_on() -> None:
    asleep = at(0, snooze_date=date(2026, 8, 1))
    assert snoozed_until([asleep], None) == date(2026, 8, 1)
    assert snoozed_until([at(2, send_email=True), asleep], None) == date(2026, 5, 4)
    assert snoozed_until([at(2, send_email=False), asleep], None) == date(2026, 8, 1)
    assert snoozed_until([at(2, send_email=True)], date(2026, 5, 3)) == date(2026, 5, 3)
    both = at(2, send_email=True, snooze_date=date(2026, 9, 1))
    assert snoozed_until([asleep, both], None) == date(2026, 9, 1)
