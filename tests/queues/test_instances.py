"""An instance that is away stops nothing of the other one."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from threading import Thread

import pytest
import redis
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from queues import damaged, instances, outbox, tasks
from queues.deadletter import DeadLetter
from queues.models import DamagedMessage, OutboxMessage
from queues.outbox import push_later
from queues.outcomes import Outcome
from tests.queues.conftest import Gifts, gift

pytestmark = pytest.mark.django_db(transaction=True)

Status = DamagedMessage.Status


class Closing:
    """A server that closes every connection at once, and counts them."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._socket.getsockname()[1]}/0"
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            self.connections += 1
            connection.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def away(gifts: Gifts, settings: Settings) -> Iterator[Closing]:
    """In place of donor-prefs."""
    with closing(Closing()) as server:
        settings.REDIS_INSTANCES = {**settings.REDIS_INSTANCES, "donor-prefs": server.url}
        instances.client.cache_clear()
        yield server
    instances.client.cache_clear()


def leave_both() -> None:
    """A message for each instance, which a crash kept from being relayed."""
    long_ago = timezone.now() - timedelta(minutes=5)
    for queue in ("thanks", "gifts"):
        body = json.dumps(gift(1)).encode()
        OutboxMessage.objects.create(queue=queue, message_id=queue, body=body, created_at=long_ago)


def test_the_outbox_of_one_is_swept_without_the_other(
    gifts: Gifts, away: Closing, caplog: pytest.LogCaptureFixture
) -> None:
    leave_both()
    tasks.sweep_outbox("frqueue")
    assert gifts.redis.llen("gifts") == 1
    assert [row.queue for row in OutboxMessage.objects.all()] == ["thanks"]
    assert "outbox: 1 messages wait for thanks" in caplog.text
    with pytest.raises(redis.ConnectionError):
        tasks.sweep_outbox("donor-prefs")
    assert OutboxMessage.objects.count() == 1


def test_what_waits_is_said_although_its_instance_is_away(
    away: Closing, caplog: pytest.LogCaptureFixture
) -> None:
    leave_both()
    with pytest.raises(redis.ConnectionError):
        tasks.sweep_outbox("donor-prefs")
    assert "1 messages wait for gifts" in caplog.text
    assert "1 messages wait for thanks" in caplog.text


def test_the_outbox_is_swept_when_its_instance_is_back(
    gifts: Gifts, away: Closing, settings: Settings
) -> None:
    leave_both()
    settings.REDIS_INSTANCES = {
        **settings.REDIS_INSTANCES,
        "donor-prefs": settings.REDIS_INSTANCES["frqueue"],
    }
    instances.client.cache_clear()
    assert outbox.sweep("donor-prefs") == outbox.sweep("frqueue") == 1
    assert gifts.redis.llen("thanks") == gifts.redis.llen("gifts") == 1
    assert outbox.waiting() == {}


def test_an_instance_that_does_not_answer_is_not_asked_for_every_message(away: Closing) -> None:
    with transaction.atomic():
        push_later("thanks", gift(1))
    asked = away.connections
    assert asked
    for number in range(2, 5):
        with transaction.atomic():
            push_later("thanks", gift(number))
    assert away.connections == asked
    assert OutboxMessage.objects.count() == 4


def test_parked_messages_of_one_come_back_without_the_other(gifts: Gifts, away: Closing) -> None:
    for queue in ("thanks", "gifts"):
        letter = DeadLetter(
            queue=queue,
            body=json.dumps(gift(1)).encode(),
            code="MISSING_PREDECESSOR",
            error="is not there yet",
            outcome=Outcome.PARK,
        )
        damaged.store(f"{queue}-damaged", [letter.dumps()])
    DamagedMessage.objects.update(retry_at=timezone.now())
    assert damaged.requeue_due("frqueue") == 1
    assert gifts.redis.llen("gifts") == 1
    statuses = dict(DamagedMessage.objects.values_list("original_queue", "status"))
    assert statuses == {"gifts": Status.RESENT, "thanks": Status.WAITING}
    assert damaged.requeue_due("donor-prefs") == 1
    assert [row.queue for row in OutboxMessage.objects.all()] == ["thanks"]
