"""How long rows are kept, to the second; and what is never deleted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from operator import attrgetter
from typing import Any

import pytest
from django.conf import settings as project
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.utils import timezone
from pytest_django.fixtures import Settings

from fundraising.crm.models import Contact
from fundraising.fredge.models import PaymentAttempt, PaymentsFraud
from fundraising.gateways.models import ProcessorEvent
from fundraising.mails.models import OutgoingMail
from fundraising.pending.models import PendingTransaction
from fundraising.privacy import retention
from fundraising.privacy.retention import RULES, Rule
from fundraising.privacy.tasks import retention as task
from fundraising.tracking.models import ContributionTracking, TrackingDataPoint
from queues.models import DamagedMessage, InboxMark
from queues.routes import routes
from tests.queues.damage import damage

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 3, 20, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
Status = DamagedMessage.Status

BY_NAME = {rule.name: rule for rule in RULES}


def purge(name: str) -> int:
    return sum(BY_NAME[name].run(NOW))


def mark(at: datetime) -> InboxMark:
    key = f"{at.timestamp()}"
    return InboxMark.objects.create(queue="donations", key=key, digest="d", imported_at=at)


def pending(at: datetime, **fields: Any) -> PendingTransaction:
    row = {"order_id": f"{at.timestamp()}", "gateway": "adyen", "message": {}, **fields}
    return PendingTransaction.objects.create(date=at, **row)


def mail(at: datetime, status: str = "sent") -> OutgoingMail:
    contact = Contact.objects.create()
    return OutgoingMail.objects.create(
        contact=contact, template="t", key=f"{at} {status}", status=status, created_at=at
    )


def attempt(at: datetime) -> PaymentAttempt:
    return PaymentAttempt.objects.create(order_id=f"{at.timestamp()}", ts=at)


def fraud(at: datetime) -> PaymentsFraud:
    row = PaymentsFraud.objects.create(
        contribution_tracking_id=int(at.timestamp()),
        order_id="1.1",
        gateway="adyen",
        validation_action="process",
        user_ip="198.51.100.7",
        payment_method="cc",
        risk_score=1,
        server="s",
        date=at,
    )
    row.breakdown.create(filter_name="initial", risk_score=1, told_at=at)
    return row


def event(at: datetime) -> ProcessorEvent:
    return ProcessorEvent.objects.create(
        event_id=f"{at.timestamp()}", queue="donations", gateway="adyen", created_at=at
    )


@pytest.mark.parametrize(
    ("name", "make", "days"),
    [
        ("inbox", mark, 400),
        ("pending", pending, 30),
        ("mails", mail, 90),
        ("attempts", attempt, 730),
        ("fraud", fraud, 730),
        ("processor-events", event, 730),
    ],
)
class TestAge:
    """The rows that are older than the setting says, and no others."""

    def test_the_default_to_the_second(
        self, name: str, make: Callable[[datetime], Model], days: int
    ) -> None:
        old = make(NOW - days * DAY - SECOND)
        rows = type(old)._default_manager.exclude(pk=old.pk)
        kept = make(NOW - days * DAY)
        assert BY_NAME[name].count(NOW) == 1
        assert purge(name) == 1
        assert list(rows) == [kept]
        assert not type(old)._default_manager.filter(pk=old.pk).exists()

    def test_the_setting(
        self, name: str, make: Callable[[datetime], Model], days: int, settings: Settings
    ) -> None:
        setattr(settings, BY_NAME[name].setting, days - 1)
        make(NOW - days * DAY)
        assert (purge(name), purge(name)) == (1, 0)


def test_more_than_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(5):
        mark(NOW - (500 + number) * DAY)
    kept = mark(NOW)
    assert list(BY_NAME["inbox"].run(NOW)) == [2, 2, 1]
    assert InboxMark.objects.get() == kept


class TestDamaged:
    """A month for ``pending``, for ever for ``donations``."""

    @staticmethod
    def row(status: str, age: timedelta, queue: str = "pending") -> DamagedMessage:
        row = damage({"message_id": f"{status} {age} {queue}"[:64]}, queue=queue)
        row.events.update(at=NOW - age)
        DamagedMessage.objects.filter(pk=row.pk).update(status=status, damaged_date=NOW - age)
        return row

    @staticmethod
    def imported(row: DamagedMessage) -> None:
        InboxMark.objects.create(
            queue=row.original_queue, key=row.message_id, digest="d", imported_at=NOW - 999 * DAY
        )

    def test_what_is_done_with_goes_after_the_time_of_its_queue(self) -> None:
        month = routes()["pending"].keep_damaged
        for age in (month + SECOND, month):
            self.row(Status.DISCARDED, age)
            self.imported(self.row(Status.RESENT, age))
        assert BY_NAME["damaged"].count(NOW) == 2
        assert purge("damaged") == 2
        assert {row.damaged_date for row in DamagedMessage.objects.all()} == {NOW - month}

    @pytest.mark.parametrize("status", [Status.DAMAGED, Status.WAITING, Status.RESENT])
    def test_what_is_open_is_never_deleted(self, status: str) -> None:
        self.row(status, 4000 * DAY)
        assert purge("damaged") == 0

    @pytest.mark.parametrize("queue", ["donations", "recurring", "refund", "no-such-queue"])
    def test_money_stays_for_ever(self, queue: str) -> None:
        self.row(Status.DISCARDED, 9999 * DAY, queue)
        assert purge("damaged") == 0

    def test_the_time_begins_with_the_last_that_a_person_did(self) -> None:
        row = self.row(Status.DISCARDED, 99 * DAY)
        row.events.create(action="discarded", at=NOW - DAY)
        assert purge("damaged") == 0

    def test_a_mark_stays_as_long_as_its_message_could_be_sent_again(self) -> None:
        row = self.row(Status.RESENT, 99 * DAY, "donations")
        self.imported(row)
        assert purge("inbox") == 0
        other = self.row(Status.RESENT, 99 * DAY)
        self.imported(other)
        assert [purge("damaged"), purge("inbox")] == [1, 1]
        assert InboxMark.objects.filter(queue="donations").exists()


class TestTrackingLog:
    def test_old_visits_keep_their_summary(self) -> None:
        ages = {1: 1826 * DAY, 2: 1825 * DAY}
        for visit, age in ages.items():
            row = ContributionTracking.objects.create(pk=visit)
            point = {"message": {"id": visit, "country": "NL", "note": "n"}, "digest": "d"}
            TrackingDataPoint.objects.create(
                contribution_tracking=row, received_at=NOW - age, **point
            )
        assert BY_NAME["tracking-log"].count(NOW) == 1
        assert purge("tracking-log") == 1
        log = TrackingDataPoint.objects.order_by("contribution_tracking_id")
        assert [point.message for point in log] == [
            {"id": 1, "country": "NL"},
            {"id": 2, "country": "NL", "note": "n"},
        ]

    def test_it_passes_over_what_must_stay(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retention, "BATCH", 1)
        ages = [(1, 9), (2, 9), (1, 1), (3, 9)]
        for visit, years in ages:
            row, _ = ContributionTracking.objects.get_or_create(pk=visit)
            TrackingDataPoint.objects.create(
                contribution_tracking=row,
                received_at=NOW - years * 365 * DAY,
                message={"id": visit, "note": years},
                digest=f"{visit} {years}",
            )
        # The third is young: what came after it is left to a later day.
        assert purge("tracking-log") == 1
        assert list(
            TrackingDataPoint.objects.order_by("contribution_tracking_id", "pk").values_list(
                "contribution_tracking", "message__note"
            )
        ) == [(1, 9), (1, 1), (2, None), (3, 9)]


@pytest.mark.parametrize("status", [OutgoingMail.Status.WAITING, OutgoingMail.Status.FAILED])
def test_a_mail_that_is_to_be_sent_or_needs_a_person_stays(status: str) -> None:
    mail(NOW - 999 * DAY, status)
    assert purge("mails") == 0


class TestBounds:
    def test_pending_transactions_are_kept_thirty_days_at_most(self, settings: Settings) -> None:
        settings.KEEP_PENDING_DAYS = 31
        row = pending(NOW - 99 * DAY)
        with pytest.raises(ImproperlyConfigured, match="KEEP_PENDING_DAYS is 31 days"):
            purge("pending")
        assert PendingTransaction.objects.get() == row
        assert [error.id for error in run_checks() if error.id == "privacy.E001"]

    def test_marks_outlive_every_retry(self, settings: Settings) -> None:
        horizon = max(route.retry.horizon for route in routes().values())
        settings.KEEP_INBOX_DAYS = horizon.days
        with pytest.raises(ImproperlyConfigured, match="must be 2 to"):
            _ = BY_NAME["inbox"].kept
        settings.KEEP_INBOX_DAYS = horizon.days + 1
        assert BY_NAME["inbox"].kept > horizon

    @pytest.mark.parametrize("rule", [one for one in RULES if one.setting], ids=attrgetter("name"))
    def test_nothing_is_kept_for_no_time(self, rule: Rule, settings: Settings) -> None:
        setattr(settings, rule.setting, 0)
        with pytest.raises(ImproperlyConfigured):
            _ = rule.kept

    def test_the_defaults_are_good(self) -> None:
        assert [error for error in run_checks() if error.id == "privacy.E001"] == []


class TestRunning:
    @pytest.fixture(autouse=True)
    def rows(self) -> None:
        now = timezone.now()
        for age in (31 * DAY, 29 * DAY):
            pending(now - age)
        mail(now - 91 * DAY)

    @staticmethod
    def run(*arguments: str) -> list[str]:
        out = StringIO()
        call_command("retention", *arguments, stdout=out)
        return out.getvalue().splitlines()

    def test_command(self) -> None:
        lines = self.run()
        assert lines == [
            "damaged: 0 gone, older than the route table keeps them",
            "inbox: 0 gone, older than 400 days (KEEP_INBOX_DAYS)",
            "pending: 1 gone, older than 30 days (KEEP_PENDING_DAYS)",
            "tracking-log: 0 gone, older than 1825 days (KEEP_TRACKING_LOG_DAYS)",
            "mails: 1 gone, older than 90 days (KEEP_MAILS_DAYS)",
            "attempts: 0 gone, older than 730 days (KEEP_PAYMENT_ATTEMPTS_DAYS)",
            "fraud: 0 gone, older than 730 days (KEEP_PAYMENTS_FRAUD_DAYS)",
            "processor-events: 0 gone, older than 730 days (KEEP_PROCESSOR_EVENTS_DAYS)",
        ]
        assert PendingTransaction.objects.count() == 1
        assert OutgoingMail.objects.count() == 0

    def test_dry_run_of_one(self) -> None:
        assert self.run("--dry-run", "--only", "pending") == [
            "pending: 1 old, older than 30 days (KEEP_PENDING_DAYS)",
            "dry run: nothing was changed",
        ]
        assert PendingTransaction.objects.count() == 2

    def test_an_unknown_name(self) -> None:
        with pytest.raises(CommandError, match="invalid choice"):
            self.run("--only", "contacts")

    def test_a_setting_out_of_bounds_stops_it_before_anything_goes(
        self, settings: Settings
    ) -> None:
        settings.KEEP_PAYMENTS_FRAUD_DAYS = 0
        with pytest.raises(ImproperlyConfigured):
            self.run()
        assert PendingTransaction.objects.count() == 2

    def test_beat(self) -> None:
        assert project.BEAT_JOBS["frqueue"]["retention"]["task"] == task.name
        task()
        assert (PendingTransaction.objects.count(), OutgoingMail.objects.count()) == (1, 0)
