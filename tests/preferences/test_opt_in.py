"""``opt-in``: who wants our e-mail, though no donation came of the visit."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
import redis
from django.db import transaction

from fundraising.crm.contacts import checksums
from fundraising.crm.models import Activity, Contact, Email
from tests.crm.imports import contribution, donation, import_one
from tests.deliveries import Message, deliver, tell
from tests.preferences.contents import contents

pytestmark = pytest.mark.django_db

# 2026-05-01 00:00:00 UTC
MAY = 1777593600
DAY = 86400


def message(**fields: object) -> Message:
    """As the payment form pushes it when a donation failed."""
    return {
        "email": "ana@example.org",
        "process": "opt_in",
        "source_name": "DonationInterface",
        "source_type": "payments",
        "source_host": "host.example",
        "source_run_id": 4242,
        "source_version": "unknown",
        "source_enqueued_time": MAY,
        **fields,
    }


def unsubscribe(**fields: object) -> Message:
    return {**message(), "process": "unsubscribe", "contribution-id": "123456", **fields}


def known(email: str = "ana@example.org", **fields: Any) -> Contact:
    contact = Contact.objects.create(**fields)
    Email.objects.create(contact=contact, email=email, is_primary=True)
    return contact


def wanting() -> set[int]:
    return set(Contact.objects.filter(opt_in=True).values_list("pk", flat=True))


def test_an_address_nobody_has_becomes_a_contact(frqueue: redis.Redis) -> None:
    assert deliver(frqueue, "opt-in", message(message_id="m1")) == []
    contact = Contact.objects.get()
    assert (contact.source, contact.display_name) == ("opt-in", "ana@example.org")
    assert (contact.opt_in, contact.message_id) == (True, "m1")
    email = contact.emails.get()
    assert (email.email, email.is_primary, email.location_type) == ("ana@example.org", True, "Home")
    note = Activity.objects.get()
    assert (note.activity_type, note.message_id) == ("OptIn", "m1")
    assert note.activity_date == datetime.fromtimestamp(MAY, UTC)


def test_who_gives_a_name_becomes_a_full_contact(frqueue: redis.Redis) -> None:
    told = message(
        first_name="Ana",
        last_name="Müller",
        country="DE",
        street_address="Hauptstraße 1",
        city="Köln",
        postal_code="50667",
        language="de",
        payment_method="paypal",
        utm_campaign="spring",
        utm_medium="email",
        utm_source="B1._.paypal",
    )
    deliver(frqueue, "opt-in", told)
    contact = Contact.objects.get()
    assert (contact.first_name, contact.last_name) == ("Ana", "Müller")
    assert contact.preferred_language == "de_DE"
    assert contact.addresses.get().city == "Köln"
    assert (contact.optin_campaign, contact.optin_medium) == ("spring", "email")
    assert contact.optin_source == "B1._.paypal"
    # They typed the address, whatever they meant to pay by.
    assert contact.emails.get().location_type == "Home"


def test_all_who_have_the_primary_address_are_opted_in_each_once(frqueue: redis.Redis) -> None:
    first = known(first_name="Ana", last_name="Müller", is_opt_out=True, do_not_email=True)
    second = known("ANA@example.org", first_name="Bo", last_name="Müller", opt_in=True)
    other = known("other@example.org")
    Email.objects.create(contact=other, email="ana@example.org", location_type="paypal")
    deliver(frqueue, "opt-in", message(first_name="Mallory", last_name="Mann"))
    assert wanting() == {first.pk, second.pk}
    first.refresh_from_db()
    assert (first.is_opt_out, first.do_not_email) == (False, False)
    # Anybody can say that they are called so.
    assert (first.first_name, first.last_name) == ("Ana", "Müller")
    assert Activity.objects.count() == 2
    assert Contact.objects.count() == 3


def test_an_address_that_is_only_the_second_of_a_contact_is_left(frqueue: redis.Redis) -> None:
    other = known("other@example.org")
    Email.objects.create(contact=other, email="ana@example.org", location_type="paypal")
    assert deliver(frqueue, "opt-in", message()) == []
    assert wanting() == set()
    deliver(frqueue, "opt-in", message(first_name="Ana", last_name="Müller"))
    assert wanting() == {Contact.objects.exclude(pk=other.pk).get().pk}


@pytest.mark.parametrize("proof", ["contact_hash", "checksum"])
def test_who_proves_who_they_are_is_brought_up_to_date(frqueue: redis.Redis, proof: str) -> None:
    contact = known(first_name="Anna", last_name="Müller")
    known(first_name="Bo", last_name="Müller")
    issued = datetime.fromtimestamp(MAY - DAY, UTC)
    proofs = {
        "contact_hash": contact.hash,
        "checksum": checksums.checksum(contact.pk, contact.hash, issued, 168),
    }
    told = message(first_name="Ana", last_name="Moreno", contact_id=str(contact.pk))
    deliver(frqueue, "opt-in", {**told, proof: proofs[proof]})
    contact.refresh_from_db()
    assert (contact.first_name, contact.last_name) == ("Ana", "Moreno")
    assert wanting() == {contact.pk}


def test_half_a_name_changes_nobody(frqueue: redis.Redis) -> None:
    contact = known(first_name="Ana", last_name="Müller")
    told = message(last_name="X", contact_id=contact.pk, contact_hash=contact.hash)
    deliver(frqueue, "opt-in", told)
    contact.refresh_from_db()
    assert (contact.last_name, contact.opt_in) == ("Müller", True)


def test_a_new_address_of_who_proves_who_they_are_becomes_primary(frqueue: redis.Redis) -> None:
    contact = known("old@example.org")
    issued = datetime.fromtimestamp(MAY - DAY, UTC)
    proof = checksums.checksum(contact.pk, contact.hash, issued, 168)
    deliver(frqueue, "opt-in", message(contact_id=contact.pk, checksum=proof))
    assert contact.emails.get(is_primary=True).email == "ana@example.org"
    assert wanting() == {contact.pk}


@pytest.mark.parametrize(
    "proof", [{}, {"contact_hash": "0" * 32}, {"checksum": f"{'0' * 32}_{MAY}_168"}]
)
def test_a_contact_that_is_only_named_is_not_believed(
    frqueue: redis.Redis, proof: dict[str, str]
) -> None:
    victim = known("victim@example.org")
    deliver(frqueue, "opt-in", message(contact_id=str(victim.pk), **proof))
    assert wanting() == {Contact.objects.exclude(pk=victim.pk).get().pk}
    assert victim.emails.get().email == "victim@example.org"


def test_whether_a_checksum_lives_is_judged_by_when_it_was_used(frqueue: redis.Redis) -> None:
    contact = known("old@example.org")
    issued = datetime.fromtimestamp(MAY - 2 * DAY, UTC)
    proof = checksums.checksum(contact.pk, contact.hash, issued, 24)
    deliver(frqueue, "opt-in", message(contact_id=contact.pk, checksum=proof))
    assert wanting() == {Contact.objects.exclude(pk=contact.pk).get().pk}


@pytest.mark.parametrize(
    ("email", "text"), [("", "is missing"), (None, "is missing"), ("ana", "is no e-mail address")]
)
def test_nobody_to_write_to(frqueue: redis.Redis, email: object, text: str) -> None:
    (letter,) = deliver(frqueue, "opt-in", message(email=email), message())
    assert (letter.code, letter.field, letter.error) == ("UNSUBSCRIBE", "email", text)
    assert Contact.objects.count() == 1


def test_one_group_makes_one_contact(frqueue: redis.Redis) -> None:
    named = message(first_name="Ana", last_name="Müller", message_id="m2")
    deliver(frqueue, "opt-in", message(message_id="m1"), named, message(email="ANA@example.org"))
    contact = Contact.objects.get()
    assert (contact.first_name, contact.display_name) == ("Ana", "Ana Müller")


def ends(frqueue: redis.Redis, told: list[tuple[str, Message]]) -> list[list[Any]]:
    """What every order of these messages, each told twice, leaves."""
    found = []
    for order in permutations(told):
        with transaction.atomic():
            tell(frqueue, [[one] for one in [*order, *order]])
            found.append(contents())
            transaction.set_rollback(True)
    return found


def test_words_end_the_same_in_every_order(frqueue: redis.Redis) -> None:
    known(first_name="Ana", last_name="Müller")
    told = [
        ("opt-in", message(message_id="m1", utm_campaign="a")),
        ("unsubscribe", unsubscribe(message_id="m2", source_enqueued_time=MAY + DAY)),
        ("opt-in", message(message_id="m3", source_enqueued_time=MAY + 2 * DAY, utm_source="b")),
        ("unsubscribe", unsubscribe(message_id="m4", source_enqueued_time=MAY + 3 * DAY)),
    ]
    first, *others = ends(frqueue, told)
    assert all(other == first for other in others)


def test_somebody_unknown_ends_the_same_in_every_order(frqueue: redis.Redis) -> None:
    named = message(message_id="m2", first_name="Ana", last_name="Müller", country="DE")
    told = [
        ("opt-in", message(message_id="m1")),
        ("opt-in", {**named, "source_enqueued_time": MAY + DAY}),
        ("unsubscribe", unsubscribe(message_id="m3", source_enqueued_time=MAY + 2 * DAY)),
    ]
    first, *others = ends(frqueue, told)
    assert all(other == first for other in others)
    assert "Müller" in str(first)
    assert len(first) == 1


def test_who_signed_up_before_the_donation_is_the_donor(frqueue: redis.Redis) -> None:
    deliver(frqueue, "opt-in", message())
    import_one(donation(email="ana@example.org", first_name="Ana", last_name="Müller"))
    contact = Contact.objects.get()
    assert (contact.first_name, contact.opt_in) == ("Ana", True)


def test_an_organisation_is_not_taken_for_the_donor(frqueue: redis.Redis) -> None:
    organisation = known(organization_name="Ana & Co", contact_type="Organization")
    told = donation(email="ana@example.org", first_name="Ana", last_name="Müller")
    import_one(told)
    assert contribution(told).contact != organisation


def test_a_donor_is_found_again(frqueue: redis.Redis) -> None:
    import_one(donation(email="ana@example.org", first_name="Ana", last_name="Müller"))
    deliver(frqueue, "opt-in", message())
    assert wanting() == {Contact.objects.get().pk}
