import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.contacts import names


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  Mary   Ann ", "Mary Ann"),
        ("Mary&nbsp;Ann", "Mary Ann"),
        ("Mary\xa0Ann", "Mary Ann"),
        ("山田\u3000\u3000太郎", "山田 太郎"),
        ("Smith &amp; Sons", "Smith & Sons"),
        ("Smith &amp;amp; Sons", "Smith & Sons"),
        ("Mary&amp;nbsp;Ann", "Mary Ann"),
        ("O’Brien", "O’Brien"),
        ("Emoji😀", "Emoji😀"),
        ('"Quotes" \\ <b>', '"Quotes" \\ <b>'),
    ],
)
def test_cleaning(text: str, cleaned: str) -> None:
    assert names.clean(text) == cleaned


@given(st.text(alphabet=st.sampled_from("ab &;ampnsp\xa0\u3000é名"), max_size=200) | st.text())
def test_cleaning_is_idempotent_and_bounded(text: str) -> None:
    once = names.clean(text)
    assert len(once) <= names.NAME_LENGTH
    assert names.clean(once) == once


@pytest.mark.parametrize(
    ("full_name", "language", "country", "parts"),
    [
        ("Ludwig van Beethoven", "", "", ("Ludwig", "", "van Beethoven")),
        ("Anna van den Berg", "nl", "NL", ("Anna", "", "van den Berg")),
        ("John Q. Public", "en", "US", ("John", "Q.", "Public")),
        ("Smith, John", "en", "US", ("John", "", "Smith")),
        ("Maria da Silva", "pt", "BR", ("Maria", "", "da Silva")),
        ("María José García Márquez", "es", "", ("María José", "", "García Márquez")),
        ("María José García Márquez", "en", "MX", ("María José", "", "García Márquez")),
        ("Gabriel García Márquez", "es", "CO", ("Gabriel", "", "García Márquez")),
        ("Ana María López", "es", "ES", ("Ana María", "", "López")),
        ("José de la Cruz", "es", "MX", ("José", "", "de la Cruz")),
        ("María del Carmen Ruiz de León", "es", "ES", ("María del Carmen", "", "Ruiz de León")),
        ("Ольга Иванова", "ru", "RU", ("Ольга", "", "Иванова")),
        ("عمر كهن", "ar", "EG", ("عمر", "", "كهن")),
    ],
)
def test_safe_guesses(
    full_name: str, language: str, country: str, parts: tuple[str, str, str]
) -> None:
    found = names.split(full_name, language=language, country=country)
    assert (found.first_name, found.middle_name, found.last_name) == parts
    assert found.addressee == full_name


@pytest.mark.parametrize(
    ("full_name", "country"),
    [
        ("王小明", "TW"),
        ("田中 明", ""),
        ("김 지훈", ""),
        ("Nguyễn Văn An", "VN"),
        ("Nagy János", "HU"),
        ("María José García Márquez", ""),
        ("Владимир Владимирович Иванов", ""),
        ("Anna van den Berg & Piet", ""),
        ("Anna and Piet Berg", ""),
        ("Zoë Smith / Jones", ""),
        ("Acme Widgets Inc", ""),
        ("Sukarno", ""),
        ("John Ronald Reuel Tolkien", ""),
    ],
)
def test_what_cannot_be_told_stays_whole(full_name: str, country: str) -> None:
    found = names.split(full_name, country=country)
    assert found == names.Names(first_name=full_name, addressee=full_name)


def test_title_and_suffix_are_kept_apart() -> None:
    found = names.split("Dr. John Smith Jr.")
    assert (found.prefix, found.first_name, found.last_name, found.suffix) == (
        "Dr.",
        "John",
        "Smith",
        "Jr.",
    )


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=60),
    st.sampled_from(["", "es", "en", "hu"]),
    st.sampled_from(["", "MX", "US", "JP"]),
)
def test_no_word_is_ever_lost(full_name: str, language: str, country: str) -> None:
    found = names.split(full_name, language=language, country=country)
    parts = (found.prefix, found.first_name, found.middle_name, found.last_name, found.suffix)
    kept = sorted(" ".join(parts).replace(",", " ").split())
    assert kept == sorted(found.addressee.replace(",", " ").split())
