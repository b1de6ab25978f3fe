"""What probes and Prometheus ask of the web process."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis
from django.db import connections
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from queues import heartbeats, instances, maintenance, probes
from tests.servers import free_port

pytestmark = pytest.mark.django_db(transaction=True)

INSTANCES = ("frqueue", "donor-prefs")


@pytest.fixture(autouse=True)
def workers(frqueue: redis.Redis) -> None:
    """Each instance has one."""
    for name in INSTANCES:
        heartbeats.tell(instances.client(name), f"worker@{name}")


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"redis://:secret@127.0.0.1:{server.getsockname()[1]}/0"


class TestReady:
    def ask(self, client: Client, status: int) -> dict[str, str]:
        response = client.get("/readyz")
        assert response.status_code == status
        assert response["Content-Type"] == "application/json"
        assert "no-store" in response["Cache-Control"]
        lines = response.content.decode().splitlines()
        words: dict[str, str] = json.loads(response.content)
        assert len(lines) == len(words) + 2
        return words

    def test_when_all_is_there(self, client: Client) -> None:
        assert self.ask(client, 200) == {
            "ready": True,
            "database": "ok",
            "frqueue": "ok",
            "workers of frqueue": "1 seen",
            "donor-prefs": "ok",
            "workers of donor-prefs": "1 seen",
            "maintenance": "no window",
        }

    @pytest.mark.parametrize("name", INSTANCES)
    def test_not_without_the_workers_of_an_instance(self, client: Client, name: str) -> None:
        redis_ = instances.client(name)
        redis_.delete(heartbeats.KEY)
        heartbeats.tell(redis_, heartbeats.of_beat(name))
        words = self.ask(client, 503)
        assert words[name] == "ok"
        assert words[f"workers of {name}"] == "none in 60 s"

    @pytest.mark.parametrize("name", INSTANCES)
    def test_not_without_an_instance(self, client: Client, settings: Settings, name: str) -> None:
        away = f"redis://:secret@127.0.0.1:{free_port()}/0"
        settings.REDIS_INSTANCES = {**settings.REDIS_INSTANCES, name: away}
        words = self.ask(client, 503)
        assert words[name] == "no answer: ConnectionError"
        assert words[f"workers of {name}"] == "not known"
        assert words["database"] == "ok"

    def test_not_with_one_that_hangs(self, client: Client, settings: Settings, silent: str) -> None:
        settings.REDIS_INSTANCES = {**settings.REDIS_INSTANCES, "donor-prefs": silent}
        words = self.ask(client, 503)
        assert words["donor-prefs"].startswith("no answer")
        assert words["frqueue"] == "ok"
        assert "secret" not in str(words)

    def test_not_without_a_database(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        nowhere = {**connections.settings["default"], "NAME": "/nowhere/db.sqlite3"}
        monkeypatch.setitem(connections.settings, "default", nowhere)
        probes._thread.cache_clear()  # threads that have no connection yet
        words = self.ask(client, 503)
        probes._thread.cache_clear()
        assert words["database"] == "no answer: OperationalError"
        assert words["maintenance"] == "not known"
        assert words["frqueue"] == "ok"

    def test_a_maintenance_window_is_told_and_no_fault(self, client: Client) -> None:
        maintenance.begin(reason="a new disk", by="ada", names=["frqueue"])
        words = self.ask(client, 200)
        assert words["maintenance"].startswith("a window is open since 2")
        assert words["maintenance"].endswith(" UTC: frqueue")


class TestMetrics:
    def test_are_given_for_the_token(self, client: Client, settings: Settings) -> None:
        settings.PRODUCTION, settings.METRICS_TOKEN = True, "s3cret"
        response = client.get("/metrics", headers={"Authorization": "Bearer s3cret"})
        assert response.status_code == 200
        names = {one.name for one in text_string_to_metric_families(response.content.decode())}
        assert {"fundraising_queue_depth", "fundraising_pending_unresolved"} <= names

    @pytest.mark.parametrize(
        "said", ["", "Bearer", "Bearer ", "Bearer other", "s3cret", "Bearer é"]
    )
    @pytest.mark.parametrize("production", [True, False])
    def test_and_for_nothing_else(
        self, client: Client, settings: Settings, production: bool, said: str
    ) -> None:
        settings.PRODUCTION, settings.METRICS_TOKEN = production, "s3cret"
        response = client.get("/metrics", headers={"Authorization": said})
        assert response.status_code == 403
        assert b"queues_" not in response.content

    def test_without_a_token_only_outside_production(
        self, client: Client, settings: Settings
    ) -> None:
        settings.METRICS_TOKEN = ""
        settings.PRODUCTION = False
        assert client.get("/metrics").status_code == 200
        settings.PRODUCTION = True
        assert client.get("/metrics").status_code == 403
        assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 403


class TestAll:
    @pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
    def test_speak_plain_http_to_who_is_inside(
        self, client: Client, settings: Settings, path: str
    ) -> None:
        settings.SECURE_SSL_REDIRECT = True
        assert client.get(path).status_code == 200
        assert client.post(path).status_code == 405

    def test_the_process_is_well_whatever_is_away(self, client: Client, settings: Settings) -> None:
        settings.REDIS_INSTANCES = dict.fromkeys(INSTANCES, f"redis://127.0.0.1:{free_port()}/0")
        response = client.get("/healthz")
        assert (response.status_code, response.content) == (200, b"ok\n")
