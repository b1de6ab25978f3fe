"""Raw messages without their donor."""

from collections.abc import Mapping
from typing import Any

from fundraising.tracking.messages import ContributionTrackingMessage
from queues import wire
from queues.admin import masking
from queues.admin.changes import read
from queues.models import DamagedMessage
from queues.wire import Json

# What tells the device, or the page the donor came from; the rest is the same for many.
_OF_THE_VISITOR = frozenset({"app_install_id", "banner_history_log_id", "referrer"})
_OF_THE_VISIT = frozenset(ContributionTrackingMessage.model_fields) - _OF_THE_VISITOR
_IDS = ("gateway", "order_id", "gateway_txn_id")


def message(told: Mapping[str, Json]) -> dict[str, Json]:
    """What a message tells of the money: gateway, ids, amounts, dates.

    By the names of fields that are known to be harmless, the same that the admin shows to
    whoever may not see personal data: all others go, whatever they hold.
    """
    masked = masking.without_personal_data(dict(told))
    redacted: dict[str, Json] = _without_hidden(masked)
    return redacted


def data_point(told: Mapping[str, Json]) -> dict[str, Json]:
    """What a data point about a visit tells of the campaign, not of the visitor."""
    return {name: value for name, value in told.items() if name in _OF_THE_VISIT}


def body(row: DamagedMessage, body: bytes) -> bytes:
    """The bytes of a damaged message without the donor, under the id it is known by."""
    told = read(body)
    if told is None:
        told = {name: getattr(row, name) for name in _IDS if getattr(row, name)}
    return wire.dumps({**message(told), "message_id": row.message_id}).encode()


def _without_hidden(value: Any) -> Any:  # noqa: ANN401 (JSON of the shape that it has)
    match value:
        case dict():
            return {
                name: _without_hidden(item)
                for name, item in value.items()
                if masking.HIDDEN not in (name, item)
            }
        case list():
            return [_without_hidden(item) for item in value if item != masking.HIDDEN]
    return value
