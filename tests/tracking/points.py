"""Data points for tests, and strategies that make many."""

import json
from typing import Any

from hypothesis import strategies as st

from fundraising.tracking.messages import ContributionTrackingMessage
from fundraising.tracking.summary import DataPoint
from queues.messages import validate
from queues.wire import digest, parse

VISITS = (1, 2, 3)


def body(**fields: Any) -> bytes:
    """A message as it stands on the wire."""
    return json.dumps(fields).encode()


def point(**fields: Any) -> DataPoint:
    """A data point of visit 1, unless it says otherwise."""
    raw = body(**{"id": 1, **fields})
    message = validate(ContributionTrackingMessage, parse(raw, len(raw)))
    return DataPoint(digest(raw), message)


def _one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


#: Fields that meet: few values, few moments, so that ties and conflicts are common.
messages = st.fixed_dictionaries(
    {"id": _one_of(*VISITS, *map(str, VISITS))},
    optional={
        "source_enqueued_time": _one_of(0, 1, 2, "3"),
        "contribution_id": _one_of(None, "", 5, "5", 6, "7"),
        "utm_medium": _one_of("audit", "sitenotice", "", None),
        "utm_source": _one_of("B25_x_dsk_lg_cnt.lp.cc", "sp123456789.a.cc", "..cc", "", None),
        "utm_key": _one_of("ptf_1~upsell", "vw_1280", "", None),
        "is_recurring": _one_of(True, "1", 0, "", None),
        "landing_page": _one_of("Landing", ""),
        "amount": _one_of("1.00", 2, "3.0005", ""),
        "payment_method": _one_of("cc", "rtbt", "new-method", ""),
        "payment_submethod": _one_of("visa", "rtbt_ideal", ""),
        "country": _one_of("NL", "FRANCE", ""),
        "ts": _one_of("20261120094413", "20261120094414", ""),
        "tracking_date": _one_of("2026-11-19 01:02:03", ""),
        "banner_history_log_id": _one_of("0123456789abcdef", "NOT-HEX", "ab", ""),
        "app_install_id": _one_of("install-1", ""),
    },
)
