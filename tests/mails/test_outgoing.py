"""When a mail is sent, how often, and what becomes of one that cannot be."""

import logging
from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from fundraising.crm.models import Contact, Email
from fundraising.mails import outgoing
from fundraising.mails.models import OutgoingMail
from fundraising.mails.outgoing import send_later
from fundraising.mails.tasks import send_due
from tests.mails.donors import donor
from tests.mails.mailsystems import Away

pytestmark = pytest.mark.django_db

Status = OutgoingMail.Status
FAILED = {"amount": "5.00", "currency": "EUR"}


def write(contact: Contact, key: str = "m-1", **changes: str) -> OutgoingMail:
    send_later("recurring_failed", contact, key=key, context={**FAILED, **changes})
    return OutgoingMail.objects.get(key=key)


def make_due(row: OutgoingMail) -> None:
    OutgoingMail.objects.filter(pk=row.pk).update(next_try_at=timezone.now())


class TestSending:
    def test_a_mail_is_sent_after_the_commit(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            row = write(donor())
            assert not mail.outbox
        (sent,) = mail.outbox
        assert sent.to == ["donor@example.org"]
        assert sent.extra_headers["Message-ID"] == row.header_id
        row.refresh_from_db()
        assert (row.status, row.attempts) == (Status.SENT, 0)
        assert row.sent_at is not None

    def test_what_is_rolled_back_is_not_sent(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        contact = donor()
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            write(contact)
            transaction.set_rollback(True)
        send_due()
        assert not mail.outbox
        assert not OutgoingMail.objects.exists()

    def test_one_cause_is_one_mail(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        contact = donor()
        for amount in ("5.00", "6.00"):
            with django_capture_on_commit_callbacks(execute=True):
                write(contact, amount=amount)
        assert len(mail.outbox) == 1
        assert OutgoingMail.objects.get().context["amount"] == "5.00"

    def test_another_cause_is_another_mail_with_another_message_id(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        contact = donor()
        with django_capture_on_commit_callbacks(execute=True):
            write(contact, "m-1")
            write(contact, "m-2")
            send_later("verify_email", contact, key="m-1", context={}, to="new@example.org")
        ids = {sent.extra_headers["Message-ID"] for sent in mail.outbox}
        assert len(ids) == len(mail.outbox) == 3

    def test_beat_sends_what_a_dead_process_left(self) -> None:
        row = write(donor())
        send_due()
        send_due()
        assert len(mail.outbox) == 1
        row.refresh_from_db()
        assert row.status == Status.SENT

    def test_it_goes_to_the_primary_address(self) -> None:
        contact = donor()
        Email.objects.create(contact=contact, email="wallet@example.org", location_type="paypal")
        assert write(contact).recipient == "donor@example.org"

    def test_it_goes_where_an_address_is_to_be_verified(self) -> None:
        send_later("verify_email", donor(), key="m-1", context={}, to="new@example.org")
        assert OutgoingMail.objects.get().recipient == "new@example.org"

    def test_the_language_is_the_contacts(self) -> None:
        assert write(donor(preferred_language="es_MX")).language == "es_MX"


class TestWithheld:
    def test_without_an_address(self) -> None:
        assert write(donor("")).error == "the contact has no primary e-mail address"

    def test_for_a_deceased_donor(self) -> None:
        assert write(donor(is_deceased=True)).error == "the donor is deceased"

    def test_to_an_address_on_hold(self) -> None:
        contact = donor()
        contact.emails.update(on_hold=True)
        assert write(contact).error == "the address is on hold"

    @pytest.fixture(autouse=True)
    def nothing_is_sent(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> object:
        with django_capture_on_commit_callbacks(execute=True):
            yield
        send_due()
        assert not mail.outbox
        assert OutgoingMail.objects.get().status == Status.WITHHELD


class TestMistakes:
    def test_an_unknown_template(self) -> None:
        with pytest.raises(KeyError):
            send_later("no_such", donor(), key="m-1", context={})

    def test_a_context_that_lacks_something(self) -> None:
        with pytest.raises(ValueError, match="recurring_failed needs currency"):
            send_later("recurring_failed", donor(), key="m-1", context={"amount": "5.00"})

    def test_a_link_that_lets_in_goes_to_nobody_else(self) -> None:
        with pytest.raises(ValueError, match="own address"):
            send_later(
                "new_checksum_link",
                donor(),
                key="m-1",
                context={"page": "DonorPortal"},
                to="other@example.org",
            )

    @pytest.mark.django_db(transaction=True)
    def test_outside_a_transaction(self) -> None:
        contact = donor()
        with pytest.raises(transaction.TransactionManagementError):
            write(contact)


class TestFailures:
    def test_a_refused_mail_is_tried_again_later(self, settings: Settings) -> None:
        settings.EMAIL_BACKEND = "tests.mails.mailsystems.Refusing"
        row = write(donor())
        waits = []
        for attempt in range(1, 4):
            make_due(row)
            before = timezone.now()
            send_due()
            row.refresh_from_db()
            assert (row.status, row.attempts) == (Status.WAITING, attempt)
            waits.append(row.next_try_at - before)
        assert timedelta(minutes=1) <= waits[0] < waits[1] < waits[2]
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        send_due()
        assert not mail.outbox, "its time has not come"
        make_due(row)
        send_due()
        row.refresh_from_db()
        assert len(mail.outbox) == 1
        assert (row.status, row.error) == (Status.SENT, "")

    def test_in_the_end_a_person_is_asked(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.EMAIL_BACKEND = "tests.mails.mailsystems.Refusing"
        row = write(donor())
        for _ in range(outgoing.RETRY.attempts + 1):
            make_due(row)
            send_due()
        row.refresh_from_db()
        assert row.status == Status.FAILED
        (alarm,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
        assert alarm.getMessage() == f"mail recurring_failed needs a person mail_id={row.pk}"
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        send_due()
        assert not mail.outbox
        assert outgoing.send_again(row.pk)
        send_due()
        assert len(mail.outbox) == 1
        assert not outgoing.send_again(row.pk)

    def test_nothing_personal_is_logged_or_kept_of_a_failure(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.EMAIL_BACKEND = "tests.mails.mailsystems.Refusing"
        caplog.set_level(logging.DEBUG)
        row = write(donor("very.private@example.org", first_name="Leocadia"))
        send_due()
        row.refresh_from_db()
        assert row.error == "SMTPRecipientsRefused 550"
        assert row.template in caplog.text
        assert "private" not in caplog.text
        assert "Leocadia" not in caplog.text

    def test_a_template_that_cannot_be_rendered_is_a_failure_of_its_mail_only(self) -> None:
        contact = donor()
        bad = write(contact, "m-1", amount="not a number")
        write(contact, "m-2")
        send_due()
        bad.refresh_from_db()
        assert (bad.status, bad.error) == (Status.WAITING, "InvalidOperation")
        assert len(mail.outbox) == 1

    def test_beat_stops_at_a_mail_system_that_is_away(self, settings: Settings) -> None:
        settings.EMAIL_BACKEND = "tests.mails.mailsystems.Away"
        contact = donor()
        for number in range(3):
            write(contact, f"m-{number}")
        send_due()
        assert Away.asked == 1
        assert sum(OutgoingMail.objects.values_list("attempts", flat=True)) == 1

    def test_an_outage_costs_a_group_one_time_out(
        self,
        settings: Settings,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        settings.EMAIL_BACKEND = "tests.mails.mailsystems.Away"
        contact = donor()
        with django_capture_on_commit_callbacks(execute=True):
            for number in range(3):
                write(contact, f"m-{number}")
        assert Away.asked == 1
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        OutgoingMail.objects.update(next_try_at=timezone.now())
        send_due()
        assert len(mail.outbox) == 3
