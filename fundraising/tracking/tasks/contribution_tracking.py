"""The consumer of ``contribution-tracking``."""

from collections.abc import Sequence

from fundraising.tracking import log
from fundraising.tracking.messages import ContributionTrackingMessage
from queues.consumer import Received, group_consumer
from queues.outcomes import Damaged


@group_consumer("contribution-tracking")
def contribution_tracking(group: Sequence[Received[ContributionTrackingMessage]]) -> None:
    """Log what is told of visits to the donation form, and sum it up."""
    told = []
    for item in group:
        if item.message.id:
            told.append((item.message.id, item))
        else:
            item.set_aside(Damaged("CONTRIBUTION_TRACKING", "is missing", field="id"))
    if told:
        log.append(told)
