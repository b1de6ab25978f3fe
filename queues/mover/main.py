"""The command ``queue_mover``, as ``manage.py`` runs it and by itself."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from queues.mover import logs, pidfile, places
from queues.mover.config import Config, ConfigError, load, template
from queues.mover.daemon import DONE, FAILED, LOST, Daemon, explain
from queues.mover.detached import detach
from queues.mover.interface import Away, LostPosition, NotRegistered
from queues.mover.moving import Mover
from queues.mover.progress import Progress
from queues.mover.signals import AtOnce, Signals

log = logging.getLogger("queues.mover")  # this module is called __main__ when it is run

_SETTINGS = "fundraising.settings"

_DESCRIPTION = """\
Move the events of one queue into another, each exactly once. A queue is one of PgQ in PostgreSQL,
a list in Redis, or the outbox in Django's database. With a section [queue_splitter] in the file,
a field of each event names the queue that it goes to.
"""
_EPILOG = """\
Exit status: 0 done, or stopped by a signal; 1 refused or failed; 2 wrong usage; 3 the position is
lost, and a person decides (--rewind or --reset).

Examples:
  %(prog)s --ini > site_b.ini       write a file to begin with
  %(prog)s --register site_b.ini    once, before the first start
  %(prog)s -d site_b.ini            run in the background
  %(prog)s -r site_b.ini            it reads its file again
  %(prog)s --status site_b.ini      how it gets on
  %(prog)s -s site_b.ini            it ends after the batch at hand
"""
# What asks a running mover for something, and the signal that does.
_SIGNALS = (
    ("-r", "--reload", signal.SIGHUP, "let the running one read its file again"),
    ("-s", "--stop", signal.SIGINT, "let the running one end after the batch at hand"),
    ("-k", "--kill", signal.SIGTERM, "the same; given twice within a second, it ends at once"),
)


class Refused(Exception):
    """It is not done, for the reason that is said."""


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Do what the words of the command line say; the exit code.

    Usage errors and ``--help`` raise ``SystemExit``, as argparse does.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", _SETTINGS)
    options = parser(prog).parse_args(argv)
    if options.ini:
        sys.stdout.write(template())
        return DONE
    if options.config is None:
        parser(prog).error("which config file?")
    options.config = options.config.absolute()  # in the background there is another directory
    reread = partial(_configuration, options)
    try:
        config = reread()
        return options.do(options, config) if options.do else _run(options, config, reread)
    except LostPosition as error:
        return _fail(f"the position is lost: {error}", LOST)
    except NotRegistered as error:
        return _fail(explain(error))
    except (ConfigError, Refused, Away, pidfile.Taken, OSError) as error:
        return _fail(str(error))


def parser(prog: str | None = None) -> argparse.ArgumentParser:
    """The switches, which are the original's, and ``--status``."""
    made = argparse.ArgumentParser(
        prog=prog or "queue_mover",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(do=None)
    made.add_argument("config", nargs="?", type=Path, metavar="config.ini", help="what to move")
    made.add_argument("-q", "--quiet", action="store_true", help="log warnings and errors only")
    made.add_argument("-v", "--verbose", action="count", default=0, help="log more")
    version = f"%(prog)s {os.environ.get('SOURCE_VERSION', 'unknown')}"
    made.add_argument("-V", "--version", action="version", version=version)
    made.add_argument("-d", "--daemon", action="store_true", help="go into the background")
    made.add_argument("--ini", action="store_true", help="print a config file to begin with")
    made.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        metavar="KEY=VAL",
        help="in place of what the file says; may be given again for another key",
    )
    one = made.add_mutually_exclusive_group()
    for short, long, number, text in _SIGNALS:
        one.add_argument(
            short, long, dest="do", action="store_const", const=_signaller(number), help=text
        )
    for name, do, text in (
        ("--status", _status, "print how it gets on; exit status 0: it runs and moves, 1: not"),
        ("--register", _register, "begin to keep events for it, from now on"),
        ("--unregister", _unregister, "the end of it: events that wait for it are forgotten"),
        ("--rewind", _rewind, "let the source go on where the target is"),
        ("--reset", _reset, "let the target take the source's next batch, whatever it is"),
    ):
        one.add_argument(name, dest="do", action="store_const", const=do, help=text)
    return made


