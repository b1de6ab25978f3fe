"""``lead-generation``: who signed up for our e-mail on a page that asks for nothing else."""

from datetime import UTC, datetime

import pytest
import redis

from fundraising.crm.models import Activity, Contact, Email
from tests.deliveries import Message, deliver

pytestmark = pytest.mark.django_db

# 2026-05-01 00:00:00 UTC
MAY = 1777593600


def message(**fields: object) -> Message:
    """As the sign-up page pushes it."""
    return {
        "email": "lead@example.org",
        "leadgen_source": "wiki-birthday",
        "source_name": "DonationInterface",
        "source_type": "payments",
        "source_host": "host.example",
        "source_run_id": 4242,
        "source_version": "unknown",
        "source_enqueued_time": MAY,
        **fields,
    }


def test_somebody_new_becomes_a_contact(frqueue: redis.Redis) -> None:
    assert deliver(frqueue, "lead-generation", message(message_id="m1")) == []
    contact = Contact.objects.get()
    assert (contact.source, contact.opt_in) == ("Leadgen: wiki-birthday", True)
    assert (contact.optin_source, contact.message_id) == ("wiki-birthday", "m1")
    assert contact.emails.get(is_primary=True).email == "lead@example.org"
    sign_up = Activity.objects.get(activity_type="Lead Generation Signup")
    assert (sign_up.contact, sign_up.message_id) == (contact, "m1")
    assert sign_up.activity_date == datetime.fromtimestamp(MAY, UTC)
    assert sign_up.subject == "Leadgen: wiki-birthday"


def test_all_who_have_the_primary_address_are_opted_in(frqueue: redis.Redis) -> None:
    for name in ("Ana", "Bo"):
        contact = Contact.objects.create(first_name=name, is_opt_out=True, source="online donation")
        Email.objects.create(contact=contact, email="lead@example.org", is_primary=True)
    deliver(frqueue, "lead-generation", message())
    found = Contact.objects.values_list("opt_in", "is_opt_out", "source")
    assert list(found) == [(True, False, "online donation")] * 2
    assert Activity.objects.filter(activity_type="Lead Generation Signup").count() == 2


def test_a_second_address_is_not_enough_to_know_somebody(frqueue: redis.Redis) -> None:
    other = Contact.objects.create(first_name="Ana")
    Email.objects.create(contact=other, email="ana@example.org", is_primary=True)
    Email.objects.create(contact=other, email="lead@example.org", location_type="paypal")
    deliver(frqueue, "lead-generation", message())
    other.refresh_from_db()
    assert other.opt_in is None
    assert Contact.objects.exclude(pk=other.pk).get().opt_in is True


@pytest.mark.parametrize("missing", ["email", "leadgen_source"])
def test_what_is_missing_is_named(frqueue: redis.Redis, missing: str) -> None:
    (letter,) = deliver(frqueue, "lead-generation", message(**{missing: " "}), message())
    assert (letter.code, letter.field) == ("MISSING_MANDATORY_DATA", missing)
    assert Contact.objects.count() == 1


def test_told_again_it_is_noted_once(frqueue: redis.Redis) -> None:
    deliver(frqueue, "lead-generation", message(message_id="m2"))
    deliver(frqueue, "lead-generation", message(message_id="m2"), message(message_id="m1"))
    # A second sign-up is another one.
    deliver(frqueue, "lead-generation", message(message_id="m3", source_enqueued_time=MAY + 1))
    sign_ups = Activity.objects.filter(activity_type="Lead Generation Signup")
    assert sorted(sign_ups.values_list("message_id", flat=True)) == ["m1", "m3"]
    assert Contact.objects.count() == 1


def test_a_late_sign_up_does_not_undo_an_unsubscription(frqueue: redis.Redis) -> None:
    contact = Contact.objects.create(first_name="Ana")
    Email.objects.create(contact=contact, email="lead@example.org", is_primary=True)
    gone = message(**{"contribution-id": 1, "source_enqueued_time": MAY + 1})
    deliver(frqueue, "unsubscribe", gone)
    deliver(frqueue, "lead-generation", message())
    contact.refresh_from_db()
    assert (contact.opt_in, contact.is_opt_out) == (False, True)
