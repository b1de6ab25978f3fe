"""The swap of the origin on three real servers: that it refuses, plans, and does it."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from queues import access, heartbeats, instances, reserved
from tests import trio
from tests.servers import Server, Valkey
from tests.trio import Trio

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def any_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    """Three servers."""
    with trio.trio(Valkey, tmp_path_factory.mktemp("trio")) as made:
        yield made


@pytest.fixture
def servers(
    any_servers: Trio, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Trio]:
    """An origin and two replicas, as this process's frqueue."""
    any_servers.begin()
    url = any_servers.first.url
    settings.REDIS_INSTANCES = {"frqueue": url, "donor-prefs": url}
    monkeypatch.setenv("FRQUEUE_URL_FILE", str(any_servers.url_file))
    instances.client.cache_clear()
    yield any_servers
    instances.client.cache_clear()


def swap(to: Server, *arguments: str) -> str:
    """Run the command; what it wrote."""
    out = io.StringIO()
    call_command("swap_origin", "--to", f"127.0.0.1:{to.port}", *arguments, stdout=out)
    return out.getvalue()


def test_planned(servers: Trio) -> None:
    before = trio.holdings(servers.first)
    swap(servers.second, "--yes")
    assert servers.origins() == [servers.second]
    servers.wait_until_in_sync()
    assert [trio.holdings(each) for each in servers.servers] == [before] * 3
    assert servers.told() == servers.second.url
    assert servers.url_file.stat().st_mode & 0o777 == 0o600


def refusal(to: Server, *arguments: str) -> str:
    """Why the command refuses."""
    with pytest.raises(CommandError) as refused:
        swap(to, "--yes", *arguments)
    return str(refused.value)


def test_a_second_time_nothing_is_left_but_to_look(servers: Trio) -> None:
    swap(servers.second, "--yes")
    text = swap(servers.second, "--dry-run")
    assert [line for line in text.splitlines() if line.startswith("would")] == [
        "would let each server keep its role over a restart",
        "would send a probe message, and compare the servers",
    ]
    swap(servers.second, "--yes")
    assert servers.origins() == [servers.second]


def test_there_and_back(servers: Trio) -> None:
    before = trio.holdings(servers.first)
    swap(servers.third, "--yes")
    swap(servers.first, "--yes")
    assert servers.origins() == [servers.first]
    assert servers.told() == servers.first.url
    servers.wait_until_in_sync()
    assert trio.holdings(servers.third) == before


def test_a_push_to_the_former_origin_is_an_error(servers: Trio) -> None:
    swap(servers.second, "--yes")
    with pytest.raises(redis.ReadOnlyError):
        servers.first.client().rpush("donations", "late")


def test_refuses_whoever_is_left(servers: Trio) -> None:
    client = servers.first.client()
    client.client_setname("payments-1")
    client.rpush("donations", '{"email": "ana@example.org"}')
    why = refusal(servers.second)
    assert "client payments-1 at 127.0.0.1:" in why
    assert "user default, last did rpush" in why
    assert "ana@" not in why
    assert servers.origins() == [servers.first]
    client.close()


def test_refuses_workers_by_name(servers: Trio) -> None:
    with servers.first.client() as client:
        heartbeats.tell(client, "donations@host1")
    assert "donations@host1, seen 0 s ago" in refusal(servers.second)


def test_refuses_without_maintenance(servers: Trio) -> None:
    with servers.first.client() as client:
        client.delete(reserved.MAINTENANCE)
    assert "is not in maintenance" in refusal(servers.second)


def test_refuses_a_replica_without_link(servers: Trio) -> None:
    with servers.second.client() as client:
        client.replicaof("127.0.0.1", "1")
    assert "of 127.0.0.1:1, not of" in refusal(servers.second)


