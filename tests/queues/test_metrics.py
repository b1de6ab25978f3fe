"""The page for Prometheus: each known queue always has a value; nothing of a message is in it."""

import json
import math
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
import redis
from django.db import connections
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from queues import effects, heartbeats, instances, maintenance, metrics, probes, reserved
from queues.metrics import counts
from queues.models import DamagedMessage, OutboxMessage
from queues.mover import state
from queues.outcomes import Damaged, Drop, Park
from queues.routes import routes
from tests.queues.conftest import Gifts, gift
from tests.queues.routes import Gift
from tests.servers import Valkey, free_port
from tests.workers import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

Labels = dict[str, str]


class Page:
    """What Prometheus would read."""

    def __init__(self) -> None:
        self.text = metrics.page("fundraising").decode()
        self.families = {one.name: one for one in text_string_to_metric_families(self.text)}
        self._samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """Of one series. Raises ``KeyError`` if it is not there."""
        return self._samples[name, frozenset(labels.items())]

    def has(self, name: str) -> bool:
        """Whether there is any series of the name."""
        return any(name == known for known, _ in self._samples)

    def values(self, name: str, label: str) -> dict[str, float]:
        """Of all series of a name, by a label."""
        return {
            dict(labels)[label]: value
            for (known, labels), value in self._samples.items()
            if known == name
        }


def accept(_message: Gift) -> None:
    """A consumer that imports whatever comes."""


def pushed(seconds_ago: int, **fields: object) -> bytes:
    return json.dumps(
        gift(1, source_enqueued_time=int(time.time()) - seconds_ago, **fields)
    ).encode()


@pytest.fixture(autouse=True)
def _known_gateways(settings: Settings) -> None:
    settings.METRICS_GATEWAYS = ("adyen", "paypal")


class TestEveryQueueAlwaysHasAValue:
    def test_of_the_project(self, frqueue: redis.Redis) -> None:
        assert not frqueue.keys()
        page = Page()
        lists = {*routes(), *(f"{queue}-damaged" for queue in routes()), "periodic"}
        for name in (
            *("queue_depth", "queue_oldest_age_seconds"),
            *("reserved_messages", "reserved_deliveries"),
        ):
            assert page.values(f"fundraising_{name}", "queue") == dict.fromkeys(lists, 0.0)
        for name in ("outbox_messages", "outbox_oldest_age_seconds", "damaged_messages"):
            assert page.values(f"fundraising_{name}", "queue") == dict.fromkeys(routes(), 0.0)
        for outcome in ("done", "drop", "park", "damaged"):
            for queue in routes():
                labels = {"queue": queue, "outcome": outcome}
                assert page.value("fundraising_messages_total", **labels) == 0
                assert page.value("fundraising_message_duration_seconds_count", **labels) == 0
        assert page.value("fundraising_imported_total", queue="donations", gateway="other") == 0
        assert page.value("fundraising_redis_up", redis="donor-prefs") == 1
        assert page.value("fundraising_database_up") == 1

    def test_of_an_instance_that_is_away(self, gifts: Gifts, settings: Settings) -> None:
        gifts.push(gift(1))
        settings.REDIS_INSTANCES |= {"donor-prefs": f"redis://127.0.0.1:{free_port()}/0"}
        page = Page()
        assert page.value("fundraising_redis_up", redis="donor-prefs") == 0
        assert math.isnan(
            page.value("fundraising_queue_depth", redis="donor-prefs", queue="thanks")
        )
        assert math.isnan(page.value("fundraising_workers", redis="donor-prefs"))
        assert page.value("fundraising_redis_up", redis="frqueue") == 1
        assert page.value("fundraising_queue_depth", redis="frqueue", queue="gifts") == 1

    @pytest.mark.usefixtures("gifts")
    def test_its_counters_are_not_set_back(self, settings: Settings) -> None:
        settings.REDIS_INSTANCES |= {"donor-prefs": f"redis://127.0.0.1:{free_port()}/0"}
        assert set(Page().values("fundraising_messages_total", "queue")) == {"gifts"}

    @pytest.mark.usefixtures("gifts")
    def test_of_one_that_hangs(self, silent: str, settings: Settings) -> None:
        settings.REDIS_INSTANCES |= {"donor-prefs": silent}
        for _ in range(2):
            page = Page()
            assert page.value("fundraising_redis_up", redis="donor-prefs") == 0
            assert math.isnan(
                page.value("fundraising_queue_depth", redis="donor-prefs", queue="thanks")
            )
            assert page.value("fundraising_redis_up", redis="frqueue") == 1

    @pytest.mark.usefixtures("gifts")
    def test_without_a_database(self, monkeypatch: pytest.MonkeyPatch) -> None:
        nowhere = {**connections.settings["default"], "NAME": "/nowhere/db.sqlite3"}
        monkeypatch.setitem(connections.settings, "default", nowhere)
        probes._thread.cache_clear()  # threads that have no connection yet
        page = Page()
        probes._thread.cache_clear()
        assert page.value("fundraising_database_up") == 0
        assert math.isnan(page.value("fundraising_outbox_messages", queue="gifts"))
        labels = {"queue": "gifts", "status": "damaged"}
        assert math.isnan(page.value("fundraising_damaged_messages", **labels))
        assert math.isnan(page.value("fundraising_maintenance_window"))
        assert page.value("fundraising_queue_depth", redis="frqueue", queue="gifts") == 0


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


