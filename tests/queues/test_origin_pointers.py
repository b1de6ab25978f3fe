"""What clients read, and how servers are named."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from queues.celery import make_app
from queues.origin import Refused, pointers
from queues.origin.nodes import Access, Address, address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("10.0.0.2:6379", "10.0.0.2", 6379), ("r1.example.org:1", "r1.example.org", 1),
     ("[::1]:6380", "::1", 6380)],
)  # fmt: skip
def test_an_address(text: str, host: str, port: int) -> None:
    assert address(text) == Address(host, port)
    assert str(address(text)) == text


@pytest.mark.parametrize("text", ["", "host", "host:", ":1", "host:x", "u:p@host:1", "host:1/0"])
def test_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT|Port|port"):
        address(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("redis://old:1/0", "redis://new:2/0"),
        ("redis://old/3\n", "redis://new:2/3"),
        ("redis://:p%40s@old:1/0", "redis://:p%40s@new:2/0"),
        ("rediss://worker:pw@old:1/0?ssl_ca_certs=/ca", "rediss://worker:pw@new:2/0?ssl_ca_certs=/ca"),
        ("redis://[::1]:1/0", "redis://new:2/0"),
    ],
)  # fmt: skip
def test_only_host_and_port_of_the_file_change(before: str, after: str, tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text(before)
    (tmp_path / ".url.new").write_text("left by one that was killed")
    pointer = pointers.of("frqueue", before, {"FRQUEUE_URL_FILE": str(path)})
    pointer.tell(Address("new", 2))
    assert path.read_text() == after
    assert path.stat().st_mode & 0o777 == 0o600
    assert [left.name for left in tmp_path.iterdir()] == ["url"]


def test_a_link_to_the_file_stays(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("redis://old:1/0")
    link = tmp_path / "link"
    link.symlink_to("real")
    pointers.of("donor-prefs", "", {"DONOR_PREFS_URL_FILE": str(link)}).tell(Address("new", 2))
    assert link.is_symlink()
    assert link.read_text() == "redis://new:2/0"


def test_without_a_file_it_is_left_to_a_person() -> None:
    pointer = pointers.of("frqueue", "redis://:secret@old:1/0", {})
    assert pointer.known() == [Address("old", 1)]
    assert pointer.tell(Address("new", 2)) == (
        "left to you: set FRQUEUE_URL to new:2, its credentials as before"
    )


def test_a_file_that_is_not_there_is_a_reason() -> None:
    with pytest.raises(Refused, match="FRQUEUE_URL: FileNotFoundError"):
        pointers.of("frqueue", "redis://old:1/0", {"FRQUEUE_URL_FILE": "/nowhere/url"})


def test_credentials_of_an_operator_replace_those_of_clients() -> None:
    url = "rediss://worker:secret@old:1/2"
    access = Access.of(url, username="operator", password="other")
    options = access.connect(Address("new", 3)).connection_pool.connection_kwargs
    assert (options["host"], options["port"], options["db"]) == ("new", 3, 2)
    assert (options["username"], options["password"]) == ("operator", "other")
    assert access.has_tls
    assert "secret" not in repr(access)
    assert "other" not in repr(access)


def test_a_unix_socket_has_no_replicas() -> None:
    with pytest.raises(Refused, match="Unix socket"):
        Access.of("redis+socket:///run/redis.sock")


def test_celery_finds_the_master_by_the_same_url(settings: Settings) -> None:
    url = "sentinel://:secret@a:26379;sentinel://:secret@b:26379/0"
    settings.REDIS_INSTANCES = {"frqueue": f"{url}?master_name=frqueue"}
    app = make_app("test", "frqueue", default=False)
    assert app.conf.broker_url == url
    options = app.conf.broker_transport_options
    assert options["master_name"] == "frqueue"
    assert options["sentinel_kwargs"] == {"password": "secret"}
    with app.connection_for_write() as connection:
        assert connection.transport_cls == "sentinel"
