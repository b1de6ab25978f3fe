"""The checksums in links that we mail."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.contacts.checksums import checksum, is_of, is_valid, signed, verifies

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_known_value() -> None:
    text = checksum(12, "secret", datetime.fromtimestamp(1_700_000_000, UTC), None)
    assert text == "e315d7466debd23437b939a85c5af61b_1700000000_inf"


def test_lives_as_long_as_it_says() -> None:
    text = checksum(12, "secret", NOW, 24)
    assert is_valid(text, 12, "secret", NOW + timedelta(hours=24))
    assert not is_valid(text, 12, "secret", NOW + timedelta(hours=24, seconds=1))
    assert is_valid(checksum(12, "secret", NOW, None), 12, "secret", NOW + timedelta(days=9999))


def test_is_of_one_contact_and_one_hash() -> None:
    text = checksum(12, "secret", NOW, None)
    assert not is_valid(text, 13, "secret", NOW)
    assert not is_valid(text, 12, "other", NOW)


def test_a_longer_life_cannot_be_written_in() -> None:
    text = checksum(12, "secret", NOW, 1)
    assert not is_valid(text.removesuffix("1") + "999", 12, "secret", NOW)
    assert not is_valid(text.rpartition("_")[0] + "_inf", 12, "secret", NOW)


def test_nonsense_is_not_valid() -> None:
    for text in ("", "_", "abc_1_inf", "0" * 32 + "_x_inf", "0" * 32 + "_1_-1"):
        assert not is_valid(text, 12, "secret", NOW)


@pytest.mark.parametrize("email", ["", "ana@example.org"])
def test_a_signed_one_lives_as_long_as_it_says(email: str) -> None:
    text = signed(12, "secret", NOW, email)

    def holds(now: datetime) -> bool:
        if email:
            return verifies(text, 12, "secret", now, email)
        return is_valid(text, 12, "secret", now)

    assert holds(NOW)
    assert not holds(NOW + timedelta(seconds=1))


def test_an_expired_one_is_still_of_its_contact() -> None:
    for text in (signed(12, "secret", NOW), checksum(12, "secret", NOW, 1)):
        assert not is_valid(text, 12, "secret", NOW + timedelta(days=9))
        assert is_of(text, 12, "secret")
        assert not is_of(text, 13, "secret")
        assert not is_of(text, 12, "other")


def test_who_and_where_are_proven_apart() -> None:
    who, where = signed(12, "secret", NOW), signed(12, "secret", NOW, "Ana@example.org")
    assert verifies(where, 12, "secret", NOW, "ana@Example.org")
    assert not verifies(where, 12, "secret", NOW, "bo@example.org")
    assert not verifies(where, 13, "secret", NOW, "ana@example.org")
    assert not is_of(where, 12, "secret")
    assert not verifies(who, 12, "secret", NOW, "ana@example.org")


def test_of_the_old_form_only_one_for_ever_verifies_an_address() -> None:
    assert verifies(checksum(12, "secret", NOW, None), 12, "secret", NOW, "ana@example.org")
    assert not verifies(checksum(12, "secret", NOW, 24), 12, "secret", NOW, "ana@example.org")


@given(st.text(max_size=80), st.integers(0, 60))
def test_no_other_text_is_anybodys(text: str, at: int) -> None:
    good = signed(12, "secret", NOW)
    for other in (text, f"{good[:at]}{text}{good[at + 1 :]}"):
        assert other == good or not is_of(other, 12, "secret")
        assert not verifies(other, 12, "secret", NOW, "ana@example.org")


def test_a_signed_one_fits_a_link_and_a_field() -> None:
    text = signed(2**62, "5" * 32, NOW, f"{'x' * 64}@{'example.' * 20}org")
    assert len(text) < 100
    assert re.fullmatch(r"[\w:-]+", text, re.ASCII)
