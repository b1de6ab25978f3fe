"""Config files of movers: the original's form, and what is wrong in others."""

import re
from pathlib import Path

import pytest

from queues.mover import places
from queues.mover.config import Config, ConfigError, load, template

#: As the original's manual page shows it.
ORIGINAL = """\
[queue_mover]
job_name = eventlog_to_target_mover
src_db = dbname=sourcedb
dst_db = dbname=targetdb
pgq_queue_name = source_queue
dst_queue_name = target_queue
logfile = ~/log/%(job_name)s.log
pidfile = ~/pid/%(job_name)s.pid
use_skylog = 0
"""
EXAMPLES = Path(__file__).parents[2] / "ops" / "queue-mover"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def read(directory: Path, text: str, **overrides: str) -> Config:
    path = directory / "site_b.ini"
    path.write_text(text)
    return load(path, overrides)


def faults(directory: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(directory, text)
    return str(caught.value)


def ini(**keys: str) -> str:
    """A section with what must be there, and these keys."""
    values = {"src_db": "dbname=a", "dst_db": "dbname=b", "queue_name": "q", "dst_queue_name": "r"}
    lines = (f"{key} = {value}" for key, value in {**values, **keys}.items())
    return "\n".join(["[queue_mover]", *lines])


def test_the_original_example(home: Path) -> None:
    config = read(home, ORIGINAL)
    assert config == Config(
        service="queue_mover",
        job_name="eventlog_to_target_mover",
        src_db="dbname=sourcedb",
        dst_db="dbname=targetdb",
        queue_name="source_queue",
        consumer_name="eventlog_to_target_mover",
        dst_queue_name="target_queue",
        logfile=home / "log/eventlog_to_target_mover.log",
        pidfile=home / "pid/eventlog_to_target_mover.pid",
    )
    assert (config.loop_delay, config.connection_lifetime, config.exception_sleep) == (1, 1200, 20)
    assert (config.log_size, config.log_count, config.use_skylog) == (10 * 2**20, 3, 0)
    assert config.without_effect == ()


def test_every_key_of_the_original(home: Path) -> None:
    config = read(
        home,
        ORIGINAL + "loop_delay = 0.5 ; seconds\nconnection_lifetime = 60\nexception_sleep = 5\n"
        "pgq_consumer_id = mover_%(job_name)s\nlog_size = 1000\nlog_count = 9",
    )
    assert (config.loop_delay, config.connection_lifetime, config.exception_sleep) == (0.5, 60, 5)
    assert config.consumer_name == "mover_eventlog_to_target_mover"
    assert (config.log_size, config.log_count) == (1000, 9)


def test_newer_spellings_and_the_older_ones_hold(tmp_path: Path) -> None:
    text = ini(queue_name="new", consumer_name="one").replace("[queue_mover]", "[queue_mover3]")
    config = read(tmp_path, text)
    assert (config.service, config.queue_name, config.consumer_name) == (
        "queue_mover",
        "new",
        "one",
    )
    config = read(tmp_path, text + "\npgq_queue_name = old\npgq_consumer_id = other")
    assert (config.queue_name, config.consumer_name) == ("old", "other")


@pytest.mark.parametrize("section", ["queue_splitter", "queue_splitter3"])
def test_a_splitter_has_a_field_for_its_target(tmp_path: Path, section: str) -> None:
    text = f"[{section}]\nsrc_db = dbname=a\ndst_db = dbname=b\nqueue_name = q\n"
    assert read(tmp_path, text).service == "queue_splitter"
    assert read(tmp_path, text).queue_field == "extra1"
    assert read(tmp_path, text + "queue_field = type").queue_field == "type"


def test_the_name_of_the_file_is_the_name_of_the_job(tmp_path: Path) -> None:
    config = read(tmp_path, ini(pidfile="/run/%(job_name)s.%(service_name)s.pid"))
    assert (config.job_name, config.consumer_name) == ("site_b", "site_b")
    assert config.pidfile == Path("/run/site_b.queue_mover.pid")


def test_a_percent_sign_needs_no_second_one(tmp_path: Path) -> None:
    text = ini(src_db="postgres://u:a%40b%%c@h/%(queue_name)s")
    assert read(tmp_path, text).src_db == "postgres://u:a%40b%c@h/q"


def test_an_empty_value_is_none(tmp_path: Path) -> None:
    config = read(tmp_path, ini(pidfile="", consumer_name="", loop_delay=""))
    assert (config.pidfile, config.consumer_name, config.loop_delay) == (None, "site_b", 1)


def test_what_is_set_on_the_command_line_stands_in_place_of_the_file(tmp_path: Path) -> None:
    config = read(tmp_path, ini(loop_delay="7"), loop_delay="0", dst_db="dbname=%(job_name)s")
    assert (config.loop_delay, config.dst_db) == (0, "dbname=site_b")


def test_keys_without_effect_are_told(tmp_path: Path) -> None:
    text = ini(pgq_lazy_fetch="300", logfmt_file="%(asctime)s %(message)s")
    assert read(tmp_path, text).without_effect == ("logfmt_file", "pgq_lazy_fetch")


def test_what_would_move_other_events_is_refused(tmp_path: Path) -> None:
    assert "table_filter" in faults(tmp_path, ini(table_filter="public.gifts"))


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ({"loop_delay": "often"}, "loop_delay: Input should be a valid number"),
        ({"loop_delay": "nan"}, "loop_delay: Input should be a finite number"),
        ({"exception_sleep": "-1"}, "exception_sleep: Input should be greater than or equal to 0"),
        ({"use_skylog": "3"}, "use_skylog: Input should be less than or equal to 2"),
        ({"poison": "drink"}, "poison: Input should be 'set_aside' or 'stop'"),
        ({"queue_field": "ev_data"}, "queue_field: ev_data is no field to choose a queue by"),
        ({"src_db": ""}, "src_db: is missing"),
        ({"queue_name": ""}, "queue_name: is missing"),
        ({"dst_queue_name": ""}, "dst_queue_name is missing"),
        ({"pidfile": "%(nothing)s.pid"}, "pidfile: refers to nothing, which is not there"),
    ],
)
def test_a_fault_is_named_with_its_key(tmp_path: Path, keys: dict[str, str], wanted: str) -> None:
    told = faults(tmp_path, ini(**keys))
    assert wanted in told
    assert "site_b.ini [queue_mover]" in told


