"""A donor who is erased while a message of theirs is imported, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis
from django.db import transaction
from django.utils import timezone

from fundraising.crm.models import Contact, Contribution
from fundraising.privacy.erasure import erase
from fundraising.privacy.retention import RULES
from queues.models import DamagedMessage
from tests.crm.imports import import_group
from tests.pending.databases import start, wait_until_one_waits
from tests.privacy import donors

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("on_postgresql")]

LATER = {
    "message_id": "later",
    "gateway_txn_id": "LATER",
    "order_id": "442.1",
    "contribution_tracking_id": "442",
    "recurring": "",
    "street_address": "2 Other Road, Oudewater",
}


def test_what_an_import_has_in_hand_is_erased_too(
    frqueue: redis.Redis, threads: ThreadPoolExecutor
) -> None:
    contact = donors.donor(frqueue)
    with transaction.atomic():
        import_group(donors.gift(**LATER))
        done = start(threads, erased, contact.pk)
        wait_until_one_waits()
    done.result(30)
    assert donors.secrets() == set()
    assert set(Contribution.objects.values_list("contact", flat=True)) == {contact.pk}


def test_what_is_imported_while_a_donor_is_erased_is_of_somebody_new(
    frqueue: redis.Redis, threads: ThreadPoolExecutor
) -> None:
    contact = donors.donor(frqueue)
    with transaction.atomic():
        erase(contact.pk, by="ana", reason="request 118")
        imported = start(threads, import_group, donors.gift(**LATER))
        wait_until_one_waits()
    imported.result(30)
    contact.refresh_from_db()
    assert contact.display_name == ""
    assert not contact.emails.exists()
    new = Contact.objects.exclude(pk=contact.pk).get()
    assert new.emails.get().email == donors.EMAIL.lower()
    assert Contribution.objects.get(gateway_txn_id="LATER").contact == new


def test_retention(frqueue: redis.Redis) -> None:
    """Each kind of rows, in the words of this database."""
    donors.donor(frqueue)
    DamagedMessage.objects.filter(original_queue="jobs-paypal").update(original_queue="pending")
    later = timezone.now() + timedelta(days=4000)
    gone = {rule.name: sum(rule.run(later)) for rule in RULES}
    assert gone == {
        "damaged": 1,
        "inbox": 8,
        "pending": 1,
        "tracking-log": 1,
        "mails": 0,
        "attempts": 0,
        "fraud": 1,
        "processor-events": 0,
    }
    assert sum(sum(rule.run(later)) for rule in RULES) == 0


def test_what_a_person_sends_again_meanwhile_is_not_deleted(
    frqueue: redis.Redis, threads: ThreadPoolExecutor
) -> None:
    _, row = donors.discarded()
    DamagedMessage.objects.filter(pk=row.pk).update(original_queue="pending")
    later = timezone.now() + timedelta(days=4000)
    (rule,) = (rule for rule in RULES if rule.name == "damaged")
    with transaction.atomic():
        DamagedMessage.objects.filter(pk=row.pk).update(status=DamagedMessage.Status.RESENT)
        purge = start(threads, lambda: sum(rule.run(later)))
        wait_until_one_waits()
    assert purge.result(30) == 0
    assert DamagedMessage.objects.filter(pk=row.pk).exists()


def erased(contact_id: int) -> None:
    erase(contact_id, by="ana", reason="request 118")
