import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.contacts import addresses
from fundraising.crm.contacts.addresses import Address


@pytest.mark.parametrize(
    ("country", "code"),
    [("us", "US"), (" DE ", "DE"), ("UK", "GB"), ("XK", "XK")]
    + [(wrong, "") for wrong in ("", "XX", "USA", "United States", "ZZ", "é", "0")],
)
def test_countries(country: str, code: str) -> None:
    assert addresses.valid_country(country) == code


@pytest.mark.parametrize(
    ("country", "text", "state"),
    [
        ("US", "CA", "CA"),
        ("US", "ca", "CA"),
        ("US", "California", "CA"),
        ("US", "AE", "AE"),
        ("CA", "Québec", "QC"),
        ("CA", "quebec", "QC"),
        ("IL", "Haifa", "HA"),
        ("JP", "13", "13"),
        ("IT", "RM", "RM"),
        ("FR", "ile-de-france", "IDF"),
        ("US", "Haifa", None),
        ("US", "NSW", None),
        ("", "CA", None),
        ("CZ", "", None),
        ("XK", "1", None),
    ],
)
def test_states_are_those_of_the_country(country: str, text: str, state: str | None) -> None:
    assert addresses.state(country, text) == state


def test_what_forms_write_for_nothing_is_nothing() -> None:
    cleaned = addresses.clean(
        street_address="N0NE PROVIDED", city="City/Town", postal_code="0", country="BR"
    )
    assert cleaned == Address(country="BR")
    assert addresses.clean(street_address="N0ne provided").street_address == ""
    assert addresses.clean(city="NoCity").city == ""


def test_an_address_is_cleaned() -> None:
    cleaned = addresses.clean(
        street_address=" 10 Downing St /\u00a0Flat 3",
        city="London",
        postal_code="SW1A_1AA!",
        country="gb",
        state_province="England",
    )
    assert cleaned == Address(
        street_address="10 Downing St / Flat 3",
        city="London",
        postal_code="SW1A1AA",
        country="GB",
        state="ENG",
    )


@pytest.mark.parametrize(
    ("postal_code", "country", "parts"),
    [
        ("15110-1232", "US", ("15110", "1232")),
        ("15110", "US", ("15110", "")),
        ("01310-100", "BR", ("01310-100", "")),
        ("100-0001", "JP", ("100-0001", "")),
        ("12345-6789", "BR", ("12345-6789", "")),
    ],
)
def test_zip_plus_four_is_parted_in_the_us_only(
    postal_code: str, country: str, parts: tuple[str, str]
) -> None:
    cleaned = addresses.clean(postal_code=postal_code, country=country)
    assert (cleaned.postal_code, cleaned.postal_code_suffix) == parts


@given(st.text(), st.text(), st.text(), st.sampled_from(["US", "DE", "XX", ""]), st.text())
def test_cleaning_is_idempotent_and_bounded(
    street: str, city: str, postal_code: str, country: str, state: str
) -> None:
    once = addresses.clean(
        street_address=street,
        city=city,
        postal_code=postal_code,
        country=country,
        state_province=state,
    )
    again = addresses.clean(
        street_address=once.street_address,
        city=once.city,
        postal_code=once.postal_code,
        country=once.country,
        state_province=once.state or "",
    )
    assert again.street_address == once.street_address
    assert (again.postal_code, again.country, again.state) == (
        once.postal_code,
        once.country,
        once.state,
    )
    assert max(map(len, (once.street_address, once.city, once.postal_code))) <= 255


def test_a_placeholder_is_one_even_behind_a_control_character() -> None:
    assert addresses.clean(postal_code="0\x08", country="US").postal_code == ""
