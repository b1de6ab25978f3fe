"""Each role on a real server: every command of it, and the keys that a role may use."""

import re
import shutil
from collections.abc import Iterator
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.management import CommandError, call_command
from redis.backoff import NoBackoff
from redis.retry import Retry

from queues.routes import routes
from tests.guarded import PASSWORDS, Guarded, GuardedDebianRedis, GuardedValkey
from tests.workers import wait_for

SEQUENCE = "sequence_contribution-tracking"
# Redis asks nobody's permission for these: with them a connection says who it is, or ends.
FREE = {"auth", "hello", "quit", "reset"}
HAND = {"ping", "client|setinfo"}
# All that a role may do, where that is a short list.
COMMANDS = {
    "payments": FREE | HAND | {"rpush", "incr"},
    "monitor": FREE
    | HAND
    | {"info", "time", "role", "llen", "hlen", "hgetall", "zcard", "zrange", "get"},
    "replica": FREE | {"ping", "psync", "replconf"},
    "sentinel": FREE
    | {"ping", "multi", "exec", "slaveof", "replicaof", "subscribe", "publish", "role", "info"}
    | {"config|rewrite", "client|setname", "client|kill", "script|kill"},
}
# What the operator may do of what is dangerous.
OPERATOR = (
    {"info", "role", "failover", "replicaof", "slaveof", "sort", "bgsave", "bgrewriteaof"}
    | {"config|get", "config|set", "config|rewrite", "client|list", "client|kill", "client|pause"}
    | {"client|unpause", "acl|list", "acl|users", "acl|getuser", "acl|log", "acl|load"}
    | {"lastsave"}
)
HARMFUL = {
    *("keys", "flushall", "flushdb", "swapdb", "shutdown", "save", "debug", "monitor", "sync"),
    *("migrate", "restore", "acl|setuser", "acl|deluser", "module|load", "config|set"),
    *("client|kill", "client|list", "replicaof", "scan", "rename", "copy", "randomkey"),
}


@pytest.fixture(scope="module", params=[GuardedValkey, GuardedDebianRedis])
def server(request: pytest.FixtureRequest) -> Iterator[Guarded]:
    if request.param is GuardedDebianRedis and shutil.which("redis-server") is None:
        pytest.skip("Debian's redis-server is not installed")
    with request.param() as server:
        yield server


@pytest.fixture(scope="module")
def donor_prefs() -> Iterator[Guarded]:
    with GuardedValkey("donor-prefs") as server:
        yield server


def commands(client: redis.Redis) -> dict[str, list[str]]:
    """Every command and subcommand of a server, each as words that it would take."""
    found: dict[str, list[str]] = {}

    def add(entries: list[Any]) -> None:
        for name, arity, *_, subcommands in entries:
            words = name.decode().split("|")
            found[name.decode()] = [*words, *["1"] * (abs(arity) - len(words))]
            if subcommands:
                del found[name.decode()]  # it is nothing by itself
                add(subcommands)

    # Not redis-py's own, which hides the subcommands.
    with client.client() as connection:
        connection.response_callbacks = {}
        add(connection.execute_command("COMMAND"))
    return found


def refusal(client: redis.Redis, *words: object) -> str:
    """What the server's permissions say against it: `command`, `key`, `channel`, or nothing."""
    try:
        client.execute_command(*words)
    except redis.ResponseError as error:
        text = str(error)
        # MODULE and DEBUG are not allowed to anybody.
        if "to run the" in text or "command not allowed" in text:
            return "command"
        if isinstance(error, redis.exceptions.NoPermissionError):
            return "channel" if "channel" in text else "key"
        assert "WRONGTYPE" in text, text  # the server has looked at the key
    return ""


def allowed(server: Guarded, role: str) -> set[str]:
    """The commands that a role may use on some key."""
    operator = redis.Redis(port=server.port, username="tester", password=_tester(server))
    found = set()
    for name, words in commands(operator).items():
        answer = operator.execute_command("ACL", "DRYRUN", role, *words)
        if answer == b"OK" or b"to run the" not in answer:
            found.add(name)
    return found