class TestLists:
    def test_depth_and_age_of_the_first(self, gifts: Gifts) -> None:
        gifts.push(pushed(100), pushed(5000), pushed(1))
        page = Page()
        assert page.value("fundraising_queue_depth", redis="frqueue", queue="gifts") == 3
        assert (
            100
            <= page.value("fundraising_queue_oldest_age_seconds", redis="frqueue", queue="gifts")
            < 200
        )

    def test_an_alias_counts_to_its_queue(self, gifts: Gifts, settings: Settings) -> None:
        settings.QUEUE_ALIASES = {"presents": "gifts"}
        routes.cache_clear()
        gifts.push(pushed(100), pushed(5))
        gifts.redis.rpush("presents", pushed(1000))
        page = Page()
        assert page.value("fundraising_queue_depth", redis="frqueue", queue="gifts") == 3
        assert (
            page.value("fundraising_queue_oldest_age_seconds", redis="frqueue", queue="gifts")
            >= 1000
        )
        assert "presents" not in page.text

    @pytest.mark.parametrize(
        "head",
        [
            b"\xff no json",
            b'{"source_enqueued_time": "soon"}',
            b'{"comment": "\\"source_enqueued_time\\": 1"}',
            b'{"source_enqueued_time": 1, "long": "' + b"x" * 2**20 + b'"}',
        ],
    )
    def test_one_that_does_not_say_its_time(self, gifts: Gifts, head: bytes) -> None:
        gifts.push(head)
        page = Page()
        assert page.value("fundraising_queue_depth", redis="frqueue", queue="gifts") == 1
        assert math.isnan(
            page.value("fundraising_queue_oldest_age_seconds", redis="frqueue", queue="gifts")
        )

    def test_a_time_as_text_in_the_future(self, gifts: Gifts) -> None:
        gifts.push(b'{"source_enqueued_time" : "9999999999"}')
        assert (
            Page().value("fundraising_queue_oldest_age_seconds", redis="frqueue", queue="gifts")
            == 0
        )

    def test_dead_letters_are_as_old_as_their_failure(self, gifts: Gifts) -> None:
        gifts.push(pushed(5000, gross="none", comment='"damaged_at": 1, '))
        gifts.deliver(effects.each(accept))
        page = Page()
        labels = {"redis": "frqueue", "queue": "gifts-damaged"}
        assert page.value("fundraising_queue_depth", **labels) == 1
        assert page.value("fundraising_queue_oldest_age_seconds", **labels) < 1000

    def test_nothing_of_a_message_is_on_the_page(self, gifts: Gifts) -> None:
        gifts.push(pushed(1, gateway="Leocadia", order_id="leocadia@example.org"))
        gifts.deliver(effects.each(accept))
        gifts.push(pushed(1, gateway="leocadia", comment="leocadia@example.org"))
        assert "leocadia" not in Page().text.lower()


class TestReserved:
    # More than 15 parts of an entry are counted by another form of it.
    @pytest.mark.parametrize("count", [1, 13, 14, 40])
    def test_deliveries_and_messages(self, gifts: Gifts, count: int) -> None:
        gifts.push(*(gift(number) for number in range(count + 2)))
        gifts.reserve(count)
        gifts.reserve(2)
        page = Page()
        labels = {"redis": "frqueue", "queue": "gifts"}
        assert page.value("fundraising_reserved_deliveries", **labels) == 2
        assert page.value("fundraising_reserved_messages", **labels) == count + 2
        assert page.value("fundraising_lease_overdue_seconds", redis="frqueue") == 0

    def test_a_lease_that_is_over(self, gifts: Gifts) -> None:
        gifts.push(gift(1), gift(2))
        gifts.reserve(1)
        last = gifts.reserve(1)
        assert last
        gifts.redis.zincrby(reserved.INDEX, -200, last.tag)
        assert 100 <= Page().value("fundraising_lease_overdue_seconds", redis="frqueue") < 200


