"""The commands of maintenance windows, killed at every step, and workers that connect meanwhile.

    pytest -m proof tests/proofs/test_maintenance_killed.py -s

MAINTENANCE_STEPS (1, in CI 7) says that every step, or each seventh, is tried.
"""

# ruff: noqa: T201  the figures
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from queues import draining, instances, maintenance
from queues.models import MaintenanceWindow
from tests.proofs import books, killing
from tests.proofs.windows import BOTH, seen
from tests.workers import Stand

EACH = books.size("MAINTENANCE_STEPS", whole=1, short=7)

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]


@pytest.fixture(autouse=True)
def place(stand: Stand, settings: Settings) -> Iterator[Stand]:
    with seen(stand, settings) as place:
        yield place


def run(*arguments: str) -> None:
    """``manage.py maintenance``, in this process. Raises CommandError."""
    call_command("maintenance", *arguments, stdout=StringIO())


def agreed() -> bool:
    """Whether the keys are as the row says."""
    opened = maintenance.window()
    held = [maintenance.held(instances.client(name)) for name in BOTH]
    return all((each.window if each else None) == (opened.pk if opened else None) for each in held)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No workers are there to wait for."""
    monkeypatch.setattr(draining, "PATIENCE", 0.02)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("repaired", ["run again", "by a worker that connects"])
@pytest.mark.parametrize("action", ["begin", "end"])
def test_killed_at_any_step(action: str, repaired: str) -> None:
    arguments = ["begin", "--reason", "a restart"] if action == "begin" else ["end"]
    kills = 0
    for step in range(1, 1000, EACH):
        if action == "end":
            run("begin", "--reason", "a restart")
        if not killing.killed_at(step, lambda: run(*arguments)):
            break
        kills += 1
        assert MaintenanceWindow.objects.filter(until=None).count() <= 1
        if repaired == "run again":
            run(*arguments)
            assert (maintenance.window() is not None) == (action == "begin")
        else:
            for name in BOTH:
                maintenance.agree(name)
        assert agreed(), f"killed at step {step}"
        run("end")
        assert maintenance.window() is None
        assert agreed()
    assert agreed()
    print(f"\n{action}: killed {kills} times")
    assert kills > 1


def test_workers_connect_while_windows_begin_and_end() -> None:
    with killing.looping(lambda: maintenance.agree("frqueue"), processes=3):
        for _ in range(30):
            maintenance.begin(reason="a restart", by="ada")
            assert maintenance.held(instances.client("frqueue"))
            maintenance.end(by="ada")
    assert agreed()
    assert MaintenanceWindow.objects.filter(until=None).count() == 0
