"""Where a mover's log lines go: the console, a file that is rotated, the system's log."""

import logging
import sys
from logging.handlers import RotatingFileHandler, SysLogHandler
from pathlib import Path

from queues.mover.config import Config

log = logging.getLogger(__name__)

LINE = "%(asctime)s %(process)d %(levelname)s %(message)s"
SYSTEM_LOG = Path("/dev/log")


def configure(config: Config, level: int, *, detached: bool) -> None:
    """Send log lines where the configuration says, and to stderr unless ``detached``.

    Called again it opens the file anew. Raises ``OSError`` when the file cannot be written.
    """
    formatter = logging.Formatter(LINE)
    handlers: list[logging.Handler] = [] if detached else [logging.StreamHandler()]
    if config.logfile is not None:
        handlers.append(_file(config, config.logfile))
    for handler in handlers:
        handler.setFormatter(formatter)
    wanted = config.use_skylog == 2 or (
        config.use_skylog == 1 and (detached or not sys.stderr.isatty())
    )
    if wanted and SYSTEM_LOG.exists():
        system = SysLogHandler(str(SYSTEM_LOG), SysLogHandler.LOG_DAEMON)
        system.setFormatter(logging.Formatter(f"{config.job_name}[%(process)d]: %(message)s"))
        handlers.append(system)
    # A logger of our own: Django's settings, which may be loaded later, set up the root's.
    own = logging.getLogger("queues.mover")
    for former in own.handlers[:]:
        own.removeHandler(former)
        former.close()
    for handler in handlers:
        own.addHandler(handler)
    own.setLevel(level)
    own.propagate = False
    if wanted and SYSTEM_LOG.exists():
        log.warning("use_skylog: lines go to the system's log; skylog.ini is not read")
    elif wanted:
        log.warning("use_skylog: there is no %s here", SYSTEM_LOG)


def _file(config: Config, path: Path) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    return RotatingFileHandler(path, maxBytes=config.log_size, backupCount=config.log_count)
