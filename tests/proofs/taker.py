"""A process that takes numbers as a consumer does, for ever.

Each in a transaction that imports what has the number, which is printed when it is committed.
Waits out a server that is away and a sequence that is behind.
"""

# ruff: noqa: T201
import random
import time
from typing import NoReturn

import django
import redis
from django.db import OperationalError, transaction

django.setup()

from fundraising.tracking.models import ContributionTracking  # noqa: E402
from queues.sequences import SequenceBehind, next_id  # noqa: E402


def take() -> NoReturn:
    """Take and use numbers."""
    dice = random.Random()
    while True:
        try:
            with transaction.atomic():
                number = next_id("contribution-tracking")
                time.sleep(dice.uniform(0, 0.005))
                ContributionTracking.objects.create(id=number)
        except (redis.RedisError, SequenceBehind, OperationalError):
            time.sleep(0.05)
        else:
            print(number, flush=True)
            time.sleep(0.005)


if __name__ == "__main__":
    take()
