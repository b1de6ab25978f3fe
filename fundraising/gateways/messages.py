"""The ``jobs-*`` message: what a listener wants done with a notification of a processor."""

from typing import Annotated, Any

from pydantic import Field

from fundraising.crm.messages.fields import Id
from queues.messages import Message


class JobMessage(Message):
    """A job by its name, and what it is to work on.

    ``class`` is a name of :mod:`fundraising.gateways.jobs.known`; nothing is ever imported
    by it. What the payload must hold is for the job to say.
    """

    job: Annotated[Id, Field(alias="class", min_length=1)]
    payload: dict[str, Any]
