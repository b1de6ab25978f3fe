"""The consumer of ``banner-history``."""

from collections.abc import Sequence

from fundraising.banners import associations
from fundraising.banners.log_ids import is_log_id
from fundraising.banners.messages import BannerHistoryMessage
from queues.consumer import Received, group_consumer
from queues.outcomes import Damaged


@group_consumer("banner-history")
def banner_history(group: Sequence[Received[BannerHistoryMessage]]) -> None:
    """Note which visit to the donation form came of which banners."""
    told = []
    for item in group:
        log_id, visit = item.message.banner_history_log_id, item.message.contribution_tracking_id
        if not is_log_id(log_id):
            item.set_aside(_fault(log_id, "banner_history_id", "is no id of a banner history"))
        elif not (visit.isascii() and visit.isdigit() and len(visit) <= 18 and int(visit)):
            item.set_aside(_fault(visit, "contribution_tracking_id", "is no tracking id"))
        else:
            told.append(associations.association(log_id, int(visit), item))
    associations.add(told)


def _fault(value: str, field: str, text: str) -> Damaged:
    return Damaged("BANNER_HISTORY", text if value else "is missing", field)
