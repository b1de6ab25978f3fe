"""What a donation changes of a contact, in memory."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fundraising.crm.contacts import confidence, profiles
from fundraising.crm.contacts.addresses import Address
from fundraising.crm.contacts.profiles import Profile, revised_name
from fundraising.crm.currencies.rates import Rates
from fundraising.crm.donation import Donation, normalise
from fundraising.crm.messages import DonationMessage
from queues.messages import validate
from tests.crm.imports import donation as message


def donation(**fields: object) -> Donation:
    fields = {"first_name": "Ana", "last_name": "Gil", "email": "ana@example.org", **fields}
    return normalise(validate(DonationMessage, message(**fields)), Rates())


def revise(profile: Profile, given: Donation) -> None:
    source = confidence.source(given.payment_method, given.gateway)
    is_low = confidence.is_low(source, is_known_recurring=False)
    profile.changed.clear()
    profiles.revise(profile, given, source, is_low)


@pytest.fixture
def ana() -> Profile:
    """A contact by a donation with the form."""
    profile = profiles.new(1)
    revise(profile, donation(street_address="12 Elm Street", city="Springfield"))
    return profile


def emails(profile: Profile) -> dict[str, tuple[str, bool]]:
    return {row.location_type: (row.email, row.is_primary) for row in profile.emails}


def test_a_new_contact_has_all_that_the_donation_tells(ana: Profile) -> None:
    contact = ana.contact
    assert (contact.first_name, contact.last_name, contact.display_name) == (
        "Ana",
        "Gil",
        "Ana Gil",
    )
    assert (contact.source, contact.preferred_language) == ("online donation", "en_US")
    assert emails(ana) == {"Home": ("ana@example.org", True)}
    assert [row.street_address for row in ana.addresses if row.is_primary] == ["12 Elm Street"]


def test_the_same_donation_again_changes_nothing(ana: Profile) -> None:
    revise(ana, donation(street_address="12 Elm Street", city="Springfield"))
    assert ana.changed == {}


@pytest.mark.parametrize(
    ("known", "given", "may_replace", "after"),
    [
        ("", "Ana", False, "Ana"),
        ("Ana", "", True, "Ana"),
        ("Ana", "Eva", True, "Eva"),
        ("Ana", "Eva", False, "Ana"),
        ("ana", "Ana", True, "Ana"),
        ("ANA", "Ana", True, "Ana"),
        ("Ana", "ana", True, "Ana"),
        ("Ana", "ANA", True, "Ana"),
        ("McGil", "Mcgil", True, "Mcgil"),
        ("ana", "ANA", False, "ana"),
    ],
)
def test_names(known: str, given: str, may_replace: bool, after: str) -> None:
    assert revised_name(known, given, may_replace=may_replace) == after


def test_a_wallet_does_not_rename_a_donor_of_the_form(ana: Profile) -> None:
    revise(ana, donation(first_name="Eva", payment_method="paypal", payment_submethod=""))
    assert ana.contact.first_name == "Ana"


def test_the_form_renames_a_donor_of_a_wallet() -> None:
    profile = profiles.new(1)
    revise(profile, donation(payment_method="paypal", payment_submethod=""))
    revise(profile, donation(first_name="Eva"))
    assert (profile.contact.first_name, profile.contact.display_name) == ("Eva", "Eva Gil")


def test_a_wallets_address_is_a_second_one(ana: Profile) -> None:
    revise(ana, donation(email="w@example.org", payment_method="google", payment_submethod="mc"))
    assert emails(ana) == {"Home": ("ana@example.org", True), "google": ("w@example.org", False)}


def test_a_wallet_that_knows_the_same_address_gets_a_row_once(ana: Profile) -> None:
    wallet = donation(email="ANA@example.org", payment_method="venmo", payment_submethod="")
    revise(ana, wallet)
    assert emails(ana) == {"Home": ("ana@example.org", True), "venmo": ("ana@example.org", False)}
    revise(ana, wallet)
    assert ana.changed == {}


def test_the_donors_own_word_takes_the_first_place() -> None:
    profile = profiles.new(1)
    revise(profile, donation(email="w@example.org", payment_method="apple", payment_submethod=""))
    assert emails(profile) == {"apple": ("w@example.org", True)}
    revise(profile, donation(email="ana@example.org"))
    assert emails(profile) == {"apple": ("w@example.org", False), "Home": ("ana@example.org", True)}


def test_the_donors_own_word_takes_the_first_place_even_for_the_same_address() -> None:
    profile = profiles.new(1)
    revise(profile, donation(payment_method="apple", payment_submethod=""))
    revise(profile, donation())
    assert emails(profile)["Home"] == ("ana@example.org", True)
    assert emails(profile)["apple"] == ("ana@example.org", False)


def test_another_wallets_address_takes_the_place_of_a_wallets() -> None:
    profile = profiles.new(1)
    revise(profile, donation(email="a@example.org", payment_method="apple", payment_submethod=""))
    revise(profile, donation(email="g@example.org", payment_method="google", payment_submethod=""))
    assert emails(profile) == {"apple": ("a@example.org", False), "google": ("g@example.org", True)}


def test_a_new_address_of_the_form_replaces_the_old_and_is_not_on_hold(ana: Profile) -> None:
    ana.emails[0].on_hold = True
    revise(ana, donation(email="new@example.org"))
    assert emails(ana) == {"Home": ("new@example.org", True)}
    assert not ana.emails[0].on_hold


def test_a_bank_accounts_email_is_kept_but_not_written_to(ana: Profile) -> None:
    revise(
        ana, donation(payment_method="dd", payment_submethod="ach", billing_email="b@example.org")
    )
    assert emails(ana) == {"Home": ("ana@example.org", True), "ach": ("b@example.org", False)}


def test_a_street_replaces_the_address(ana: Profile) -> None:
    revise(ana, donation(street_address="1 New Road", city="Shelbyville", state_province="CA"))
    assert [(row.street_address, row.state_province) for row in ana.addresses] == [
        ("1 New Road", "CA")
    ]


def test_a_mere_country_does_not_replace_an_address_but_is_better_than_none(ana: Profile) -> None:
    revise(ana, donation(country="FR"))
    assert [row.country for row in ana.addresses] == ["US"]
    fresh = profiles.new(2)
    revise(fresh, donation(country="FR"))
    assert [row.country for row in fresh.addresses] == ["FR"]


def test_an_address_in_no_country_is_not_saved() -> None:
    fresh = profiles.new(1)
    nowhere = replace(donation(), address=Address(street_address="12 Elm Street"))
    revise(fresh, nowhere)
    assert fresh.addresses == []


def test_opting_in_lifts_what_forbids_mail(ana: Profile) -> None:
    ana.contact.is_opt_out = ana.contact.do_not_email = ana.contact.do_not_solicit = True
    revise(ana, donation(opt_in="1"))
    assert ana.contact.opt_in is True
    contact = ana.contact
    assert [contact.is_opt_out, contact.do_not_email, contact.do_not_solicit] == [False] * 3


def test_an_older_donation_does_not_undo_a_choice(ana: Profile) -> None:
    now = donation(opt_in="0")
    revise(ana, now)
    revise(ana, replace(donation(opt_in="1"), received=now.received - timedelta(days=1)))
    assert ana.contact.opt_in is False
    revise(ana, replace(donation(opt_in="1"), received=now.received + timedelta(days=1)))
    assert ana.contact.opt_in is True


def test_opting_out_forbids_nothing_that_was_allowed(ana: Profile) -> None:
    revise(ana, donation(opt_in="0"))
    assert ana.contact.opt_in is False
    assert not ana.contact.do_not_email


def test_an_employer_is_the_donors_word_where_the_donor_was_asked(ana: Profile) -> None:
    revise(ana, donation(employer="Acme", employer_id="77", source_type="payments"))
    contact = ana.contact
    assert (contact.employer, contact.employer_contact_id) == ("Acme", 77)
    assert contact.employer_provided_by_donor
    revise(ana, donation(employer="Bolt", source_type="direct"))
    assert (contact.employer, contact.employer_contact_id) == ("Bolt", None)
    assert not contact.employer_provided_by_donor


def test_only_a_telephone_that_may_be_texted_is_saved(ana: Profile) -> None:
    revise(ana, donation(phone="+1 555 010 0000"))
    assert ana.phones == []
    revise(ana, donation(phone="+1 555 010 0000", sms_opt_in="1"))
    revise(ana, donation(phone="+1 555 010 0000", sms_opt_in="1"))
    assert [(row.phone, row.country_code, row.phone_source) for row in ana.phones] == [
        ("5550100000", "1", "Payments Form")
    ]


def test_identifiers(ana: Profile) -> None:
    revise(
        ana,
        donation(
            gateway="paypal",
            payment_method="paypal",
            payment_submethod="",
            external_identifier="PAYER1",
            fiscal_number="123.456",
        ),
    )
    assert ana.contact.paypal_payer_id == "PAYER1"
    assert ana.contact.legal_identifier == "123.456"