def test_refuses_other_data(servers: Trio) -> None:
    with servers.second.client() as client:
        client.config_set("replica-read-only", "no")
        client.rpop("donations")
        client.lset("contribution-tracking", 0, "other")
    why = refusal(servers.second)
    first, second = (f"127.0.0.1:{each.port}" for each in servers.servers[:2])
    assert f"diverged data: donations: 245 on {first}, 244 on {second}" in why
    assert f"contribution-tracking: 40 on both {first} and {second}, but not the same" in why


def test_refuses_two_origins(servers: Trio) -> None:
    with servers.third.client() as client:
        client.replicaof("NO", "ONE")
        client.rpush("donations", "astray")
    with servers.first.client() as client:
        client.rpush("donations", "too")
    # No replica of the first knows of the third.
    third = f"127.0.0.1:{servers.third.port}"
    assert "there are two origins" in refusal(servers.second, "--replica", third)
    why = refusal(servers.third)
    assert f"two origins: 127.0.0.1:{servers.first.port} has a history of its own" in why
    assert "holds contribution-tracking 40, donations 246, donations-damaged 3" in why


def test_refuses_users_that_could_not_log_in_any_more(servers: Trio) -> None:
    with servers.first.client() as client:
        client.acl_setuser("payments", enabled=True, passwords=["+secret"], commands=["+rpush"])
    assert "differ: payments" in refusal(servers.second)


@pytest.fixture
def users(servers: Trio, monkeypatch: pytest.MonkeyPatch) -> Trio:
    """Servers where operator and replicas have passwords, and the rights that they are given."""
    for server in servers.servers:
        with server.client() as client:
            for name in ("operator", "replica"):
                rules = access.roles("frqueue")[name].split()
                raw: Any = client
                raw.execute_command("ACL", "SETUSER", name, "on", f">{name}-secret", *rules)
            client.config_set("masteruser", "replica")
            client.config_set("masterauth", "replica-secret")
    monkeypatch.setenv("REDIS_OPERATOR_USERNAME", "operator")
    monkeypatch.setenv("REDIS_OPERATOR_PASSWORD", "operator-secret")
    return servers


def test_logs_in_as_operator(users: Trio) -> None:
    text = swap(users.second, "--yes")
    assert users.origins() == [users.second]
    assert "secret" not in text
    with users.second.client() as client:
        names = {each["user"] for each in client.client_list() if "S" in each["flags"]}
    assert names == {"replica"}


def test_refuses_a_replica_that_could_not_log_in(users: Trio) -> None:
    with users.first.client() as client:
        client.config_set("masterauth", "another-secret")
    why = refusal(users.second)
    first, second = (f"127.0.0.1:{each.port}" for each in users.servers[:2])
    assert f"{first} cannot log in to {second}" in why
    assert "secret" not in why


def test_refuses_a_password_that_is_wrong(users: Trio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_OPERATOR_PASSWORD", "wrong-secret")
    why = refusal(users.second)
    assert f"127.0.0.1:{users.second.port} does not let us in" in why
    assert "secret" not in why


def test_asks_before_each_step_that_is_final(
    servers: Trio, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "y" if len(asked) < 3 else "n"

    monkeypatch.setattr("builtins.input", answer)
    with pytest.raises(CommandError, match="not answered with yes: have FRQUEUE_URL_FILE say"):
        swap(servers.second)
    first, second, third = (f"127.0.0.1:{each.port}" for each in servers.servers)
    assert asked == [
        f"make {second} the origin in place of {first}, which becomes its replica? [y/N] ",
        f"make {third} a replica of {second}, with its data alone? [y/N] ",
        f"have FRQUEUE_URL_FILE say {second}? [y/N] ",
    ]
    # Where it was left, it goes on.
    swap(servers.second, "--yes")
    assert servers.told() == servers.second.url


def test_without_anybody_to_answer_nothing_is_done(
    servers: Trio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError, match="not answered with yes"):
        swap(servers.second)
    assert servers.origins() == [servers.first]
