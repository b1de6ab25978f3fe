"""The log of data points in the database, and the summaries that are folded from it."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields

from fundraising.banners import associations
from fundraising.banners.log_ids import is_log_id
from fundraising.tracking.messages import ContributionTrackingMessage
from fundraising.tracking.models import ContributionTracking, TrackingDataPoint
from fundraising.tracking.summary import DataPoint, Summary, fold
from queues import wire
from queues.messages import validate
from queues.received import Received

log = logging.getLogger(__name__)

_COLUMNS = [field.name for field in fields(Summary)]


def append(told: Sequence[tuple[int, Received[ContributionTrackingMessage]]]) -> None:
    """Log messages, each with the id of its visit, and bring the summaries up to date.

    Which banners led to the visit is told on to ``banners``.

    Runs in a transaction. The rows of the summaries are made first and locked, in the order
    of their ids: two workers with data points of one visit take turns, and the second folds
    what the first has logged.
    """
    ids = sorted({visit for visit, _ in told})
    ContributionTracking.objects.bulk_create(
        [ContributionTracking(id=visit) for visit in ids], ignore_conflicts=True
    )
    conflicts = lock(ids)
    TrackingDataPoint.objects.bulk_create(
        [_logged(visit, item) for visit, item in told], ignore_conflicts=True
    )
    associations.add(
        associations.association(item.message.banner_history_log_id, visit, item)
        for visit, item in told
        if is_log_id(item.message.banner_history_log_id)
    )
    for summary in _fold(ids):
        if summary.link_conflicts > conflicts[summary.pk]:
            log.warning("contribution-tracking %d: linked to another contribution", summary.pk)


def refold(ids: Iterable[int]) -> None:
    """Make summaries anew from the log, as after a rule has changed. Runs in a transaction."""
    known = sorted(lock(ids))
    _fold(known)


def lock(ids: Iterable[int]) -> dict[int, int]:
    """Lock the summaries; the number of link conflicts of each."""
    rows = ContributionTracking.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    return dict(rows.values_list("pk", "link_conflicts"))


def _logged(visit: int, item: Received[ContributionTrackingMessage]) -> TrackingDataPoint:
    message = item.message
    return TrackingDataPoint(
        contribution_tracking_id=visit,
        digest=item.digest,
        message_key=item.key,
        source_enqueued_time=message.pushed_at,
        source_name=message.source_name or "",
        source_type=message.source_type or "",
        source_host=message.source_host or "",
        source_run_id=message.source_run_id or "",
        source_version=message.source_version or "",
        message=wire.parse(item.body, len(item.body)),
    )


def _fold(ids: Sequence[int]) -> list[ContributionTracking]:
    points: dict[int, list[DataPoint]] = defaultdict(list)
    rows = TrackingDataPoint.objects.filter(contribution_tracking__in=ids)
    for visit, digest, message in rows.values_list("contribution_tracking", "digest", "message"):
        points[visit].append(DataPoint(digest, validate(ContributionTrackingMessage, message)))
    summaries = [_row(visit, fold(points[visit])) for visit in ids]
    ContributionTracking.objects.bulk_create(
        summaries, update_conflicts=True, unique_fields=["id"], update_fields=_COLUMNS
    )
    return summaries


def _row(visit: int, summary: Summary) -> ContributionTracking:
    return ContributionTracking(id=visit, **{name: getattr(summary, name) for name in _COLUMNS})
