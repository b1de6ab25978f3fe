"""Two workers with words of one donor at once, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import redis
from django.db import transaction

from fundraising.crm.models import Contact, Email
from fundraising.preferences import consent
from queues import locks
from tests.deliveries import deliver
from tests.pending.databases import start, wait_until_one_waits

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("on_postgresql")]

# 2026-05-01 00:00:00 UTC
MAY = 1777593600
WHEN = datetime.fromtimestamp(MAY, UTC)
WORD = {"email": "ana@example.org", "source_enqueued_time": MAY}


@pytest.mark.parametrize("queue", ["opt-in", "lead-generation"])
def test_two_sign_ups_of_somebody_new_make_one_contact(
    frqueue: redis.Redis, threads: ThreadPoolExecutor, queue: str
) -> None:
    with transaction.atomic():
        locks.take([("donor", "ana@example.org")])
        contact = Contact.objects.create()
        Email.objects.create(contact=contact, email="ana@example.org", is_primary=True)
        other = start(threads, deliver, frqueue, queue, {**WORD, "leadgen_source": "wiki"})
        wait_until_one_waits()
    assert other.result(30) == []
    assert Contact.objects.get().opt_in is True


def test_a_word_waits_for_another_about_the_same_contact(threads: ThreadPoolExecutor) -> None:
    contact = Contact.objects.create()

    def say_no() -> None:
        with transaction.atomic():
            consent.opt_out(Contact(pk=contact.pk), WHEN, message_id="m2")

    with transaction.atomic():
        consent.opt_in(contact, WHEN, message_id="m1")
        other = start(threads, say_no)
        wait_until_one_waits()
    other.result(30)
    contact.refresh_from_db()
    assert (contact.opt_in, contact.is_opt_out) == (False, True)
