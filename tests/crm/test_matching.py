"""Who a donor is, without a database."""

import pytest

from fundraising.crm.contacts.matching import Candidate, Donor, KnownEmail, Place, match

HOME = Place("12 Elm Street", "Springfield", "12345")
ANA = Donor(first_name="Ana", last_name="Gil", email="ana@example.org", source="cc")


def known(age: int, *emails: KnownEmail, names: str = "Ana Gil", **fields: object) -> Candidate:
    first, _, last = names.partition(" ")
    return Candidate(age, first, last, emails=emails, **fields)  # type: ignore[arg-type]


def email(text: str = "ana@example.org", location: str = "Home", *, primary: bool = True):  # type: ignore[no-untyped-def]  # noqa: ANN201
    return KnownEmail(text, location, primary)


def age_of(donor: Donor, *candidates: Candidate) -> int | None:
    hit = match(donor, candidates)
    return hit.age if hit else None


def test_email_and_names_whatever_their_case() -> None:
    assert age_of(ANA, known(1, email(), names="ANA gil")) == 1


def test_another_person_of_the_same_household_is_a_new_contact() -> None:
    assert age_of(ANA, known(1, email(), names="Eva Gil")) is None


def test_the_oldest_of_equals_wins() -> None:
    assert age_of(ANA, known(7, email()), known(3, email()), known(5, email())) == 3


def test_a_primary_address_goes_before_an_older_contacts_secondary_one() -> None:
    assert age_of(ANA, known(1, email(primary=False)), known(2, email())) == 2


def test_without_both_names_only_details_of_low_confidence_match() -> None:
    nameless = Donor(email="ana@example.org", source="cc")
    wallet = Donor(email="ana@example.org", source="google", is_low_confidence=True)
    candidate = known(1, email(location="google"), names="")
    assert age_of(nameless, candidate) is None
    assert age_of(wallet, candidate) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (email(location="venmo"), email(location="paypal", primary=False)),
        (email(location="paypal", primary=False), email(location="venmo", primary=False)),
    ],
    ids=["primary first", "then the one of the same payment method"],
)
def test_an_address_a_wallet_told_matches_whatever_the_names(
    first: KnownEmail, second: KnownEmail
) -> None:
    donor = Donor("Other", "Name", "ana@example.org", source="paypal", is_low_confidence=True)
    assert age_of(donor, known(1, second), known(2, first)) == 2
    assert age_of(donor, known(1, second)) == 1


def test_an_address_the_donor_typed_does_not_match_other_names() -> None:
    donor = Donor("Other", "Name", "ana@example.org", source="paypal", is_low_confidence=True)
    assert age_of(donor, known(1, email(location="Home"))) is None


def test_the_processors_id_goes_before_the_address() -> None:
    donor = Donor("Ana", "Gil", "ana@example.org", external=("paypal_payer_id", "P1"))
    by_id = known(9, names="Eva Roe", external={"paypal_payer_id": "P1"})
    assert age_of(donor, known(1, email()), by_id) == 9
    other_field = known(9, names="Eva Roe", external={"gravy_id": "P1"})
    assert age_of(donor, other_field) is None


def test_a_venmo_donor_is_known_by_phone_then_by_the_wallets_address() -> None:
    donor = Donor(
        "Ana", "Gil", "ana@example.org", phone="5550100", external=("venmo_user_name", "@new")
    )
    by_name = known(1, external={"venmo_user_name": "@new"}, names="Eva Roe")
    by_email = known(2, email(location="venmo"), names="Eva Roe")
    by_phone = known(3, venmo_phones=["5550100"], names="Eva Roe")
    assert age_of(donor, by_name, by_email, by_phone) == 3
    assert age_of(donor, by_name, by_email) == 2
    assert age_of(donor, by_name) == 1


def test_the_bank_accounts_address_must_be_of_one_contact_only() -> None:
    donor = Donor("Ana", "Gil", "other@example.org", billing_email="bank@example.org")
    account = email("bank@example.org", "ach", primary=False)
    first, second = known(1, account, names="Eva Roe"), known(2, account, names="Eva Poe")
    assert age_of(donor, first) == 1
    assert age_of(donor, first, second) is None


def test_names_and_address_match_without_an_email() -> None:
    donor = Donor("Ana", "Gil", place=Place("12 ELM street", "SPRINGFIELD", "12345"))
    assert age_of(donor, known(4, primary_place=HOME)) == 4
    assert age_of(donor, known(4, primary_place=HOME, names="Eva Gil")) is None
    assert (
        age_of(donor, known(4, primary_place=Place("13 Elm Street", "Springfield", "12345")))
        is None
    )


@pytest.mark.parametrize(
    "place", [Place("Elm", "Springfield", "12345"), Place("12 Elm Street", "S", "12345"), Place()]
)
def test_an_address_too_short_to_tell_households_apart_matches_nobody(place: Place) -> None:
    donor = Donor("Ana", "Gil", place=place)
    assert age_of(donor, known(1, primary_place=place)) is None


def test_an_email_that_is_missing_matches_no_missing_one() -> None:
    donor = Donor("Ana", "Gil", email="", source="cc")
    assert age_of(donor, known(1, email(""))) is None