class TestCounts:
    def test_each_outcome_its_duration_and_the_gateway(self, gifts: Gifts) -> None:
        verdicts = {
            "2.1": Damaged("INVALID_MESSAGE", "is wrong", "gross"),
            "3.1": Park("MISSING_PREDECESSOR", "no pending message yet"),
            "4.1": Drop("DUPLICATE_CONTRIBUTION", "is there"),
        }

        def judge(message: Gift) -> None:
            if message.order_id in verdicts:
                raise verdicts[message.order_id]

        gifts.push(*(gift(number) for number in range(1, 6)), b"\xff no json")
        gifts.push(gift(7, gateway="unheard-of"))
        gifts.deliver(effects.each(judge))
        gifts.push(gift(8, gateway="paypal"))
        gifts.deliver(effects.each(judge))
        page = Page()
        for outcome, count in {"done": 4, "drop": 1, "park": 1, "damaged": 2}.items():
            labels = {"queue": "gifts", "outcome": outcome}
            assert page.value("fundraising_messages_total", **labels) == count
            assert page.value("fundraising_message_duration_seconds_count", **labels) == count
            most = {**labels, "le": "+Inf"}
            assert page.value("fundraising_message_duration_seconds_bucket", **most) == count
            assert page.value("fundraising_message_duration_seconds_sum", **labels) > 0
        for gateway, count in {"adyen": 2, "paypal": 1, "other": 1}.items():
            labels = {"queue": "gifts", "gateway": gateway}
            assert page.value("fundraising_imported_total", **labels) == count

    def test_the_age_at_import(self, gifts: Gifts) -> None:
        gifts.push(pushed(20), pushed(400, order_id="2.1"), gift(3))
        gifts.deliver(effects.each(accept))
        page = Page()
        buckets = page.values("fundraising_message_age_seconds_bucket", "le")
        mine = {
            bound: page.value("fundraising_message_age_seconds_bucket", queue="gifts", le=bound)
            for bound in buckets
        }
        assert (mine["15"], mine["60"], mine["300"], mine["1800"], mine["+Inf"]) == (0, 1, 1, 2, 2)
        assert 420 <= page.value("fundraising_message_age_seconds_sum", queue="gifts") < 500

    def test_a_redelivery_counts_as_a_drop(self, gifts: Gifts) -> None:
        gifts.push(gift(1), gift(1))
        gifts.deliver(effects.each(accept), 1)
        gifts.deliver(effects.each(accept), 1)
        page = Page()
        assert page.value("fundraising_messages_total", queue="gifts", outcome="done") == 1
        assert page.value("fundraising_messages_total", queue="gifts", outcome="drop") == 1

    def test_what_cannot_be_counted_is_delivered_all_the_same(
        self, gifts: Gifts, caplog: pytest.LogCaptureFixture
    ) -> None:
        gifts.redis.set(counts.KEY, "no hash")
        gifts.push(gift(1), b"no json")
        gifts.deliver(effects.each(accept))
        assert "not counted: ResponseError" in caplog.text
        assert [letter.code for letter in gifts.damaged()] == ["INVALID_JSON"]
        assert reserved.held(gifts.redis) == 0


