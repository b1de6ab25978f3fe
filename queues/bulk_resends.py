"""Many damaged messages sent again: first a plan, then at a set rate, then what came of it."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from queues import repairs
from queues.models import BulkResend, BulkResendItem, DamagedMessage, InboxMark

log = logging.getLogger(__name__)

#: More are planned in several parts; to check so many takes some ten seconds.
MAX_MESSAGES = 20_000
MAX_PER_SECOND = 200
#: What one step sends at most, so that a cancellation takes effect soon.
MAX_STEP = 500
#: Time that nobody stepped in, beyond this, is not made up for.
MAX_PAUSE = timedelta(seconds=5)

_PLAN_BATCH = 500

Status = BulkResend.Status


class Plan(NamedTuple):
    """What a bulk resend would do: counts of messages, and why some could not be sent."""

    total: int
    sendable: int
    faults: list[tuple[str, int]]


class Report(NamedTuple):
    """What became of the messages, as the database says, in counts.

    ``imported`` are those whose effect, or that they were duplicates, is committed.
    """

    total: int
    imported: int
    damaged_again: int
    on_the_way: int
    skipped: int
    unsent: int
    skipped_for: list[tuple[str, int]]
    damaged_by: list[tuple[str, int]]


def plan(*, rows: QuerySet[DamagedMessage], selection: str, user: User) -> BulkResend:
    """Note which messages match and which of them could be sent now; nothing is sent.

    ``selection`` says in words which rows were meant. Raises ``ValueError`` for none and for
    more than 20,000.
    """
    pks = rows.order_by("original_date", "pk").values_list("pk", flat=True)
    wanted = list(pks[: MAX_MESSAGES + 1])
    if not wanted:
        raise ValueError("no message matches")
    if len(wanted) > MAX_MESSAGES:
        raise ValueError(f"more than {MAX_MESSAGES} messages match: narrow the filter")
    with transaction.atomic():
        bulk = BulkResend.objects.create(selection=selection[:255], created_by=user)
        for part in _parts(wanted):
            found = DamagedMessage.objects.in_bulk(part)
            obstacles = repairs.obstacles(found.values())
            BulkResendItem.objects.bulk_create(
                BulkResendItem(
                    bulk_resend=bulk, damaged_message_id=pk, fault=_short(obstacles.get(pk, ()))
                )
                for pk in part
                if pk in found
            )
    return bulk


def summary(bulk: BulkResend) -> Plan:
    """The plan of a bulk resend in counts."""
    faults = _tally(bulk.items.exclude(fault="").values_list("fault", flat=True))
    total = bulk.items.count()
    return Plan(total, total - sum(count for _, count in faults), faults)


def start(*, pk: int, per_second: int, user: User, reason: str) -> None:
    """Let a planned bulk resend run, at ``per_second`` messages a second (1 to 200).

    Raises ``ValueError`` when it is not planned any more, or for a rate or reason that is none.
    """
    if not 1 <= per_second <= MAX_PER_SECOND:
        raise ValueError(f"the rate must be 1 to {MAX_PER_SECOND} messages a second")
    if not reason.strip():
        raise ValueError("a reason is needed")
    now = timezone.now()
    started = BulkResend.objects.filter(pk=pk, status=Status.PLANNED).update(
        status=Status.RUNNING,
        per_second=per_second,
        reason=reason.strip()[:255],
        started_by=user,
        started_at=now,
        stepped_at=now,
    )
    if not started:
        raise ValueError("it is not planned any more")
    log.info("bulk resend %d started rate=%d user=%s", pk, per_second, user.pk)


def cancel(*, pk: int, user: User) -> None:
    """Stop it; what was sent stays sent. Raises ``ValueError`` when it has ended."""
    with transaction.atomic():
        # Waits for the step that is being taken, so that none is sent after this returns.
        bulk = BulkResend.objects.select_for_update().get(pk=pk)
        if bulk.status not in (Status.PLANNED, Status.RUNNING):
            raise ValueError("it has ended")
        bulk.status, bulk.cancelled_by, bulk.ended_at = Status.CANCELLED, user, timezone.now()
        bulk.save(update_fields=["status", "cancelled_by", "ended_at"])
    log.info("bulk resend %d cancelled user=%s", pk, user.pk)


def step() -> int:
    """Send what is due of every bulk resend that runs; returns how many messages.

    Meant to be called every two seconds or so.
    """
    running = BulkResend.objects.filter(status=Status.RUNNING).order_by("pk")
    return sum(_step(pk) for pk in running.values_list("pk", flat=True))


def report(bulk: BulkResend) -> Report:
    """What really happened so far, from the rows and the inbox."""
    items = outcomes(bulk)
    counts = items.aggregate(
        count=Count("pk"),
        count_imported=Count("pk", filter=_IMPORTED),
        count_damaged=Count("pk", filter=_DAMAGED_AGAIN),
        count_on_the_way=Count("pk", filter=_ON_THE_WAY),
        count_skipped=Count("pk", filter=~Q(skipped="")),
        count_unsent=Count("pk", filter=Q(resent_at=None, skipped="")),
    )
    skipped = items.exclude(skipped="").values_list("skipped", flat=True)
    damaged = items.filter(_DAMAGED_AGAIN).values_list("damaged_message__code", flat=True)
    return Report(
        total=counts["count"],
        imported=counts["count_imported"],
        damaged_again=counts["count_damaged"],
        on_the_way=counts["count_on_the_way"],
        skipped=counts["count_skipped"],
        unsent=counts["count_unsent"],
        skipped_for=_tally(skipped),
        damaged_by=_tally(damaged),
    )


def outcomes(bulk: BulkResend) -> QuerySet[BulkResendItem]:
    """The items with ``marked``: whether the inbox holds their message."""
    marks = InboxMark.objects.filter(
        queue=OuterRef("damaged_message__original_queue"),
        key=OuterRef("damaged_message__message_id"),
    )
    return bulk.items.annotate(marked=Exists(marks))


# A row that was sent leaves RESENT only when its message comes back damaged.
_SENT = Q(resent_at__isnull=False)
_OUT = Q(damaged_message__status=DamagedMessage.Status.RESENT)
_DAMAGED_AGAIN = _SENT & ~_OUT
_IMPORTED = _SENT & _OUT & Q(marked=True)
_ON_THE_WAY = _SENT & _OUT & Q(marked=False)
#: Those of :func:`outcomes` that are not simply imported, or not tried yet.
DOUBTFUL = _DAMAGED_AGAIN | _ON_THE_WAY | ~Q(skipped="")


def _step(pk: int) -> int:
    with transaction.atomic():
        bulk = _lock(pk)
        if bulk is None or bulk.stepped_at is None or bulk.started_by is None:
            return 0
        now = timezone.now()
        since = max(bulk.stepped_at, now - MAX_PAUSE)
        due = min(int((now - since).total_seconds() * bulk.per_second), MAX_STEP)
        if due < 1:
            return 0
        waiting = bulk.items.filter(resent_at=None, skipped="").order_by("pk")
        items = list(waiting[:due])
        sent, refused = repairs.resend(
            pks=[item.damaged_message_id for item in items],
            user=bulk.started_by,
            reason=f"bulk resend {bulk.pk}: {bulk.reason}",
        )
        went = set(sent)
        for item in items:
            if item.damaged_message_id in went:
                item.resent_at = now
            else:
                item.skipped = _short(refused.get(item.damaged_message_id, ())) or "it is gone"
        BulkResendItem.objects.bulk_update(items, ["resent_at", "skipped"])
        bulk.stepped_at = since + timedelta(seconds=due / bulk.per_second)
        if not waiting.exists():
            bulk.status, bulk.ended_at = Status.DONE, now
        bulk.save(update_fields=["stepped_at", "status", "ended_at"])
    return len(sent)


def _lock(pk: int) -> BulkResend | None:
    rows = BulkResend.objects.filter(pk=pk, status=Status.RUNNING)
    if transaction.get_connection().features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True)
    return rows.first()


def _parts(pks: list[int]) -> Iterator[list[int]]:
    for first in range(0, len(pks), _PLAN_BATCH):
        yield pks[first : first + _PLAN_BATCH]


def _short(faults: Sequence[repairs.Fault]) -> str:
    return "; ".join(map(str, faults))[:255]


def _tally(texts: QuerySet[BulkResendItem, str]) -> list[tuple[str, int]]:
    return Counter(texts.iterator()).most_common()
