"""Who may do what on a Redis instance: its ACL, made from the route table.

A role is a user. Producers push on the lists of the instance and, where sequences are, take
numbers: they can read, list and delete nothing. The worker is all of this project's processes, and
cannot see or touch what is not theirs. Needs Redis 7 or Valkey: earlier ones cannot tell writing to
a key from reading it.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from django.conf import settings

from queues import heartbeats, reserved, sequences
from queues.celery import PERIODIC_QUEUE
from queues.deadletter import damaged_queue
from queues.metrics import counts
from queues.routes import routes

#: A password's digest stands in the file without salt: it must not be guessable.
LEAST_PASSWORD = 20

# The queue tools' and the mover's passages; kombu's bindings, and its lists for events and for
# answers to `celery inspect`.
_PATTERNS = ("moving:*", "moved:*", "_kombu.*", "celeryev.*", "*.pidbox")

# INCR alone: INCRBY, which redis-py's incr() sends, takes numbers below zero.
_PRODUCER = "+ping +hello +client|setinfo"

_WORKER = (
    "+@connection +@pubsub +@transaction +@string +@list +@hash +@set +@sortedset "
    "-@admin -@dangerous +del +unlink +exists +type +expire +pexpire +time +info "
    "+eval +evalsha +script|load +script|exists"
)

_OPERATOR = (
    "+@all -@dangerous +info +role +failover +replicaof +slaveof +wait +sort "
    "+config|get +config|set +config|rewrite +client|list +client|kill +client|pause "
    "+client|unpause +acl|list +acl|users +acl|getuser +acl|log +acl|load +bgsave +bgrewriteaof "
    "+lastsave +latency +slowlog"
)

# What Redis and Sentinel themselves need, as their documentation says.
_REPLICA = "+psync +replconf +ping"
_SENTINEL = (
    "+multi +exec +slaveof +replicaof +ping +subscribe +publish +config|rewrite +role +info "
    "+client|setname +client|kill +script|kill"
)


def roles(instance: str) -> Mapping[str, str]:
    """The rules of each user of an instance, by its name.

    Raises ``KeyError`` for an instance that there is not.
    """
    numbers = list(settings.SEQUENCES) if instance == settings.SEQUENCE_INSTANCE else []
    return {
        settings.PRODUCER_ROLES[instance]: _producer(instance, numbers),
        "worker": f"resetchannels &* {_keys('~', _of_worker(instance, numbers))} -@all {_WORKER}",
        "operator": f"allchannels allkeys {_OPERATOR}",
        "monitor": _monitor(instance, numbers),
        "replica": f"resetchannels resetkeys -@all {_REPLICA}",
        "sentinel": f"allchannels resetkeys -@all {_SENTINEL}",
    }


def password_variable(instance: str, role: str) -> str:
    """The environment variable that has the password of a role: ``FRQUEUE_WORKER_PASSWORD``."""
    return f"{instance}_{role}_password".replace("-", "_").upper()


def acl_file(instance: str, secrets: Mapping[str, str], *, with_setinfo: bool = True) -> str:
    """The users file of an instance, a line a user; ``secrets`` are the rules of their passwords.

    ``with_setinfo`` is for servers that know CLIENT SETINFO, which is Redis from 7.2 and Valkey.
    """
    lines = ["user default off resetpass resetchannels resetkeys -@all"]
    for role, rules in roles(instance).items():
        lines.append(f"user {role} on resetpass {secrets[role]} {rules}")
    text = "\n".join(lines) + "\n"
    return text if with_setinfo else text.replace(" +client|setinfo", "")


def hashed(password: str) -> str:
    """The rule that gives a user a password. Raises ``ValueError`` for one that is too short."""
    if len(password) < LEAST_PASSWORD:
        raise ValueError(f"has fewer than {LEAST_PASSWORD} characters")
    return f"#{sha256(password.encode()).hexdigest()}"


def _producer(instance: str, numbers: Iterable[str]) -> str:
    keys = _keys("%W~", routes().lists(instance))
    taking = "".join(f" (+incr %RW~{sequences.key(name)})" for name in numbers)
    return f"resetchannels {keys} -@all {_PRODUCER} +rpush{taking}"


def _monitor(instance: str, numbers: Iterable[str]) -> str:
    """Lengths, leases, counts and signs of life: nothing that is in a message.

    Each command on its keys: HGETALL or ZRANGE on others would show messages.
    """
    shown = [reserved.MAINTENANCE, counts.KEY]
    times = [reserved.INDEX, heartbeats.KEY]
    selectors = [
        f"(+llen {_keys('%R~', _lists(instance))})",
        f"(+hlen {_keys('%R~', (reserved.RESERVED, reserved.DELIVERIES))})",
        f"(+hgetall {_keys('%R~', shown)})",
        f"(+zcard +zrange {_keys('%R~', times)})",
        *(f"(+get %R~{sequences.key(name)})" for name in numbers),
    ]
    return (
        "resetchannels resetkeys -@all +ping +hello +client|setinfo +info +time +role "
        f"{' '.join(selectors)}"
    )


def _of_worker(instance: str, numbers: Iterable[str]) -> list[str]:
    counters = [key for name in numbers for key in (sequences.key(name), sequences.guard_key(name))]
    own = [*reserved.KEYS, reserved.MAINTENANCE, heartbeats.KEY, counts.KEY]
    return [*_lists(instance), *own, *counters, *_PATTERNS]


def _lists(instance: str) -> list[str]:
    return [*routes().consumed(instance), PERIODIC_QUEUE, damaged_queue(PERIODIC_QUEUE)]


def _keys(permission: str, names: Iterable[str]) -> str:
    return " ".join(f"{permission}{name}" for name in names)