def _run(options: argparse.Namespace, config: Config, reread: Callable[[], Config]) -> int:
    """Move, until there is a reason to end."""
    if options.daemon and config.pidfile is None:
        raise Refused("-d needs a pidfile in the config file")
    # Before any process is made, as nobody would see the fault.
    places.mover(config)
    configure = partial(logs.configure, level=_level(options), detached=options.daemon)
    configure(config)

    def reload() -> Config:
        again = reread()
        for key in ("job_name", "pidfile"):
            if getattr(again, key) != getattr(config, key):
                raise ConfigError(f"{key}: changes at a start only")
        configure(again)
        return again

    with ExitStack() as stack:
        file = stack.enter_context(pidfile.Pidfile(config.pidfile)) if config.pidfile else None
        started = detach() if options.daemon else None
        signals = stack.enter_context(Signals())
        if file:
            file.write()
        if started:
            started()
        if config.without_effect:
            log.warning("keys without effect here: %s", ", ".join(config.without_effect))
        try:
            with Progress(config.job_name) as progress:
                return Daemon(config, reload, signals, progress).run()
        except AtOnce as asked:
            log.warning("stopped at once by a second %s: the batch is rolled back", asked)
            return FAILED


def _signaller(number: signal.Signals) -> Callable[[argparse.Namespace, Config], int]:
    def send(_options: argparse.Namespace, config: Config) -> int:
        os.kill(_running(config), number)
        return DONE

    return send


def _running(config: Config) -> int:
    if config.pidfile is None:
        raise Refused("the config file has no pidfile to find it by")
    pid = pidfile.running(config.pidfile)
    if pid is None:
        raise Refused(f"{config.job_name} is not running")
    return pid


def _status(_options: argparse.Namespace, config: Config) -> int:
    from queues.mover.status import report

    moves, facts = report(config, places.mover(config))
    for name, text in facts:
        _say(f"{name}: {text}")
    return DONE if moves else FAILED


def _register(_options: argparse.Namespace, config: Config) -> int:
    is_new = places.mover(config).register()
    _say(f"{config.consumer_name}: {'registered' if is_new else 'was registered before'}")
    return DONE


def _unregister(_options: argparse.Namespace, config: Config) -> int:
    was_there = _resting(config).unregister()
    _say(f"{config.consumer_name}: {'unregistered' if was_there else 'was not registered'}")
    return DONE


def _rewind(_options: argparse.Namespace, config: Config) -> int:
    position = _resting(config).rewind()
    if position is None:
        raise Refused("the target has no position to go on from")
    _say(f"{config.consumer_name}: the source goes on after {position}")
    return DONE


def _reset(_options: argparse.Namespace, config: Config) -> int:
    _resting(config).reset()
    _say(f"{config.consumer_name}: the target takes the next batch, whatever it is")
    return DONE


def _resting(config: Config) -> Mover:
    """The mover, while it does not run: it would go on from what it knows."""
    pid = config.pidfile and pidfile.running(config.pidfile)
    if pid:
        raise Refused(f"it runs, process {pid}: stop it first")
    return places.mover(config)


def _configuration(options: argparse.Namespace) -> Config:
    return load(options.config, dict(options.set))


def _assignment(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not (key.strip() and sign):
        raise argparse.ArgumentTypeError(f"{text}: KEY=VAL is wanted")
    return key.strip(), value.strip()


def _level(options: argparse.Namespace) -> int:
    if options.quiet:
        return logging.WARNING
    return logging.DEBUG if options.verbose else logging.INFO


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _fail(text: str, code: int = FAILED) -> int:
    sys.stderr.write(f"{text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
