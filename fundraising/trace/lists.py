"""What stands on the lists: nobody has looked at it, so no timeline can have it."""

from dataclasses import dataclass, field

import redis
from django.conf import settings

from queues import instances
from queues.routes import routes


@dataclass
class Lists:
    """How many messages wait on each list that has any, and the instances that are away."""

    waiting: dict[str, int] = field(default_factory=dict)
    away: list[str] = field(default_factory=list)


def look() -> Lists:
    """The lengths of all queues, one round trip an instance."""
    lists = Lists()
    for instance in settings.REDIS_INSTANCES:
        queues = routes().lists(instance)
        pipeline = instances.client(instance).pipeline(transaction=False)
        for queue in queues:
            pipeline.llen(queue)
        try:
            lengths = pipeline.execute()
        except redis.RedisError:
            lists.away.append(instance)
            continue
        lists.waiting |= {
            queue: int(length) for queue, length in zip(queues, lengths, strict=True) if length
        }
    return lists
