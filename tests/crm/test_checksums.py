"""The checksums in links that we mail."""

from datetime import UTC, datetime, timedelta

from fundraising.crm.checksums import checksum, is_valid

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
