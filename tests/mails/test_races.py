"""Two processes and one mail, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import transaction
from pytest_django.fixtures import Settings

from fundraising.mails import outgoing
from fundraising.mails.models import OutgoingMail
from fundraising.mails.outgoing import send_later
from tests.mails.donors import donor
from tests.mails.mailsystems import Slow
from tests.pending.databases import start, wait_until_one_waits

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("on_postgresql")]

GIFT = {"amount": "5.00", "currency": "EUR"}


def test_a_mail_that_another_process_has_in_hand_is_left_to_it(
    threads: ThreadPoolExecutor, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "tests.mails.mailsystems.Slow"
    Slow.began.clear()
    Slow.go_on.clear()
    row = OutgoingMail.objects.create(
        template="recurring_failed",
        key="m-1",
        contact=donor(),
        recipient="donor@example.org",
        context=GIFT,
    )
    first = start(threads, outgoing.send, row.pk)
    try:
        assert Slow.began.wait(30)
        assert start(threads, outgoing.send, row.pk).result(30) is False
        assert start(threads, outgoing.send_due).result(30) == 0
    finally:
        Slow.go_on.set()
    assert first.result(30) is True
    assert start(threads, outgoing.send_due).result(30) == 0
    assert len(mail.outbox) == 1


def test_one_cause_told_at_the_same_moment_is_one_mail(threads: ThreadPoolExecutor) -> None:
    contact = donor()

    def write() -> None:
        with transaction.atomic():
            send_later("recurring_failed", contact, key="m-1", context=GIFT)

    with transaction.atomic():
        send_later("recurring_failed", contact, key="m-1", context=GIFT)
        late = start(threads, write)
        wait_until_one_waits()
    late.result(30)
    assert OutgoingMail.objects.count() == 1
    assert len(mail.outbox) == 1
