"""Workers with the rights of their role and no others, over TLS too, do all that they do.

    pytest -m proof tests/proofs/test_access.py

What the permissions of the server refuse it writes down (ACL LOG): at the end nothing is there.
"""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from flower.utils.broker import Broker
from pytest_django.plugin import DjangoDbBlocker
from redis.backoff import NoBackoff
from redis.retry import Retry

from fundraising.celery import app as celery_app
from fundraising.crm.models import Contribution
from queues import sequences
from queues.models import DamagedMessage, OutboxMessage, SequenceGuard
from tests import certificates
from tests.guarded import PASSWORDS, Guarded, GuardedDebianRedis, GuardedValkey
from tests.proofs import books
from tests.workers import ROOT, Stand, sqlite_stand, wait_for

NAME = "contribution-tracking"
TLS = Path(ROOT, "ops", "redis", "tls.conf")

pytestmark = [pytest.mark.proof, pytest.mark.timeout(180)]


class OverTls:
    """Of a server: it listens with the settings of tls.conf only."""

    port: int
    config: dict[str, str]
    data_dir: Path

    def secure(self) -> None:
        """Make certificates, and take the settings."""
        certificates.make(self.data_dir)
        lines = [line.split(None, 1) for line in TLS.read_text().splitlines() if line[:1] != "#"]
        self.config |= {name: value.strip('"') for name, value in lines}
        self.config |= {"tls-port": str(self.port)}
        for name in ("tls-cert-file", "tls-key-file", "tls-ca-cert-file"):
            self.config[name] = str(self.data_dir / Path(self.config[name]).name)

    def url_of(self, role: str) -> str:
        """With the name and the password of a role."""
        authority = f"{role}:{PASSWORDS[role]}@127.0.0.1:{self.port}"
        ca = self.data_dir / "ca.crt"
        return f"rediss://{authority}/0?ssl_cert_reqs=required&ssl_ca_certs={ca}"


class Tls(OverTls, GuardedDebianRedis):
    """Debian's Redis; the wheel's Valkey is made without TLS."""


def broker_of(kind: type[Guarded]) -> Guarded:
    if issubclass(kind, GuardedDebianRedis) and shutil.which("redis-server") is None:
        pytest.skip("Debian's redis-server is not installed")
    broker = kind()
    if isinstance(broker, OverTls):
        broker.secure()
    return broker


@pytest.fixture(params=[GuardedValkey, Tls])
def broker(request: pytest.FixtureRequest) -> Guarded:
    return broker_of(request.param)


@pytest.fixture
def stand(broker: Guarded, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Stand]:
    with django_db_blocker.unblock(), sqlite_stand(tmp_path, broker) as stand:
        yield stand


def celery(stand: Stand, *words: str) -> str:
    command = [sys.executable, "-m", "celery", "-A", "fundraising", *words]
    done = subprocess.run(
        command, cwd=ROOT, env=stand.environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def denied(client: redis.Redis) -> list[dict[str, Any]]:
    """What the server has refused, but for CLIENT SETINFO, which old ones do not know."""
    return [entry for entry in client.acl_log() if entry["object"] != "client|setinfo"]


def test_a_worker_has_the_rights_it_needs(stand: Stand, broker: Guarded) -> None:
    payments = broker.client_of("payments")
    first = int(payments.execute_command("INCR", sequences.key(NAME)))
    sequences.raise_to(stand.redis, NAME, 900_000_000)
    donations = [books.donation() for _ in range(20)]
    donations[7]["contribution_tracking_id"] = ""
    with stand.worker_with_beat() as worker:
        for donation in donations:
            payments.rpush("donations", json.dumps(donation))
        payments.rpush("donations", b"junk")
        payments.rpush("refund", json.dumps({**books.donation(), "type": "refund"}))
        wait_for(lambda: Contribution.objects.count() == len(donations), "all are imported")
        wait_for(lambda: DamagedMessage.objects.count() == 2, "the others are set aside")
        wait_for(stand.is_at_rest, "nothing is left")
        assert not OutboxMessage.objects.exists()
        assert SequenceGuard.objects.get().counter >= 900_000_000
        assert "donations" in celery(stand, "inspect", "active_queues")
        assert worker.stop() == 0
    assert first == 1
    assert denied(stand.redis) == []


def test_flower_sees_the_lists() -> None:
    async def lengths(url: str) -> dict[str, int]:
        view = Broker(url, broker_options=celery_app.conf.broker_transport_options)
        return {one["name"]: one["messages"] for one in await view.queues(["donations", "refund"])}

    with GuardedValkey() as broker:
        broker.client_of("payments").rpush("donations", "{}")
        found = asyncio.run(lengths(broker.url_of("worker")))
        assert found == {"donations": 1, "refund": 0}


def test_nothing_but_tls_from_whom_it_trusts() -> None:
    with broker_of(Tls) as broker:
        who = {"username": "payments", "password": PASSWORDS["payments"]}
        once = Retry(NoBackoff(), 0)
        with pytest.raises(redis.ConnectionError):
            redis.Redis(port=broker.port, retry=once, **who).ping()
        with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            redis.Redis(port=broker.port, retry=once, ssl=True, **who).ping()
        assert broker.client_of("payments").rpush("donations", "{}") == 1
