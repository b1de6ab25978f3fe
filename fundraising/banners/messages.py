"""The ``banner-history`` message: which banners somebody saw who then went to donate."""

from collections.abc import Mapping

from pydantic import model_validator

from fundraising.crm.messages.fields import Id
from queues.messages import Message


class BannerHistoryMessage(Message):
    """Both ids as they came: whether they can be ids is for the consumer to say.

    The log id is called ``banner_history_id`` by front ends.
    """

    MANDATORY = ("banner_history_log_id", "contribution_tracking_id")

    banner_history_log_id: Id = ""
    contribution_tracking_id: Id = ""

    @model_validator(mode="before")
    @classmethod
    def _log_id_by_either_name(cls, value: Mapping[str, object]) -> Mapping[str, object]:
        log_id = value.get("banner_history_log_id") or value.get("banner_history_id")
        return {**value, "banner_history_log_id": log_id}
