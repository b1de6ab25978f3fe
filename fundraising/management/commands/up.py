"""``manage.py up``: the whole system on this machine, for trying it out."""

import fcntl
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.management.utils import get_random_secret_key
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fundraising.stack import programs, valkey
from fundraising.stack.ports import HOST, answers, free_port
from fundraising.stack.processes import Keeper

# Instance, the variable that names its server, and the port that settings expect it on.
INSTANCES = (("frqueue", "FRQUEUE_URL", 6379), ("donor-prefs", "DONOR_PREFS_URL", 6380))
COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green")
# Seconds: a worker finishes what it is at; Valkey writes its log.
PATIENCE = 20.0


class Command(BaseCommand):
    """Keeps all processes running until Ctrl-C or SIGTERM."""

    help = "Run the whole system here: two Valkey servers, admin, workers, beat, Flower."
    requires_system_checks = ()

    def handle(self, *_args: object, **_options: object) -> None:
        """Start everything, keep it running, end it in order."""
        self.console = Console()
        self.colours: dict[str, str] = {}
        stop = _asked_to_stop()
        var: Path = settings.VAR_DIR
        var.mkdir(exist_ok=True)
        with _alone(var / "up.lock"):
            servers, applications = Keeper(self._line), Keeper(self._line)
            try:
                addresses = self._start_servers(servers, var, stop)
                password = self._prepare(var)
                addresses |= self._start_applications(applications, var)
                self._say(addresses, password)
                while not stop.wait(1):
                    servers.tend()
                    applications.tend()
                self.console.print("Stopping; once more to stop at once.")
            finally:
                applications.stop(PATIENCE)
                servers.stop(PATIENCE)
        self.console.print("All stopped.")

    def _start_servers(self, servers: Keeper, var: Path, stop: Event) -> dict[str, str]:
        """The Redis servers that the environment does not name; the URLs of all."""
        addresses: dict[str, str] = {}
        ports: list[int] = []
        for instance, variable, preferred in INSTANCES:
            if variable in os.environ or f"{variable}_FILE" in os.environ:
                addresses[instance] = f"as {variable} says"
                continue
            port = free_port(preferred, ports)
            servers.start(valkey.server(instance, port, var / instance))
            os.environ[variable] = addresses[instance] = valkey.url(port)
            ports.append(port)
        self._wait(ports, stop)
        return addresses

    def _prepare(self, var: Path) -> str:
        """Database, static files and keys; the password of the superuser if one was made."""
        secret_key = var / "secret_key"
        if not secret_key.exists():
            secret_key.touch(mode=0o600)
            secret_key.write_text(get_random_secret_key())
        os.environ.setdefault("SECRET_KEY", secret_key.read_text())
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        users = get_user_model()._default_manager
        if users.filter(is_superuser=True).exists():
            return ""
        password = secrets.token_urlsafe(12)
        users.create_superuser(username="admin", email="", password=password)
        return password

    def _start_applications(self, applications: Keeper, var: Path) -> dict[str, str]:
        web, flower = free_port(8000), free_port(5555)
        for program in (
            programs.web(web),
            programs.worker("frqueue-worker"),
            programs.worker("donor-prefs-worker", programs.DONOR_PREFS, concurrency=1),
            programs.beat("frqueue-beat", str(var / "beat-frqueue")),
            programs.beat("donor-prefs-beat", str(var / "beat-donor-prefs"), programs.DONOR_PREFS),
            programs.flower(flower),
        ):
            applications.start(program)
        return {
            "admin": f"http://{HOST}:{web}/admin/",
            "Flower": f"http://{HOST}:{flower}/",
            "database": settings.DATABASES["default"]["NAME"],
        }

    def _wait(self, ports: list[int], stop: Event) -> None:
        deadline = time.monotonic() + 20
        while not all(answers(port) for port in ports):
            if stop.wait(0.05):
                raise CommandError("stopped")
            if time.monotonic() > deadline:
                raise CommandError("the embedded servers did not start: see server.log in var/")

    def _say(self, addresses: dict[str, str], password: str) -> None:
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        for name, address in addresses.items():
            table.add_row(Text(name, style="bold"), str(address))
        if password:
            note = "(shown this once; `manage.py changepassword admin` sets another)"
            table.add_row(Text("login", style="bold"), f"admin  {password}  {note}")
        table.add_row(Text("stop", style="bold"), "Ctrl-C")
        self.console.print(table)

    def _line(self, name: str, line: str) -> None:
        colour = self.colours.setdefault(name, COLOURS[len(self.colours) % len(COLOURS)])
        self.console.print(Text.assemble((f"{name:>18} | ", colour), line), soft_wrap=True)


def _asked_to_stop() -> Event:
    """Set by Ctrl-C, SIGTERM or the end of the terminal; the second time exits at once.

    At once is safe: the kernel ends the children, and what they held is still in Redis.
    """
    asked = Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            sys.exit(128 + number)
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    return asked


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two servers on one append-only file would ruin it."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError("it runs already, from this directory") from error
        yield
