"""Two workers of donor-prefs with one donor in hand, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import transaction

from fundraising.crm.models import Activity, Contact
from fundraising.mails.models import OutgoingMail
from tests.crm.imports import donation, import_one
from tests.pending.databases import start, wait_until_one_waits
from tests.preferences.donors import DAY, MAY, known, preferences, told, verification, wish

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("on_postgresql", "frqueue")]


def test_choices_of_one_donor_wait_for_each_other(threads: ThreadPoolExecutor) -> None:
    contact = known()
    late = preferences(contact, language="fr", source_enqueued_time=MAY + DAY)
    with transaction.atomic():
        told("email-preferences", late)
        early = preferences(contact, language="de", snooze_date="2026-08-01")
        other = start(threads, told, "email-preferences", early)
        wait_until_one_waits()
    assert other.result(30) == []
    assert Contact.objects.get().preferred_language == "fr_FR"
    assert contact.emails.get().snooze_date == date(2026, 8, 1)
    assert Activity.objects.count() == 2


def test_a_verification_waits_for_a_donation_from_the_address(
    threads: ThreadPoolExecutor,
) -> None:
    contact = known("", first_name="Ana", last_name="Donor")
    with transaction.atomic():
        import_one(donation(email="new@example.org", first_name="Ana", last_name="Donor"))
        other = start(threads, told, "verify-email", verification(contact))
        wait_until_one_waits()
    assert other.result(30) == []
    assert contact.emails.get().is_primary


def test_one_wish_delivered_twice_at_once_is_one_mail(threads: ThreadPoolExecutor) -> None:
    known()
    message = wish(message_id="m1")
    with transaction.atomic():
        told("new-checksum-link", message)
        other = start(threads, told, "new-checksum-link", message)
        wait_until_one_waits()
    assert other.result(30) == []
    assert OutgoingMail.objects.count() == 1
