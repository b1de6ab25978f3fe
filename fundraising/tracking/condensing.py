"""The old data points of a visit, condensed to what they tell together."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from fundraising.tracking import log
from fundraising.tracking.messages import ContributionTrackingMessage
from fundraising.tracking.models import TrackingDataPoint
from fundraising.tracking.summary import DataPoint, fold
from queues import wire
from queues.messages import ORIGIN_FIELDS, validate

Raw = Mapping[str, Any]

_LINK = ("contribution_id", "contribution_date")


def condensed(told: Mapping[str, Raw]) -> list[Raw] | None:
    """What messages about one visit tell together: one message, and one of the audits among them.

    ``told`` are messages by the digests of their bytes. It keeps the newest value of each
    field of the summary, and no more: who pushed it goes, and what nobody reads. Folded, also
    with messages that are pushed later, it gives the same summary. None when that cannot be:
    when several contributions were said to be the visit's.
    """
    points = [DataPoint(digest, _read(raw)) for digest, raw in told.items()]
    ordered = sorted(points, key=lambda point: point.order)
    taken_back = {point.message.unlinked_contribution_id for point in ordered}
    groups = (
        [point for point in ordered if not point.is_from_audit],
        [point for point in ordered if point.is_from_audit],
    )
    ones = [_together(group, told, taken_back) for group in groups if group]
    after = fold(DataPoint(_digest(one), _read(one)) for one in ones)
    return ones if after == fold(points) else None


def condense(visits: Collection[int], before: datetime) -> int:
    """Condense the log of those of the visits that nothing was told of since ``before``.

    Their summaries stay as they are, now and whenever they are made anew. Runs in a
    transaction; returns how many data points went.
    """
    gone = 0
    for visit, rows in _closed(visits, before).items():
        ones = condensed({row.digest: row.message for row in rows})
        if ones is None or {_digest(one) for one in ones} == {row.digest for row in rows}:
            continue
        TrackingDataPoint.objects.filter(pk__in=[row.pk for row in rows]).delete()
        TrackingDataPoint.objects.bulk_create(_row(visit, one) for one in ones)
        gone += len(rows)
    return gone


def _together(
    group: Sequence[DataPoint], told: Mapping[str, Raw], taken_back: Collection[int | None]
) -> Raw:
    one: dict[str, Any] = {"id": group[0].message.id}
    for point in group:
        names = point.details().keys() - set(ORIGIN_FIELDS)
        if point.message.unlinked_contribution_id:
            names |= {"unlinked_contribution_id"}
        one.update({name: told[point.digest][name] for name in sorted(names)})
    links = [
        point
        for point in sorted(group, key=lambda point: point.linked_at)
        if point.message.contribution_id not in {*taken_back, None, 0}
    ]
    if links:
        raw = told[links[0].digest]
        one.update({name: raw[name] for name in _LINK if name in raw})
    if pushed := group[-1].message.source_enqueued_time:
        one["source_enqueued_time"] = pushed
    return one


def _closed(visits: Collection[int], before: datetime) -> dict[int, list[TrackingDataPoint]]:
    """The data points of visits, locked, of which all are old."""
    log.lock(visits)
    rows: dict[int, list[TrackingDataPoint]] = defaultdict(list)
    for row in TrackingDataPoint.objects.filter(contribution_tracking__in=visits).order_by("pk"):
        rows[row.contribution_tracking_id].append(row)
    return {
        visit: points
        for visit, points in rows.items()
        if all(point.received_at < before for point in points)
    }


def _row(visit: int, one: Raw) -> TrackingDataPoint:
    digest = _digest(one)
    return TrackingDataPoint(
        contribution_tracking_id=visit,
        digest=digest,
        message_key=digest,
        source_enqueued_time=_read(one).pushed_at,
        message=one,
    )


def _read(raw: Raw) -> ContributionTrackingMessage:
    return validate(ContributionTrackingMessage, dict(raw))


def _digest(raw: Raw) -> str:
    return wire.digest(json.dumps(raw, sort_keys=True).encode())