def _tester(server: Guarded) -> str:
    """The password of a user for this test: no role may try out the rights of others."""
    users = Path(server.config["aclfile"])
    line = "user tester on >tester-for-the-dry-runs ~* &* +@all\n"
    if line not in users.read_text():
        users.write_text(users.read_text() + line)
        server.client().execute_command("ACL", "LOAD")
    return "tester-for-the-dry-runs"


@pytest.mark.parametrize("role", COMMANDS)
def test_a_role_may_do_this_and_nothing_else(server: Guarded, role: str) -> None:
    expected = COMMANDS[role]
    if not server.knows_setinfo:
        expected = expected - {"client|setinfo"}
    assert allowed(server, role) == expected


def test_the_producer_of_the_other_instance_takes_no_numbers(donor_prefs: Guarded) -> None:
    assert allowed(donor_prefs, "preferences") == FREE | HAND | {"rpush"}


def test_the_operator_may_not_do_this(server: Guarded) -> None:
    tester = redis.Redis(port=server.port, username="tester", password=_tester(server))
    dangerous = {name.decode() for name in tester.execute_command("ACL", "CAT", "dangerous")}
    may = allowed(server, "operator")
    small = {name for name in may & dangerous if not name.startswith(("latency|", "slowlog|"))}
    assert small == OPERATOR


def test_the_worker_may_do_nothing_dangerous(server: Guarded) -> None:
    tester = redis.Redis(port=server.port, username="tester", password=_tester(server))
    may = allowed(server, "worker")
    for category in ("dangerous", "admin"):
        names = {name.decode() for name in tester.execute_command("ACL", "CAT", category)}
        assert may & names <= {"info"}
    assert may & HARMFUL == set()


@pytest.mark.parametrize("role", [*COMMANDS, "worker", "operator"])
def test_every_forbidden_command_is_refused(server: Guarded, role: str) -> None:
    tester = redis.Redis(port=server.port, username="tester", password=_tester(server))
    every = commands(tester)
    forbidden = {name: every[name] for name in every.keys() - allowed(server, role)}
    assert len(forbidden) > 40
    client = server.client_of(role)
    wrong = {name for name, words in forbidden.items() if refusal(client, *words) != "command"}
    assert wrong == set()


# Keys

QUEUES = {"queue": "donations", "damaged": "donations-damaged", "beat": "periodic"}
KEYS = {**QUEUES, "numbers": SEQUENCE, "guard": f"{SEQUENCE}:server", "reserved": "reserved"}
OTHERS = {"of donor-prefs": "verify-email", "unknown": "elsewhere"}

# By role and command, the keys for which it is allowed.
ON_KEYS: dict[tuple[str, tuple[str, ...]], set[str]] = {
    ("payments", ("RPUSH", "{}", "x")): {"queue"},
    ("payments", ("INCR", "{}")): {"numbers"},
    ("monitor", ("LLEN", "{}")): set(QUEUES),
    ("monitor", ("GET", "{}")): {"numbers"},
    ("monitor", ("HLEN", "{}")): {"reserved"},
    ("monitor", ("HGETALL", "{}")): set(),
    ("monitor", ("ZRANGE", "{}", "0", "1")): set(),
    ("worker", ("LRANGE", "{}", "0", "1")): set(KEYS),
    ("worker", ("DEL", "{}")): set(KEYS),
    ("worker", ("EVAL", "return redis.call('EXISTS', KEYS[1])", "1", "{}")): set(KEYS),
    ("operator", ("EXISTS", "{}")): {*KEYS, *OTHERS},
}