class TestTables:
    @pytest.mark.usefixtures("gifts")
    def test_the_outbox(self) -> None:
        since = timezone.now() - timedelta(minutes=7)
        for created in (since, timezone.now()):
            OutboxMessage.objects.create(queue="thanks", body=b"{}", created_at=created)
        page = Page()
        assert page.value("fundraising_outbox_messages", queue="thanks") == 2
        assert 420 <= page.value("fundraising_outbox_oldest_age_seconds", queue="thanks") < 500
        assert page.value("fundraising_outbox_messages", queue="gifts") == 0

    @pytest.mark.usefixtures("gifts")
    def test_what_waits_and_what_needs_a_person(self) -> None:
        def given(status: str, code: str, queue: str = "gifts", hours: int = 1) -> None:
            DamagedMessage.objects.create(
                status=status,
                code=code,
                original_queue=queue,
                message=b"{}",
                original_date=timezone.now(),
                damaged_date=timezone.now() - timedelta(hours=hours),
            )

        given("damaged", "INVALID_MESSAGE")
        given("damaged", "INVALID_MESSAGE", hours=5)
        given("damaged", "UNEXPECTED")
        given("waiting", "MISSING_PREDECESSOR")
        given("resent", "UNEXPECTED")
        given("damaged", "UNROUTED", queue="strange")
        page = Page()
        person = {"queue": "gifts", "status": "damaged"}
        assert page.value("fundraising_damaged_messages", **person) == 3
        assert 18000 <= page.value("fundraising_damaged_oldest_age_seconds", **person) < 18100
        assert page.value("fundraising_damaged_messages", queue="gifts", status="waiting") == 1
        assert page.value("fundraising_damaged_messages", queue="strange", status="damaged") == 1
        assert page.value("fundraising_damaged_reasons", **person, code="INVALID_MESSAGE") == 2
        assert page.values("fundraising_damaged_reasons", "code") == {
            "INVALID_MESSAGE": 2,
            "MISSING_PREDECESSOR": 1,
            "UNEXPECTED": 1,
            "UNROUTED": 1,
        }

    @pytest.mark.usefixtures("frqueue")
    def test_a_maintenance_window(self) -> None:
        assert Page().value("fundraising_maintenance_window") == 0
        maintenance.begin(reason="a new disk", by="ada", names=["frqueue"])
        page = Page()
        assert page.value("fundraising_maintenance_window") == 1
        assert page.values("fundraising_maintenance", "redis") == {"frqueue": 1, "donor-prefs": 0}

    @pytest.mark.usefixtures("frqueue")
    def test_movers(self) -> None:
        state.record("orders", {"failing": True, "lag_seconds": 12.5}, events=7, set_aside=1)
        page = Page()
        assert page.value("fundraising_mover_running", job="orders") == 1
        assert page.value("fundraising_mover_failing", job="orders") == 1
        assert page.value("fundraising_mover_lag_seconds", job="orders") == 12.5
        assert math.isnan(page.value("fundraising_mover_backlog_events", job="orders"))
        assert page.value("fundraising_mover_events_total", job="orders") == 7
        assert page.value("fundraising_mover_set_aside_total", job="orders") == 1


def test_a_sequence_and_the_highest_number_in_use(frqueue: redis.Redis) -> None:
    frqueue.set("sequence_contribution-tracking", 100)
    page = Page()
    assert page.value("fundraising_sequence_counter", sequence="contribution-tracking") == 100
    assert page.value("fundraising_sequence_ahead", sequence="contribution-tracking") == 100


def test_who_works_on_an_instance(frqueue: redis.Redis) -> None:
    heartbeats.tell(frqueue, "one@host")
    heartbeats.tell(frqueue, "gone@host")
    frqueue.zincrby(heartbeats.KEY, -70, "gone@host")
    heartbeats.tell(instances.client("donor-prefs"), "beat@donor-prefs")
    page = Page()
    assert page.values("fundraising_workers", "redis") == {"frqueue": 1, "donor-prefs": 0}
    ages = page.values("fundraising_beat_age_seconds", "redis")
    assert ages["donor-prefs"] < 60
    assert ages["frqueue"] == math.inf


def test_how_far_replicas_are(frqueue: redis.Redis, valkey: Valkey) -> None:
    page = Page()
    assert page.value("fundraising_replicas", redis="frqueue") == 0
    assert not page.has("fundraising_replica_lag_bytes")
    frqueue.config_set("repl-diskless-sync-delay", 0)
    with Valkey(replicaof=f"127.0.0.1 {valkey.port}") as replica:
        client = replica.client()
        wait_for(lambda: client.info("replication")["master_link_status"] == "up", "the replica")
        name = f"127.0.0.1:{replica.port}"
        page = wait_for(
            lambda: (page := Page()).has("fundraising_replica_online") and page, "it is on the page"
        )
        assert page.value("fundraising_replicas", redis="frqueue") == 1
        assert page.value("fundraising_replica_online", redis="frqueue", replica=name) == 1
        assert page.value("fundraising_replica_lag_bytes", redis="frqueue", replica=name) >= 0
        assert page.value("fundraising_replica_silent_seconds", redis="frqueue", replica=name) >= 0
        assert page.value("fundraising_redis_is_master", redis="frqueue") == 1
