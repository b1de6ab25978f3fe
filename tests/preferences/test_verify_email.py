"""``verify-email``: the link in a mail to a new address was followed."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.db import transaction

from fundraising.crm.contacts import checksums
from fundraising.crm.models import Activity, Address, Contact, Email
from tests.preferences.donors import (
    DAY,
    MAY,
    WHEN,
    contents,
    faults,
    known,
    old_checksum,
    preferences,
    told,
    told_each,
    verification,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frqueue")]

QUEUE = "verify-email"
Type = Activity.Type


def addresses(contact: Contact) -> set[tuple[str, str, bool]]:
    return set(contact.emails.values_list("email", "location_type", "is_primary"))


@pytest.mark.parametrize("location", ["Home", "EmailPreference"])
def test_the_donors_own_word_is_replaced(location: str) -> None:
    contact = known()
    contact.emails.update(location_type=location, on_hold=True)
    assert told(QUEUE, verification(contact, email="New@Example.org", message_id="m1")) == []
    assert addresses(contact) == {("new@example.org", location, True)}
    email = contact.emails.get()
    assert (email.on_hold, email.message_id) == (False, "m1")
    note = contact.activities.get()
    assert (note.activity_type, note.activity_date) == (Type.VERIFY_EMAIL, WHEN)
    assert (note.message_id, note.details) == ("m1", "n•••@example.org")


def test_what_a_wallet_told_stays() -> None:
    contact = known()
    contact.emails.update(location_type="paypal", snooze_date="2026-08-01")
    told(QUEUE, verification(contact))
    assert addresses(contact) == {
        ("ana@example.org", "paypal", False),
        ("new@example.org", "EmailPreference", True),
    }
    snoozed = contact.emails.filter(snooze_date="2026-08-01")
    assert snoozed.get().email == "new@example.org", "the wish goes with the primary address"


def test_what_was_verified_before_is_replaced_beside_a_wallet() -> None:
    contact = known()
    contact.emails.update(location_type="paypal")
    Email.objects.create(contact=contact, email="old@example.org", location_type="EmailPreference")
    told(QUEUE, verification(contact))
    assert addresses(contact) == {
        ("ana@example.org", "paypal", False),
        ("new@example.org", "EmailPreference", True),
    }


def test_the_first_address_of_a_contact() -> None:
    contact = known("")
    told(QUEUE, verification(contact))
    assert addresses(contact) == {("new@example.org", "EmailPreference", True)}


def test_the_address_that_we_write_to_is_only_confirmed() -> None:
    contact = known()
    contact.emails.update(location_type="paypal", on_hold=True)
    told(QUEUE, verification(contact, email="ANA@example.org"))
    assert addresses(contact) == {("ana@example.org", "paypal", True)}
    assert contact.emails.get().on_hold is False
    assert contact.activities.get().activity_type == Type.VERIFY_EMAIL


def test_a_merged_contact_is_followed() -> None:
    contact = known()
    old = known("", is_deleted=True, merged_into=contact)
    assert told(QUEUE, verification(old)) == []
    assert addresses(contact) == {("new@example.org", "Home", True)}


def test_two_in_one_group() -> None:
    contact = known()
    contact.emails.update(location_type="paypal")
    messages = [
        verification(contact),
        verification(contact, email="newer@example.org", source_enqueued_time=MAY + DAY),
    ]
    assert told(QUEUE, *messages) == []
    assert addresses(contact) == {
        ("ana@example.org", "paypal", False),
        ("newer@example.org", "EmailPreference", True),
    }


class TestProof:
    def signed(self, contact: Contact, email: str, days: int = 1) -> str:
        until = WHEN + timedelta(days=days)
        return checksums.signed(contact.pk, contact.hash, until, email)

    def refused(self, contact: Contact, checksum: str) -> bool:
        letters = told(QUEUE, verification(contact, checksum=checksum))
        assert faults(letters) in ([], [("INVALID_MESSAGE", "checksum")])
        assert Activity.objects.exists() is not bool(letters)
        return bool(letters)

    def test_the_link_that_we_mailed_to_the_address(self) -> None:
        contact = known()
        assert not self.refused(contact, self.signed(contact, "New@example.org"))

    def test_that_of_another_address(self) -> None:
        contact = known()
        assert self.refused(contact, self.signed(contact, "other@example.org"))

    def test_one_that_proves_who_the_donor_is_but_no_address(self) -> None:
        contact = known()
        assert self.refused(contact, self.signed(contact, ""))

    def test_an_expired_one(self) -> None:
        contact = known()
        assert self.refused(contact, self.signed(contact, "new@example.org", days=-1))

    def test_that_of_another_contact(self) -> None:
        contact, other = known(), known("bo@example.org")
        assert self.refused(contact, self.signed(other, "new@example.org"))

    def test_an_old_one_that_does_not_live_for_ever(self) -> None:
        contact = known()
        assert self.refused(contact, old_checksum(contact, hours=999999))

    @pytest.mark.parametrize("text", ["abc123def456_123456789_inf", "_inf", ":", "0:0:0"])
    def test_nonsense(self, text: str) -> None:
        assert self.refused(known(), text)


@pytest.mark.parametrize("field", ["contact_id", "email", "checksum"])
@pytest.mark.parametrize("is_blank", [True, False])
def test_all_three_are_needed(field: str, is_blank: bool) -> None:
    message = verification(known())
    message[field] = ""
    if not is_blank:
        del message[field]
    assert faults(told(QUEUE, message)) == [("INVALID_MESSAGE", field)]


class TestDoubleOptIn:
    def noted(self, contact: Contact) -> list[object]:
        notes = contact.activities.filter(activity_type=Type.DOUBLE_OPT_IN)
        return list(notes.values_list("activity_date", flat=True))

    def test_it_is_noted_once(self) -> None:
        contact = known()
        Address.objects.create(contact=contact, country="DE", is_primary=True)
        told(QUEUE, verification(contact))
        told(QUEUE, verification(contact, source_enqueued_time=MAY + DAY))
        assert self.noted(contact) == [WHEN]

    def test_it_is_not_noted_elsewhere(self) -> None:
        contact = known()
        Address.objects.create(contact=contact, country="FR", is_primary=True)
        told(QUEUE, verification(contact))
        assert self.noted(contact) == []


@pytest.mark.parametrize("location", ["Home", "paypal"])
def test_the_end_is_the_same_in_any_order(location: str) -> None:
    ends = []
    for order in permutations(range(4)):
        with transaction.atomic():
            contact = known()
            contact.emails.update(location_type=location)
            messages = [
                (QUEUE, verification(contact, email="a@example.org")),
                (QUEUE, verification(contact, source_enqueued_time=MAY + 2 * DAY)),
                (QUEUE, verification(contact, email="c@example.org", message_id="x")),
                ("email-preferences", preferences(contact, country="DE", snooze_date="2026-07-01")),
            ]
            told_each(messages[number] for number in order)
            told_each([(QUEUE, {**messages[1][1], "message_id": "again"})])
            ends.append(contents())
            transaction.set_rollback(True)
    assert all(end == ends[0] for end in ends)
