"""What the proofs of maintenance windows need: traffic, staff, a watch, the command."""

# ruff: noqa: T201  the figures
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import redis
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from queues import damaged, instances, outbox, reserved
from queues.deadletter import DeadLetter, damaged_queue
from queues.models import DamagedMessage, OutboxMessage
from tests.proofs import books
from tests.proofs.producer import Producer
from tests.servers import Server
from tests.workers import ROOT, Stand

BOTH = ("frqueue", "donor-prefs")


@contextmanager
def seen(stand: Stand, settings: Settings) -> Iterator[Stand]:
    """The instances of a stand are this process's too, and staff speak plain HTTP."""
    settings.SECURE_SSL_REDIRECT = False
    urls = stand.environment
    settings.REDIS_INSTANCES = dict(
        zip(BOTH, (urls["FRQUEUE_URL"], urls["DONOR_PREFS_URL"]), strict=True)
    )
    instances.client.cache_clear()
    yield stand
    instances.client.cache_clear()


class Persistent(Producer):
    """Pushes each donation until Redis answers, as a payment front end does."""

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand, most=0, waiting=0, pause=0.008)
        #: Pushes that were not answered, and done again.
        self.refused = 0

    def run(self) -> None:
        while not self._is_over.wait(self._pause):
            message = books.donation()
            while not self._is_pushed(message):
                self.refused += 1
                time.sleep(0.05)
            self.acknowledged.append(message)

    def _is_pushed(self, message: dict[str, Any]) -> bool:
        try:
            self._client.rpush(books.QUEUE, books.wire(message))
        except redis.ConnectionError:
            return False
        return True


class Watch(threading.Thread):
    """Looks at a held Redis all the time, whenever it answers."""

    def __init__(self, server: Server) -> None:
        super().__init__(name="watch")
        self._client, self._is_over = server.client(), threading.Event()
        self.looks = self.without_key = 0
        #: The lists of which something was reserved; answers to `celery inspect` pass through.
        self.reserved: set[str] = set()

    def run(self) -> None:
        while not self._is_over.wait(0.002):
            try:
                self._look()
            except redis.ConnectionError:
                continue

    def _look(self) -> None:
        key, in_hand = self._client.exists(reserved.MAINTENANCE), reserved.tags(self._client)
        self.looks += 1
        self.without_key += not key
        for tag in in_hand:
            content = reserved.messages(self._client, tag)
            if content is not None and not content[0].endswith(".pidbox"):
                self.reserved.add(content[0])

    def end(self) -> None:
        """Look no more."""
        self._is_over.set()
        self.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Timeline:
    """When what happened, in seconds since the first of it."""

    def __init__(self) -> None:
        self._began: float | None = None
        self.lines: list[str] = []

    def note(self, what: str) -> None:
        now = time.monotonic()
        self._began = self._began or now
        self.lines.append(f"{now - self._began:7.1f} s  {what}")

    def show(self) -> None:
        print("\n" + "\n".join(self.lines))


def command(stand: Stand, *arguments: str) -> tuple[int, str]:
    """``manage.py maintenance`` as a process of its own: its exit status and output."""
    words = [sys.executable, "manage.py", "maintenance", *arguments]
    ran = subprocess.run(
        words, cwd=ROOT, env=stand.environment, capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout + ran.stderr


def begin(stand: Stand) -> None:
    status, output = command(stand, "begin", "--reason", "a restart", "--timeout", "60")
    assert status == 0, output


def end(stand: Stand) -> None:
    status, output = command(stand, "end")
    assert status == 0, output


def set_aside(message: dict[str, Any]) -> DamagedMessage:
    """A donation that waits for a person."""
    letter = DeadLetter(
        queue=books.QUEUE,
        body=books.wire(message),
        message_key=message["message_id"],
        code="INCONSISTENT",
        error="for a person",
    )
    damaged.store(damaged_queue(books.QUEUE), [letter.dumps()])
    return DamagedMessage.objects.get(message_id=message["message_id"])


class Staff:
    """Somebody who sends damaged messages again, by a browser."""

    def __init__(self) -> None:
        self._client = Client()
        user = User.objects.create_user("staff", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="queues"))
        self._client.force_login(user)

    def send_again(self, row: DamagedMessage) -> int:
        data = {"pk": [row.pk], "reason": "again"}
        url = reverse("admin:queues_damagedmessage_resend")
        return int(self._client.post(url, data).status_code)


def enqueued() -> tuple[object, ...]:
    """All that staff could have added to."""
    statuses = DamagedMessage.objects.order_by("pk").values_list("status", flat=True)
    return OutboxMessage.objects.count(), *statuses


def push_by_outbox(message: dict[str, Any]) -> None:
    """As a webhook does that goes to the outbox."""
    with transaction.atomic():
        outbox.push_later(books.QUEUE, message)
