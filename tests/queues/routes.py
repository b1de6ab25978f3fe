"""A route table for the tests of the contract."""

from datetime import timedelta
from decimal import Decimal

from pydantic import Field

from queues.messages import Message
from queues.routes import RetryPolicy, Route, Routes

QUICK = RetryPolicy(attempts=3, first=timedelta(minutes=1), longest=timedelta(minutes=5))
DAY = timedelta(days=1)


class Gift(Message):
    """A message of the test queue."""

    gateway: str
    order_id: str
    gross: Decimal = Field(gt=0, max_digits=20)


ROUTES = Routes(
    Route("gifts", "frqueue", "test.gifts", Gift, 100, QUICK, DAY),
    Route("thanks", "donor-prefs", "test.thanks", Message, 1, QUICK, DAY),
)
