"""Which contribution tracking ids are in use."""

from collections.abc import Mapping

from django.apps import apps
from django.db import connection

# Every table that holds such ids, by the column that has an index (or is one's first column):
# the greatest is found without a look at the others.
_COLUMNS = {
    "tracking.ContributionTracking": "id",
    "crm.Contribution": "contribution_tracking_id",
    "pending.PendingTransaction": "contribution_tracking_id",
    "fredge.PaymentsInit": "contribution_tracking_id",
    "fredge.PaymentsFraud": "contribution_tracking_id",
    "fredge.PaymentAttempt": "contribution_tracking_id",
    "banners.BannerHistoryAssociation": "contribution_tracking_id",
}


def highest() -> Mapping[str, int]:
    """The highest contribution tracking id in each table that holds any, 0 if it is empty.

    One query. Of messages that wait on lists nothing is known until they are imported.
    """
    quote = connection.ops.quote_name
    parts = []
    for label, column in _COLUMNS.items():
        model = apps.get_model(label)
        table = quote(model._meta.db_table)
        parts.append(f"(SELECT MAX({quote(column)}) FROM {table})")  # noqa: S608  our own names
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}")
        row = cursor.fetchone()
    return dict(zip(_COLUMNS, (number or 0 for number in row), strict=True))
