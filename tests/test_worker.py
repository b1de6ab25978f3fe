"""A real worker from end to end: what is pushed on Redis lists becomes rows of the database."""

import json
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from fundraising.crm.models import Contribution
from fundraising.pending.models import PendingTransaction
from fundraising.tracking.models import ContributionTracking
from queues import instances, push
from queues.models import DamagedMessage, InboxMark, OutboxMessage
from tests.crm.imports import Message, donation
from tests.workers import Stand, Worker, sqlite_stand, wait_for

# Neither the damaged queues nor `periodic`: the first come along, the second does not.
QUEUES = "--queues=donations,pending,contribution-tracking"


@pytest.fixture(scope="module")
def stand(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[Stand]:
    with django_db_blocker.unblock(), sqlite_stand(tmp_path_factory.mktemp("database")) as stand:
        yield stand


@pytest.fixture(scope="module")
def worker(stand: Stand) -> Iterator[Worker]:
    with stand.worker(QUEUES, QUEUE_ALIASES="gifts=donations") as worker:
        yield worker


def contribution(message: Message) -> Contribution:
    """The contribution of a message, once it is there."""
    rows = Contribution.objects.filter(gateway_txn_id=message["gateway_txn_id"])
    return wait_for(rows.first, "the contribution")


def test_a_raw_donation_becomes_a_contribution_that_its_visit_knows(
    stand: Stand, worker: Worker
) -> None:
    message = donation()
    stand.redis.rpush("donations", json.dumps(message))
    row = contribution(message)
    assert row.source == "USD 12.00"
    visits = ContributionTracking.objects.filter(pk=message["contribution_tracking_id"])
    visit = wait_for(visits.first, "the visit")
    assert visit.contribution_id == row.pk


def test_a_pending_transaction_completes_a_sparse_donation_and_is_resolved(
    stand: Stand, worker: Worker
) -> None:
    whole = donation()
    entered = whole | {"gateway_txn_id": False}
    stand.redis.rpush("pending", json.dumps(entered))
    rows = PendingTransaction.objects.filter(order_id=whole["order_id"])
    assert not wait_for(rows.first, "the pending transaction").is_resolved
    names = ("gateway", "gateway_txn_id", "order_id", "currency", "gross", "date")
    sparse = {name: whole[name] for name in names} | {"completion_message_id": "adyen-1"}
    stand.redis.rpush("donations", json.dumps(sparse))
    assert contribution(whole).contact.last_name == whole["last_name"]
    assert rows.get().is_resolved


def test_what_is_pushed_in_python_arrives(stand: Stand, worker: Worker, settings: Settings) -> None:
    settings.REDIS_INSTANCES = {"frqueue": stand.broker.url}
    instances.client.cache_clear()
    message = donation()
    message_id = push("donations", message)
    instances.client.cache_clear()
    assert contribution(message).message_id == message_id


def test_junk_is_kept_for_a_person_by_the_same_worker(stand: Stand, worker: Worker) -> None:
    junk, good = b"\xff no message \x00", donation()
    stand.redis.rpush("donations", junk, json.dumps(good))
    kept = wait_for(DamagedMessage.objects.first, "the damaged message")
    assert (kept.body, kept.code, kept.original_queue) == (junk, "INVALID_JSON", "donations")
    assert contribution(good)


def test_an_alias_is_its_queue(stand: Stand, worker: Worker) -> None:
    first, second = donation(message_id="alias-1"), donation()
    stand.redis.rpush("gifts", json.dumps(first), b"junk of gifts")
    assert contribution(first).message_id == "alias-1"
    damaged = DamagedMessage.objects.filter(message=b"junk of gifts")
    assert wait_for(damaged.first, "the damaged message").original_queue == "donations"
    stand.redis.rpush("donations", json.dumps(first), json.dumps(second))
    assert contribution(second)
    rows = Contribution.objects.filter(gateway_txn_id=first["gateway_txn_id"])
    assert rows.count() == 1
    assert InboxMark.objects.filter(key="alias-1").get().queue == "donations"
    wait_for(lambda: "donations drop DUPLICATE_MESSAGE message_id=alias-1" in worker.log(), "it")


def test_sigterm_under_load_ends_the_worker_soon_and_leaves_nothing_in_hand(
    stand: Stand, worker: Worker
) -> None:
    """The last test of the module: its worker is gone then."""
    messages = [donation() for _ in range(400)]
    stand.redis.rpush("donations", *map(json.dumps, messages))
    wanted = Contribution.objects.filter(
        gateway_txn_id__in=[message["gateway_txn_id"] for message in messages]
    )
    wait_for(wanted.exists, "the first of them")
    assert worker.stop() == 0
    assert stand.held() == {}
    left = int(stand.redis.llen("donations"))
    assert wanted.count() + left == len(messages)
    links = int(stand.redis.llen("contribution-tracking")) + OutboxMessage.objects.count()
    linked = ContributionTracking.objects.filter(contribution__in=wanted).count()
    assert links + linked == wanted.count()
