"""A job as its function sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from fundraising.gateways.messages import JobMessage
from queues.messages import ORIGIN_FIELDS, SOURCE_FIELDS, faults
from queues.outcomes import Damaged
from queues.received import Received


class Payload(BaseModel):
    """What a job works on. Fields that it does not know are kept, as of any message."""

    model_config = ConfigDict(extra="allow", frozen=True)


P = TypeVar("P", bound=Payload)


def read(schema: type[P], told: Mapping[str, object], where: str = "payload") -> P:
    """What was told, as ``schema``. Raises ``Damaged`` that names each field and its fault."""
    try:
        return schema.model_validate(told)
    except ValidationError as error:
        (first_field, first_text), *others = faults(error)
        text = "; ".join([first_text, *(f"{where}.{field}: {fault}" for field, fault in others)])
        raise Damaged("INVALID_MESSAGE", text, f"{where}.{first_field}") from None


@dataclass(frozen=True, slots=True)
class Job(Generic[P]):
    """One job of a queue: its payload, and the message that asks for it."""

    queue: str
    item: Received[JobMessage]
    payload: P

    @property
    def provider(self) -> str:
        """The payment provider whose queue it is on, such as ``adyen``."""
        return self.queue.removeprefix("jobs-")

    @property
    def told(self) -> Mapping[str, Any]:
        """The payload as it came, types and all."""
        return self.item.message.payload

    @property
    def hops(self) -> dict[str, object]:
        """Where it comes from: the ``source_*`` and ``origin_*`` fields that are known."""
        names = {*SOURCE_FIELDS, *ORIGIN_FIELDS}
        return self.item.message.model_dump(include=names, exclude_none=True)

    @property
    def heard_at(self) -> datetime:
        """When we heard of it, UTC: what dates an event whose notification has no date."""
        message = self.item.message
        if message.origin_enqueued_time:
            return datetime.fromtimestamp(message.origin_enqueued_time, UTC)
        return message.pushed_at or self.item.received_at
