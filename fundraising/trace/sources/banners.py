"""Which banners the donor had seen."""

from collections.abc import Iterator

from fundraising.banners.models import BannerHistoryAssociation
from fundraising.trace.clues import Clues
from fundraising.trace.entries import Entry, page_of


def entries(clues: Clues) -> Iterator[Entry]:
    """A line for each history of banners."""
    rows = BannerHistoryAssociation.objects.filter(contribution_tracking_id__in=clues.visits)
    for row in rows.exclude(told_at=None):
        if row.told_at is not None:
            yield Entry(
                at=row.told_at,
                source="Banner history",
                title=row.banner_history_log_id,
                facts={"visit": row.contribution_tracking_id},
                url=page_of(row),
                message_id=row.message_id,
            )
