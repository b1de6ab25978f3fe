"""How long rows are kept: :data:`RULES`, a line for each table whose rows go with time."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from fundraising.fredge.models import PaymentAttempt, PaymentsFraud
from fundraising.gateways.models import ProcessorEvent
from fundraising.mails.models import OutgoingMail
from fundraising.pending.models import PendingTransaction
from fundraising.tracking.condensing import condense
from fundraising.tracking.models import TrackingDataPoint
from queues.models import DamagedMessage, DamagedMessageEvent, InboxMark
from queues.routes import routes

#: Rows of one transaction, so that nobody waits long for a lock.
BATCH = 500

Rows = QuerySet[Any]
Status = DamagedMessage.Status
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rule:
    """How long rows of a kind are kept.

    ``setting`` names the days, from ``least`` to ``most``; "" where each row has a time of its
    own. ``old`` are the rows from before a date, in an order that an index has; they are
    deleted, unless ``purge`` does otherwise.
    """

    name: str
    setting: str
    what: str
    old: Callable[[datetime], Rows]
    purge: Callable[[datetime], Iterator[int]] | None = None
    least: Callable[[], int] = lambda: 1
    most: int = 36500

    @property
    def kept(self) -> timedelta:
        """How long the rows are kept.

        Raises ``ImproperlyConfigured`` for a setting out of bounds, so that no slip of the pen
        deletes anything.
        """
        if not self.setting:
            return timedelta()
        days: int = getattr(settings, self.setting)
        if not self.least() <= days <= self.most:
            bounds = f"{self.least()} to {self.most}"
            raise ImproperlyConfigured(f"{self.setting} is {days} days, must be {bounds}")
        return days * DAY

    def count(self, now: datetime) -> int:
        """How many rows are old."""
        return self.old(now - self.kept).order_by().count()

    def run(self, now: datetime) -> Iterator[int]:
        """Purge the old rows; yields how many went, batch by batch, each committed."""
        before = now - self.kept
        return self.purge(before) if self.purge else _delete(self.old(before))


def _delete(rows: Rows) -> Iterator[int]:
    while True:
        with transaction.atomic():
            # Locked, as what a person or a message does to a row meanwhile keeps it.
            old = rows.select_for_update(of=("self",))
            pks = list(old.values_list("pk", flat=True)[:BATCH])
            rows.order_by().filter(pk__in=pks).delete()
        yield len(pks)
        if len(pks) < BATCH:
            return


def _condense(before: datetime) -> Iterator[int]:
    """By their numbers, which are in the order of time and cost no index.

    Those of a visit that was told of since stay, and are passed over.
    """
    after = 0
    while True:
        rows = TrackingDataPoint.objects.filter(pk__gt=after).order_by("pk")
        batch = list(rows.values_list("pk", "received_at", "contribution_tracking")[:BATCH])
        visits = {visit for _, received, visit in batch if received < before}
        if not visits:
            return
        with transaction.atomic():
            gone = condense(visits, before)
        yield gone
        after = batch[-1][0]


def _settled(now: datetime) -> Rows:
    """Damaged messages that are done with: imported after all, or discarded.

    Of each queue those that nothing happened to for as long as its route keeps them. What
    needs a person, waits for its retry, or was sent again and not seen since stays, as does
    what has no route.
    """
    queues: dict[timedelta, list[str]] = defaultdict(list)
    for route in routes().values():
        queues[route.keep_damaged].append(route.queue)
    old = Q(pk__in=[])
    events = DamagedMessageEvent.objects.filter(damaged_message=OuterRef("pk"))
    for kept, names in queues.items():
        since = now - kept
        touched = Exists(events.filter(at__gte=since))
        old |= Q(~touched, original_queue__in=names, damaged_date__lt=since)
    mark = InboxMark.objects.filter(queue=OuterRef("original_queue"), key=OuterRef("message_id"))
    done = Q(status=Status.DISCARDED) | Q(Exists(mark), status=Status.RESENT)
    return DamagedMessage.objects.filter(old, done).order_by("pk")


def _marks(before: datetime) -> Rows:
    """Marks, but for those of messages that still can be sent again by a person."""
    damaged = DamagedMessage.objects.filter(
        original_queue=OuterRef("queue"), message_id=OuterRef("key")
    )
    old = InboxMark.objects.filter(~Exists(damaged), imported_at__lt=before)
    return old.order_by("imported_at")


def _retry_horizon() -> int:
    """For how many days a parked message may come back: its mark must still be there then."""
    return -(-max(route.retry.horizon for route in routes().values()) // DAY)


def _pending(before: datetime) -> Rows:
    return PendingTransaction.objects.filter(date__lt=before).order_by("date")


def _mails(before: datetime) -> Rows:
    done = OutgoingMail.Status.SENT, OutgoingMail.Status.WITHHELD
    return OutgoingMail.objects.filter(status__in=done, created_at__lt=before).order_by("pk")


def _points(before: datetime) -> Rows:
    return TrackingDataPoint.objects.filter(received_at__lt=before)


def _attempts(before: datetime) -> Rows:
    return PaymentAttempt.objects.filter(ts__lt=before).order_by("ts")


def _scores(before: datetime) -> Rows:
    return PaymentsFraud.objects.filter(date__lt=before).order_by("date")


def _events(before: datetime) -> Rows:
    return ProcessorEvent.objects.filter(created_at__lt=before).order_by("created_at")


# Damaged messages before the marks, as a mark stays as long as its damaged message.
RULES = (
    # name, setting (days), what
    Rule("damaged", "", "damaged messages that are done with: by the route table", _settled),
    Rule(
        "inbox",
        "KEEP_INBOX_DAYS",
        "marks by which a message has its effect once",
        _marks,
        least=_retry_horizon,
    ),
    Rule(
        "pending",
        "KEEP_PENDING_DAYS",
        "pending transactions, resolved or not: names and addresses",
        _pending,
        most=30,
    ),
    Rule(
        "tracking-log",
        "KEEP_TRACKING_LOG_DAYS",
        "single data points of visits; what they say together stays",
        _points,
        purge=_condense,
    ),
    Rule("mails", "KEEP_MAILS_DAYS", "mails to donors that were sent or withheld", _mails),
    Rule("attempts", "KEEP_PAYMENT_ATTEMPTS_DAYS", "attempts to pay, for fraud models", _attempts),
    Rule("fraud", "KEEP_PAYMENTS_FRAUD_DAYS", "fraud scores of payments", _scores),
    Rule("processor-events", "KEEP_PROCESSOR_EVENTS_DAYS", "what processors told", _events),
)
