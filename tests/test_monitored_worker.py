"""A real worker and its beat: what they write into the log, and their heartbeats."""

import json
from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from queues import heartbeats
from tests.crm.imports import donation
from tests.workers import Stand, Worker, sqlite_stand, wait_for

pytestmark = pytest.mark.proof

BEAT = heartbeats.of_beat("frqueue")


@pytest.fixture(scope="module")
def stand(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[Stand]:
    with django_db_blocker.unblock(), sqlite_stand(tmp_path_factory.mktemp("database")) as stand:
        yield stand


@pytest.fixture(scope="module")
def worker(stand: Stand) -> Iterator[Worker]:
    schedule = f"--schedule={stand.broker.data_dir}/schedule"
    with stand.worker("--beat", schedule, LOG_FORMAT="json", LOG_LEVEL="INFO") as worker:
        yield worker


def test_every_line_is_json_and_nothing_of_a_donor_is_in_it(stand: Stand, worker: Worker) -> None:
    whole = donation(first_name="Leocadia", source_enqueued_time=1772366400, message_id="whole")
    wrong = donation(first_name="Leocadia", gross="none", message_id="wrong")
    lone = {"email": "leocadia@example.org", "contact_id": "1", "message_id": "lone"}
    stand.redis.rpush("donations", json.dumps(whole), json.dumps(wrong), b'"leocadia@example.org')
    stand.redis.rpush("unsubscribe", json.dumps(lone))
    stand.redis.rpush("periodic", b'{"properties": {}, "body": "Leocadia", "headers": {}}')
    wait_for(lambda: stand.is_at_rest() and "stored" in worker.log(), "all came to their end")
    lines = [json.loads(line) for line in worker.log().splitlines()]
    told = {line["message_id"]: line for line in lines if "message_id" in line}
    assert (
        told["whole"].items()
        >= {
            "queue": "donations",
            "outcome": "done",
            "gateway": "adyen",
            "order_id": whole["order_id"],
        }.items()
    )
    assert told["whole"]["age"] > 0
    assert told["whole"]["duration"] > 0
    assert (
        told["wrong"].items()
        >= {
            "outcome": "damaged",
            "code": "INVALID_MESSAGE",
            "field": "gross",
        }.items()
    )
    assert "lone" in told
    assert {line["code"] for line in told.values() if "code" in line} >= {"INVALID_JSON"}
    text = worker.log().lower()
    assert [word for word in ("leocadia", "example.org", "donor", "visa") if word in text] == []


def test_it_beats_whether_or_not_redis_is_there_and_takes_leave(
    stand: Stand, worker: Worker
) -> None:
    def beat_at(name: str) -> float:
        path = worker.heartbeats / name
        return path.stat().st_mtime if path.exists() else 0

    wait_for(lambda: beat_at(worker.name) and beat_at(BEAT), "the files are there")
    wait_for(lambda: set(heartbeats.seen(stand.redis, 60)) == {worker.name, BEAT}, "both were seen")
    stand.broker.kill9()
    wait_for(lambda: "Connection to broker lost" in worker.log(), "the worker knows")
    before = beat_at(worker.name), beat_at(BEAT)
    wait_for(lambda: beat_at(worker.name) > before[0], "cut off from Redis it beats as well")
    wait_for(lambda: beat_at(BEAT) > before[1], "and beat does")
    stand.broker.start()
    stand.forget_connection()
    stand.redis.delete(heartbeats.KEY)
    wait_for(lambda: worker.name in heartbeats.seen(stand.redis, 60), "it is seen again")
    assert worker.stop() == 0
    assert worker.name not in heartbeats.seen(stand.redis, 60)
    assert beat_at(worker.name) == 0