@pytest.mark.parametrize(
    ("role", "words", "expected"),
    [
        pytest.param(role, words, expected, id=f"{role} {words[0]}")
        for (role, words), expected in ON_KEYS.items()
    ],
)
def test_keys(server: Guarded, role: str, words: tuple[str, ...], expected: set[str]) -> None:
    operator, client = server.client(), server.client_of(role)
    found = set()
    for kind, key in (KEYS | OTHERS).items():
        operator.unlink(key)
        answer = refusal(client, *(word.format(key) for word in words))
        assert answer in ("", "key")
        found |= {kind} - ({kind} if answer else set())
    assert found == expected


def test_every_queue_is_pushed_on_and_read_by_whom_it_should(server: Guarded) -> None:
    for queue in routes().lists("frqueue"):
        assert refusal(server.client_of("payments"), "RPUSH", queue, "{}") == ""
        assert refusal(server.client_of("worker"), "LPOP", queue) == ""
    for queue in routes().lists("donor-prefs"):
        assert refusal(server.client_of("payments"), "RPUSH", queue, "{}") == "key"
        assert refusal(server.client_of("worker"), "LPOP", queue) == "key"


def test_no_way_around_by_a_script_or_a_transaction(server: Guarded) -> None:
    payments, worker = server.client_of("payments"), server.client_of("worker")
    assert refusal(payments, "EVAL", "return redis.call('LPOP', 'donations')", "0") == "command"
    assert refusal(payments, "MULTI") == "command"
    for words in ("'GET', 'elsewhere'", "'LPOP', 'verify-email'", "'FLUSHALL'"):
        answer = worker.eval(f"return redis.pcall({words})['err'] or 'allowed'", 0)
        assert re.search(rb"permission|can't (access|run)", answer), answer


def test_counters_go_one_way_for_producers(server: Guarded) -> None:
    payments = server.client_of("payments")
    number = payments.execute_command("INCR", SEQUENCE)
    assert refusal(payments, "INCRBY", SEQUENCE, "-100") == "command"
    assert payments.execute_command("INCR", SEQUENCE) == number + 1


@pytest.mark.parametrize(
    "who",
    [
        {},
        {"username": "default", "password": ""},
        {"username": "worker", "password": PASSWORDS["monitor"]},
    ],
)
def test_nobody_without_a_password(server: Guarded, who: dict[str, str]) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0), **who).ping()


def test_replicas_follow_as_their_role() -> None:
    with GuardedValkey(repl_diskless_sync_delay="0") as origin, GuardedValkey() as replica:
        origin.client().rpush("donations", "{}")
        operator = replica.client()
        operator.config_set("masteruser", "replica")
        operator.config_set("masterauth", PASSWORDS["replica"])
        operator.replicaof("127.0.0.1", origin.port)
        wait_for(lambda: operator.llen("donations") == 1, "it is replicated")


# The file


def acl(*words: str) -> str:
    out = StringIO()
    call_command("redis_acl", *words, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("instance", ["frqueue", "donor-prefs"])
def test_the_templates_are_those_of_the_route_table(instance: str) -> None:
    kept = Path(settings.BASE_DIR, "ops", "redis", f"{instance}.acl").read_text()
    assert kept == acl("--instance", instance, "--template"), (
        f"manage.py redis_acl --instance {instance} --template > ops/redis/{instance}.acl"
    )


def test_passwords_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for role in ("preferences", "worker", "operator", "monitor", "replica"):
        monkeypatch.setenv(f"DONOR_PREFS_{role.upper()}_PASSWORD", f"of {role} {'x' * 20}")
    with pytest.raises(CommandError, match="DONOR_PREFS_SENTINEL_PASSWORD has fewer than 20"):
        acl("--instance", "donor-prefs")
    file = tmp_path / "password"
    file.write_text("of sentinel " + 20 * "x")
    monkeypatch.setenv("DONOR_PREFS_SENTINEL_PASSWORD_FILE", str(file))
    text = acl("--instance", "donor-prefs", "--no-setinfo")
    assert "xxx" not in text
    assert "setinfo" not in text
    assert sha256(b"of sentinel " + 20 * b"x").hexdigest() in text
