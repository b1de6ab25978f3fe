"""Which visits came of which banner histories, in the database."""

from collections.abc import Iterable
from datetime import UTC, datetime

from fundraising.banners.models import BannerHistoryAssociation
from queues.messages import Schema
from queues.received import Received

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def association(log_id: str, visit: int, item: Received[Schema]) -> BannerHistoryAssociation:
    """That a visit came of a history, as a message tells it; unsaved."""
    return BannerHistoryAssociation(
        banner_history_log_id=log_id,
        contribution_tracking_id=visit,
        told_at=item.message.pushed_at,
        message_id=item.key,
    )


def add(told: Iterable[BannerHistoryAssociation]) -> None:
    """Store associations, each once; of several messages that tell one the first is noted.

    Runs in a transaction.
    """
    first = {_pair(row): row for row in sorted(told, key=_order, reverse=True)}
    if not first:
        return
    # In the order of the ids: two workers with the same pairs take turns.
    rows = [first[pair] for pair in sorted(first)]
    BannerHistoryAssociation.objects.bulk_create(rows, ignore_conflicts=True)
    stored = BannerHistoryAssociation.objects.select_for_update().filter(
        banner_history_log_id__in={log_id for log_id, _ in first},
        contribution_tracking_id__in={visit for _, visit in first},
    )
    late = []
    for row in stored.order_by("banner_history_log_id", "contribution_tracking_id"):
        ours = first.get(_pair(row))
        if ours is not None and _order(ours) < _order(row):
            row.told_at, row.message_id = ours.told_at, ours.message_id
            late.append(row)
    if late:
        BannerHistoryAssociation.objects.bulk_update(late, ["told_at", "message_id"])


def _pair(row: BannerHistoryAssociation) -> tuple[str, int]:
    return row.banner_history_log_id, row.contribution_tracking_id


def _order(row: BannerHistoryAssociation) -> tuple[datetime, str]:
    return row.told_at or _EPOCH, row.message_id
