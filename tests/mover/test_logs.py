"""Where a mover's log lines go."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from queues.mover import logs
from queues.mover.config import Config

log = logging.getLogger("queues.mover.test")


def config(**keys: object) -> Config:
    values = {"src_db": "a", "dst_db": "b", "queue_name": "q", "dst_queue_name": "r"}
    told = {"service": "queue_mover", "job_name": "gifts", "consumer_name": "gifts", **values}
    return Config.model_validate({**told, **keys})


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """What was there before is there again."""
    own = logging.getLogger("queues.mover")
    before = own.handlers, own.level, own.propagate
    own.handlers = []
    yield
    for handler in own.handlers:
        handler.close()
    own.handlers, own.level, own.propagate = before


@pytest.fixture
def system_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A socket as a system's log listens on."""
    path = tmp_path / "log"
    monkeypatch.setattr(logs, "SYSTEM_LOG", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.setblocking(False)
        yield listener


def lines(listener: socket.socket) -> list[str]:
    """What came so far."""
    found = []
    try:
        while True:
            found.append(listener.recv(4096).decode().rstrip("\0"))
    except BlockingIOError:
        return found


def test_the_file_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "new" / "gifts.log"
    logs.configure(config(logfile=path, log_size=200, log_count=2), logging.INFO, detached=True)
    for number in range(20):
        log.info("line %d", number)
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "gifts.log",
        "gifts.log.1",
        "gifts.log.2",
    ]
    assert path.read_text().endswith("INFO line 19\n")
    assert all(each.stat().st_size <= 200 for each in path.parent.iterdir())


def test_each_line_stands_once_however_often_it_is_configured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "gifts.log"
    for _ in range(3):
        logs.configure(config(logfile=path), logging.WARNING, detached=False)
    log.info("small talk")
    log.warning("look here")
    assert path.read_text().count("look here") == 1
    assert capsys.readouterr().err.count("look here") == 1
    assert "small talk" not in path.read_text()


def test_nothing_on_the_console_in_the_background(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(config(), logging.INFO, detached=True)
    log.info("unheard")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("use_skylog", "heard"), [(0, False), (1, True), (2, True)])
def test_the_log_of_the_system(system_log: socket.socket, use_skylog: int, heard: bool) -> None:
    logs.configure(config(use_skylog=use_skylog), logging.INFO, detached=True)
    log.info("a line")
    found = [line for line in lines(system_log) if line.endswith("]: a line")]
    assert len(found) == heard
    assert all(line.partition(">")[2].startswith("gifts[") for line in found)


def test_without_one_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "SYSTEM_LOG", tmp_path / "missing")
    logs.configure(config(use_skylog=2), logging.INFO, detached=False)
    assert "use_skylog: there is no " in capsys.readouterr().err