def test_all_faults_are_told_and_no_password(tmp_path: Path) -> None:
    secret = "postgres://mover:hunter2@db/gifts"
    told = faults(tmp_path, ini(src_db=secret, loop_delay="x", log_count="y", dst_queue_name=""))
    assert re.search("loop_delay: .*log_count: ", told)
    for text in (
        f"[queue_mover]\n{secret}",
        ini(src_db=secret + "%(nothing)s"),
        f"{secret}\n" + ini(),
        ini(src_db=f"{secret} %(src_db)s"),
    ):
        assert "hunter2" not in faults(tmp_path, text)
    assert "hunter2" not in repr(read(tmp_path, ini(src_db=secret)))


def test_one_section_for_one_mover(tmp_path: Path) -> None:
    assert "no section" in faults(tmp_path, "[pgqd]\n")
    assert "more than one" in faults(tmp_path, ini() + "\n[queue_splitter]\n")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "nothing.ini")


def test_the_template_runs_as_it_is(tmp_path: Path) -> None:
    config = read(tmp_path, template())
    assert (config.src_db, config.consumer_name) == ("dbname=sourcedb", "source_to_target")
    assert config.without_effect == ()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ini")), ids=lambda path: path.stem)
def test_the_example_files_run(path: Path) -> None:
    config = load(path)
    assert config.without_effect == ()
    assert all(places.ends(config))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("dbname=gifts host=db1 user=u password=hunter2", "gifts@db1:5432"),
        ("postgres://u:hunter2@db1:6000/gifts?password=hunter2", "gifts@db1:6000"),
        ("redis://u:hunter2@r1:6379/0?password=hunter2", "redis://r1:6379/0"),
        ("redis+socket:///run/redis.sock", "redis+socket:///run/redis.sock"),
        (
            "sentinel://a:1;sentinel://:hunter2@b:2/0?master_name=frqueue",
            "sentinel://a:1;sentinel://b:2/0 frqueue",
        ),
        ("outbox:default", "outbox:default"),
        ("outbox:postgres://u:hunter2@db1/site", "outbox:postgres://db1/site"),
    ],
)
def test_places_are_named_without_credentials(text: str, place: str) -> None:
    assert places.place(text) == place


@pytest.mark.parametrize("key", ["src_db", "dst_db"])
@pytest.mark.parametrize("value", ["hunter2", "outbox:elsewhere", "mysql://u:hunter2@h/d"])
def test_what_is_no_place_is_refused(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{key}: ") as caught:
        places.mover(read(tmp_path, ini(**{key: value})))
    assert "hunter2" not in str(caught.value)
