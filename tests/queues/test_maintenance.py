"""A maintenance window: its row, the keys on the instances, and how the two are made to agree."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from io import StringIO
from pathlib import Path

import pytest
import redis
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from queues import draining, instances, maintenance, reserved
from queues.beat import Scheduler
from queues.celery import PERIODIC_QUEUE, make_app
from queues.models import MaintenanceWindow
from tests.queues.conftest import Gifts, gift
from tests.servers import free_port

BOTH = ["donor-prefs", "frqueue"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hasty(frqueue: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """No workers are there to wait for."""
    monkeypatch.setattr(draining, "PATIENCE", 0.1)


@pytest.fixture
def donor_prefs(frqueue: redis.Redis) -> redis.Redis:
    return instances.client("donor-prefs")


@pytest.fixture
def without_donor_prefs(frqueue: redis.Redis, settings: Settings) -> Iterator[None]:
    """That instance does not answer."""
    there = settings.REDIS_INSTANCES
    settings.REDIS_INSTANCES = {**there, "donor-prefs": f"redis://127.0.0.1:{free_port()}/0"}
    instances.client.cache_clear()
    yield
    instances.client.cache_clear()


def begin(*names: str) -> MaintenanceWindow:
    return maintenance.begin(reason="new disk", by="ada@ops", names=names)


def holder(client: redis.Redis) -> int | None:
    """The window that holds an instance."""
    held = maintenance.held(client)
    return held.window if held else None


def test_a_window_stands_in_the_database_and_on_each_instance(
    frqueue: redis.Redis, donor_prefs: redis.Redis
) -> None:
    opened = begin()
    assert maintenance.window() == opened
    assert opened.instances == BOTH
    expected = maintenance.Held(opened.since.isoformat(), "ada@ops", "new disk", opened.pk)
    assert maintenance.held(frqueue) == maintenance.held(donor_prefs) == expected
    maintenance.end(by="bob@ops")
    row = MaintenanceWindow.objects.get()
    assert row.until is not None
    assert (row.by, row.ended_by) == ("ada@ops", "bob@ops")
    assert maintenance.window() is None
    assert maintenance.held(frqueue) is maintenance.held(donor_prefs) is None


def test_beginning_again_goes_on_with_the_window_and_its_lost_keys(frqueue: redis.Redis) -> None:
    opened = begin()
    frqueue.delete(reserved.MAINTENANCE)
    again = maintenance.begin(reason="another", by="bob@ops")
    assert (again.pk, again.reason, again.by) == (opened.pk, "new disk", "ada@ops")
    assert holder(frqueue) == opened.pk


def test_one_instance_alone_is_held_and_no_second_window_is_opened(
    frqueue: redis.Redis, donor_prefs: redis.Redis
) -> None:
    opened = begin("frqueue")
    assert (holder(frqueue), holder(donor_prefs)) == (opened.pk, None)
    with pytest.raises(maintenance.Refused, match="a window of frqueue is open"):
        begin()
    assert MaintenanceWindow.objects.count() == 1
    assert maintenance.end(by="ada@ops") == opened
    assert holder(frqueue) is None


@pytest.mark.usefixtures("without_donor_prefs")
def test_an_instance_that_is_away_is_held_later_and_keeps_the_window_open(
    frqueue: redis.Redis, settings: Settings
) -> None:
    opened = begin()
    assert holder(frqueue) == opened.pk
    with pytest.raises(maintenance.Refused, match="donor-prefs does not answer"):
        maintenance.end(by="ada@ops")
    assert maintenance.window() == opened
    assert holder(frqueue) == opened.pk


def test_a_worker_that_connects_makes_the_key_agree_with_the_row(
    frqueue: redis.Redis, donor_prefs: redis.Redis
) -> None:
    opened = begin("frqueue")
    frqueue.delete(reserved.MAINTENANCE)
    for name in BOTH:
        maintenance.agree(name)
    assert (holder(frqueue), holder(donor_prefs)) == (opened.pk, None)
    left_behind = frqueue.dump(reserved.MAINTENANCE)
    maintenance.end(by="ada@ops")
    frqueue.restore(reserved.MAINTENANCE, 0, left_behind)
    maintenance.agree("frqueue")
    assert holder(frqueue) is None
    # Of a window that is not in this database, restored from a backup perhaps, nobody knows.
    frqueue.restore(reserved.MAINTENANCE, 0, left_behind)
    MaintenanceWindow.objects.all().delete()
    maintenance.agree("frqueue")
    assert holder(frqueue) == opened.pk
    assert maintenance.end(by="ada@ops") is None
    assert holder(frqueue) is None


def test_an_instance_can_be_held_by_hand(frqueue: redis.Redis) -> None:
    frqueue.hset(reserved.MAINTENANCE, mapping={"by": "ada", "window": "mine"})
    maintenance.agree("frqueue")
    assert maintenance.held(frqueue) == maintenance.Held("", "ada", "", 0)
    maintenance.end(by="ada@ops")
    assert maintenance.held(frqueue) is None


def test_commands_that_charge_or_send_refuse_in_a_window(frqueue: redis.Redis) -> None:
    maintenance.demand_no_window()
    begin("donor-prefs")
    with pytest.raises(CommandError, match=r"open since .* by ada@ops: new disk"):
        maintenance.demand_no_window()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Callable[[str], Scheduler]]:
    """Beat of an instance, with one job that is due all the time."""
    with ExitStack() as stack:

        def make(name: str) -> Scheduler:
            app = make_app("beat", name, default=False)
            assert app.conf.redis_instance == name  # configured by now
            app.conf.beat_schedule = {
                "mend": {"task": "queues.requeue_due", "schedule": 0.001, "args": [name]}
            }
            made = Scheduler(app, schedule_filename=str(tmp_path / "schedule"))
            return stack.enter_context(closing(made))

        yield make


def test_beat_sends_nothing_while_held_and_once_after_it(
    frqueue: redis.Redis, scheduler: Callable[[str], Scheduler]
) -> None:
    beat = scheduler("frqueue")
    begin("frqueue")
    assert all(beat.tick() > 0 for _ in range(20))
    assert frqueue.llen(PERIODIC_QUEUE) == 0
    maintenance.end(by="ada@ops")
    while not frqueue.llen(PERIODIC_QUEUE):
        beat.tick()
    assert frqueue.llen(PERIODIC_QUEUE) == beat.schedule["mend"].total_run_count == 1


@pytest.mark.usefixtures("without_donor_prefs")
def test_beat_keeps_what_is_due_while_its_redis_is_away(
    scheduler: Callable[[str], Scheduler],
) -> None:
    beat = scheduler("donor-prefs")
    assert all(beat.tick() > 0 for _ in range(3))
    assert beat.schedule["mend"].total_run_count == 0


# The command


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit status and output of ``manage.py maintenance``."""
    out, err, status = StringIO(), StringIO(), 0
    try:
        call_command("maintenance", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        status = error.returncode
        err.write(str(error))
    except SystemExit as done:
        status = int(str(done.code))
    return status, out.getvalue(), err.getvalue()


def test_the_command_begins_tells_and_ends(gifts: Gifts) -> None:
    gifts.push(gift(1), gift(2))
    assert run("status")[0] == 0
    status, _, error = run("begin")
    assert (status, "a reason is needed" in error) == (2, True)
    assert run("begin", "--reason", "new disk", "--dry-run")[0] == 0
    assert maintenance.window() is None
    status, out, _ = run("begin", "--reason", "new disk")
    assert status == 0
    assert "drained after" in out
    assert "frqueue: waiting: gifts 2" in out
    opened = MaintenanceWindow.objects.get()
    assert opened.drained_at is not None
    status, out, _ = run("status")
    assert status == 4
    assert f"frqueue: held by window {opened.pk}, 0 deliveries in hand" in out
    assert run("end", "--dry-run")[0] == 0
    assert maintenance.window() == opened
    assert run("end")[0] == 0
    assert "no window was open" in run("end")[1]


def test_the_command_tells_what_is_not_finished(gifts: Gifts, settings: Settings) -> None:
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 1}
    gifts.push(gift(1), gift(2))
    gifts.reserve()
    status, _, error = run("begin", "--reason", "new disk", "--timeout", "0")
    assert status == 3
    assert "frqueue: gifts: 2 messages, no worker tells of it, its lease ends in" in error
    assert "run it again" in error
    opened = MaintenanceWindow.objects.get()
    assert opened.drained_at is None
    # What dead workers held is put back by the command, too, once its lease has ended.
    gifts.redis.zadd(reserved.INDEX, dict.fromkeys(reserved.tags(gifts.redis), 1))
    status, out, _ = run("begin")
    assert status == 0
    assert "frqueue: waiting: gifts 2" in out


def test_the_command_tells_that_database_and_redis_disagree(frqueue: redis.Redis) -> None:
    opened = begin("frqueue")
    frqueue.delete(reserved.MAINTENANCE)
    assert run("status")[0] == 3
    maintenance.agree("frqueue")
    assert run("status")[0] == 4
    MaintenanceWindow.objects.filter(pk=opened.pk).delete()
    status, out, error = run("status")
    assert status == 3
    assert f"frqueue: held by window {opened.pk}" in out
    assert "disagree" in error
