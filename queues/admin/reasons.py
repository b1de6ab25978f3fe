"""Damaged messages grouped by what is wrong with them."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Max, Min, Q

from queues.admin.filters import OPEN
from queues.models import DamagedMessage

#: Most groups on a page.
MOST = 200


def reasons() -> list[Mapping[str, Any]]:
    """The reasons of what is open: how many have each, since when, how many are retried."""
    groups = (
        DamagedMessage.objects.filter(status__in=OPEN)
        .order_by()
        .values("fingerprint", "original_queue", "code", "field")
        .annotate(
            count=Count("pk"),
            waiting=Count("pk", filter=Q(status=DamagedMessage.Status.WAITING)),
            oldest=Min("original_date"),
            newest=Max("damaged_date"),
            error=Min("error"),
        )
    )
    return list(groups.order_by("-count", "oldest")[:MOST])


def counts(fingerprints: set[str]) -> dict[str, int]:
    """How many open messages have each of these reasons."""
    rows = DamagedMessage.objects.filter(fingerprint__in=fingerprints, status__in=OPEN)
    return dict(rows.order_by().values_list("fingerprint").annotate(count=Count("pk")))
