"""Whose donation it is, and what the database holds of the contact afterwards."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from fundraising.crm.contacts.checksums import checksum
from fundraising.crm.models import Contact, Contribution, Email
from tests.crm.imports import Message, contribution, donation, import_group, import_one

pytestmark = pytest.mark.django_db


def again(message: Message, **fields: object) -> Message:
    """Another donation of the same donor."""
    fresh = donation()
    ids = ("gateway_txn_id", "order_id", "contribution_tracking_id")
    return {**message, **{name: fresh[name] for name in ids}, **fields}


def contact_of(message: Message) -> Contact:
    return contribution(message).contact


@pytest.mark.parametrize("in_one_group", [True, False])
def test_a_donor_who_gives_again_is_one_contact(in_one_group: bool) -> None:
    first = donation()
    second = again(first, email=first["email"].upper(), first_name="ANA")
    if in_one_group:
        import_group(first, second)
    else:
        import_group(first)
        import_group(second)
    assert contact_of(first) == contact_of(second)
    assert (Contact.objects.count(), Email.objects.count()) == (1, 1)


@pytest.mark.parametrize("in_one_group", [True, False])
def test_a_change_is_written_and_found_by_the_next_donation(in_one_group: bool) -> None:
    home = {"street_address": "12 Elm Street", "city": "Springfield", "postal_code": "12345"}
    first = donation(**home)
    moved = again(first, email="new@example.org", **home)
    third = again(moved, street_address="1 Other Road")
    messages = [first, moved, third]
    if in_one_group:
        import_group(*messages)
    else:
        for message in messages:
            import_group(message)
    contact = Contact.objects.get()
    assert contact.emails.get().email == "new@example.org"
    assert contact.addresses.get().street_address == "1 Other Road"


def test_a_household_shares_an_address_but_not_a_contact() -> None:
    first = donation()
    import_group(first, again(first, first_name="Eva"))
    assert sorted(Contact.objects.values_list("first_name", flat=True)) == ["Ana", "Eva"]


def test_a_deleted_contact_is_not_found() -> None:
    first = donation()
    import_one(first)
    Contact.objects.update(is_deleted=True)
    second = again(first)
    import_one(second)
    assert contact_of(second) != contact_of(first)


def test_primary_changes_hands_in_the_database() -> None:
    first = donation(payment_method="paypal", payment_submethod="")
    import_one(first)
    import_one(again(first, payment_method="cc", payment_submethod="visa"))
    rows = Contact.objects.get(pk=contact_of(first).pk).emails.order_by("pk")
    assert [(row.location_type, row.is_primary) for row in rows] == [
        ("paypal", False),
        ("Home", True),
    ]


# contact_id in the message


@pytest.fixture
def known() -> Contact:
    message = donation(email="known@example.org")
    import_one(message)
    return contact_of(message)


def test_a_contact_id_alone_is_taken_as_it_is(known: Contact) -> None:
    message = donation(contact_id=str(known.pk))
    import_one(message)
    assert contact_of(message) == known


def test_a_contact_id_with_its_hash_and_email_is_believed(known: Contact) -> None:
    message = donation(contact_id=str(known.pk), contact_hash=known.hash, email="Known@Example.org")
    import_one(message)
    assert contact_of(message) == known


def test_the_hash_of_another_address_is_not_believed(known: Contact) -> None:
    message = donation(contact_id=str(known.pk), contact_hash=known.hash)
    import_one(message)
    assert contact_of(message) != known


def test_a_checksum_is_believed_when_valid(known: Contact) -> None:
    good = checksum(known.pk, known.hash, timezone.now(), None)
    bad = checksum(known.pk, "other", timezone.now(), None)
    first = donation(contact_id=str(known.pk), checksum=good)
    second = donation(contact_id=str(known.pk), checksum=bad)
    import_group(first, second)
    assert contact_of(first) == known
    assert contact_of(second) != known


def test_a_merged_contact_leads_to_the_one_that_is_left(known: Contact) -> None:
    chain = [Contact.objects.create(first_name=name) for name in ("a", "b")]
    Contact.objects.filter(pk=chain[0].pk).update(is_deleted=True, merged_into=chain[1])
    Contact.objects.filter(pk=chain[1].pk).update(is_deleted=True, merged_into=known)
    message = donation(contact_id=str(chain[0].pk))
    import_one(message)
    assert contact_of(message) == known


def test_merges_in_a_circle_end(known: Contact) -> None:
    other = Contact.objects.create(is_deleted=True, merged_into=known)
    Contact.objects.filter(pk=known.pk).update(is_deleted=True, merged_into=other)
    message = donation(contact_id=str(known.pk))
    import_one(message)
    assert contact_of(message) not in (known, other)


def test_a_contact_id_of_nobody_is_a_new_donor() -> None:
    message = donation(contact_id="3729480")
    import_one(message)
    assert contact_of(message).pk != 3729480


# Choices


def test_a_choice_older_than_the_last_donation_is_not_taken(known: Contact) -> None:
    Contact.objects.filter(pk=known.pk).update(opt_in=False)
    earlier = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
    import_one(donation(contact_id=str(known.pk), opt_in="1", date=earlier))
    known.refresh_from_db()
    assert known.opt_in is False
    assert Contribution.objects.filter(contact=known).count() == 2


def test_a_choice_newer_than_the_last_donation_is_taken(known: Contact) -> None:
    Contact.objects.filter(pk=known.pk).update(opt_in=False, is_opt_out=True)
    later = int(datetime(2026, 5, 1, tzinfo=UTC).timestamp())
    import_one(donation(contact_id=str(known.pk), opt_in="1", date=later))
    known.refresh_from_db()
    assert (known.opt_in, known.is_opt_out) == (True, False)
