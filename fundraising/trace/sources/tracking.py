"""What is known of the visits to the donation form."""

from collections.abc import Iterator

from fundraising.trace.clues import Clues
from fundraising.trace.entries import Entry, page_of
from fundraising.tracking.models import TrackingDataPoint

_TOLD = ("utm_source", "utm_medium", "utm_campaign", "payment_method", "gateway", "contribution_id")


def entries(clues: Clues) -> Iterator[Entry]:
    """A line for each data point."""
    points = TrackingDataPoint.objects.filter(contribution_tracking__in=clues.visits)
    for point in points.select_related("contribution_tracking"):
        told = {name: point.message.get(name) for name in _TOLD}
        yield Entry(
            at=point.source_enqueued_time or point.received_at,
            source="Contribution tracking",
            title=f"Visit {point.contribution_tracking_id}",
            facts=told,
            url=page_of(point.contribution_tracking),
            message_id=point.message_key,
        )
