"""One Redis is killed, or hangs: the other instance works on as if nothing were, and nothing is
lost.

    pytest -m proof tests/proofs/test_instances.py

INSTANCE_DATABASES (2, in CI 1) says on how many databases; 1 is PostgreSQL, if that is installed.
"""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from fundraising.routes import DONOR_PREFS, FRQUEUE
from queues.models import DamagedMessage, InboxMark, OutboxMessage
from tests import postgres
from tests.proofs import books
from tests.proofs.conftest import on_postgresql
from tests.proofs.databases import CrashingPostgreSQL, postgresql_stand
from tests.proofs.words.routes import QUEUES
from tests.servers import Server, Valkey
from tests.workers import Stand, Worker, sqlite_stand, wait_for

DATABASES = books.size("INSTANCE_DATABASES", whole=2, short=1)
#: Of each kind; several groups.
MANY = 50
APPS = {FRQUEUE: "fundraising", DONOR_PREFS: "fundraising.donor_prefs"}

Status = DamagedMessage.Status

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]


class Both(NamedTuple):
    """The two servers, each with a worker that has a beat of its own."""

    servers: dict[str, Server]
    workers: dict[str, Worker]

    def push(self, instance: str, *bodies: bytes | dict[str, str]) -> None:
        raw = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
        self.servers[instance].client().rpush(QUEUES[instance], *raw)

    def is_at_rest(self) -> bool:
        """Whether no message is on its way anywhere."""
        clients = [server.client() for server in self.servers.values()]
        lists = [name for queue in QUEUES.values() for name in (queue, f"{queue}-damaged")]
        return not any(client.exists("reserved", *lists) for client in clients)


@pytest.fixture(params=["sqlite", on_postgresql])
def stand(
    request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> Iterator[Stand]:
    if request.param == "sqlite" and DATABASES == 1 and postgres.programs():
        pytest.skip("PostgreSQL is the one")
    broker = Valkey(appendfsync="always")
    with django_db_blocker.unblock(), ExitStack() as stack:
        if request.param == "sqlite":
            yield stack.enter_context(sqlite_stand(tmp_path, broker))
        else:
            database = stack.enter_context(CrashingPostgreSQL())
            yield stack.enter_context(postgresql_stand(database, broker))


@pytest.fixture
def both(stand: Stand, tmp_path: Path) -> Iterator[Both]:
    with ExitStack() as stack:
        prefs = stack.enter_context(Valkey(appendfsync="always"))
        environment = stand.environment | {
            "DJANGO_SETTINGS_MODULE": "tests.proofs.words.settings",
            "DONOR_PREFS_URL": prefs.url,
        }
        workers = {
            instance: stack.enter_context(
                Worker(environment, "--beat", f"--schedule={tmp_path}/{app}", app=app)
            )
            for instance, app in APPS.items()
        }
        yield Both({FRQUEUE: stand.broker, DONOR_PREFS: prefs}, workers)


def kept(prefix: str) -> int:
    return Group.objects.filter(name__startswith=prefix).count()


def wait_until_kept(prefix: str, count: int) -> None:
    wait_for(lambda: kept(prefix) == count, f"{count} words {prefix}", 90)


@pytest.mark.parametrize("how", ["killed", "hung"])
@pytest.mark.parametrize(("lost", "other"), [(FRQUEUE, DONOR_PREFS), (DONOR_PREFS, FRQUEUE)])
def test_an_instance_works_while_the_other_is_away(
    both: Both, lost: str, other: str, how: str
) -> None:
    for instance in (lost, other):
        both.push(instance, {"word": f"first {instance}"})
    wait_until_kept("first", 2)
    # Some of them are in hand when their server goes.
    both.push(lost, *({"word": f"caught {number}"} for number in range(MANY)))
    _go(both.servers[lost], how)

    both.push(other, *({"word": f"whole {n}", "tell": f"told {n}"} for n in range(MANY)))
    wait_until_kept("whole", MANY)
    both.push(other, b"junk", {"word": "late", "after": "early"})
    rows = DamagedMessage.objects.filter(original_queue=QUEUES[other])
    wait_for(rows.filter(status=Status.DAMAGED, code="INVALID_JSON").exists, "the damaged message")
    parked = rows.filter(status=Status.WAITING, code="MISSING_PREDECESSOR")
    wait_for(parked.exists, "the parked message")
    both.push(other, {"word": "early"})
    wait_until_kept("early", 1)
    parked.update(retry_at=timezone.now())
    wait_until_kept("late", 1)
    assert kept("told") == 0
    assert OutboxMessage.objects.filter(queue=QUEUES[lost]).count() == MANY

    _come_back(both.servers[lost], how)
    wait_until_kept("told", MANY)
    wait_until_kept("caught", MANY)
    wait_for(lambda: not OutboxMessage.objects.exists() and both.is_at_rest(), "the end")
    assert kept("first") + kept("early") + kept("late") == 4
    # None twice: that would break a constraint and be damaged.
    assert rows.filter(status=Status.RESENT).get().code == "MISSING_PREDECESSOR"
    assert DamagedMessage.objects.exclude(status=Status.RESENT).get().body == b"junk"
    assert InboxMark.objects.filter(queue__in=QUEUES.values()).count() == 4 + 3 * MANY
    assert all(worker.is_alive() for worker in both.workers.values())


def _go(server: Server, how: str) -> None:
    if how == "killed":
        server.kill9()
    else:
        os.kill(server.pid, signal.SIGSTOP)


def _come_back(server: Server, how: str) -> None:
    if how == "killed":
        server.start()
    else:
        os.kill(server.pid, signal.SIGCONT)
