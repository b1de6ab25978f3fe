"""Pushing: plain JSON with an envelope, straight or through the outbox."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

import queues
from queues import instances, outbox, wire
from queues.models import OutboxMessage
from queues.producer import PushError
from tests.queues.conftest import Gifts, gift


def test_push_writes_plain_json_at_the_tail(gifts: Gifts) -> None:
    first = queues.push("gifts", gift(1, gross=Decimal("12.10")))
    queues.push("gifts", gift(2, message_id="mine", source_name="old"))
    one, two = (json.loads(body) for body in gifts.redis.lrange("gifts", 0, -1))
    assert (one["message_id"], one["gross"]) == (first, "12.10")
    assert (two["message_id"], two["source_name"]) == ("mine", "fundraising")
    assert set(one) >= set(queues.messages.SOURCE_FIELDS)


def test_push_says_clearly_what_is_wrong(gifts: Gifts, settings: Settings) -> None:
    with pytest.raises(KeyError, match="nowhere"):
        queues.push("nowhere", {})
    with pytest.raises(ValueError, match="JSON"):
        queues.push("gifts", {"gross": float("nan")})
    settings.REDIS_INSTANCES = {"frqueue": "redis://127.0.0.1:1/0"}
    instances.client.cache_clear()
    with pytest.raises(PushError, match="gifts on frqueue"):
        queues.push("gifts", gift(1))


@pytest.mark.django_db(transaction=True)
def test_push_later_waits_for_the_commit(gifts: Gifts) -> None:
    with transaction.atomic():
        outbox.push_later_many("gifts", [gift(number) for number in range(3)])
        assert gifts.redis.llen("gifts") == 0
    assert gifts.redis.llen("gifts") == 3
    with transaction.atomic():
        outbox.push_later("gifts", gift(9))
        transaction.set_rollback(True)
    assert gifts.redis.llen("gifts") == 3
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_redis_did_not_take_is_swept_later(gifts: Gifts, settings: Settings) -> None:
    here = dict(settings.REDIS_INSTANCES)
    settings.REDIS_INSTANCES = {"frqueue": "redis://127.0.0.1:1/0"}
    instances.client.cache_clear()
    with transaction.atomic():
        outbox.push_later("gifts", gift(1))
    settings.REDIS_INSTANCES = here
    instances.client.cache_clear()
    assert outbox.sweep("frqueue") == 0
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert outbox.sweep("frqueue") == 1
    (body,) = gifts.redis.lrange("gifts", 0, -1)
    assert wire.parse(body, 10**6)["order_id"] == "1.1"
