"""The web process: ``gunicorn --config python:fundraising.gunicorn``."""

import os
from pathlib import Path

from fundraising.settings import LOG_FORMAT

wsgi_app = "fundraising.wsgi"
bind = os.environ.get("WEB_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 4

timeout = 60
graceful_timeout = 30
keepalive = 5
max_requests = 10_000
max_requests_jitter = 1_000
# The heartbeat of its workers is a file; on a disk that stalls they would seem to hang.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

# Signals are enough to control it.
control_socket_disable = True

# The path without its query: what staff search for in the admin is personal data.
accesslog = "-"
access_log_format = '%(t)s "%(m)s %(U)s" %(s)s %(B)s bytes %(M)s ms'
if LOG_FORMAT == "json":
    logconfig_dict = {
        "formatters": {"generic": {"()": "queues.logs.Formatter"}},
        "loggers": {
            name: {"handlers": [handler], "level": "INFO", "propagate": False}
            for name, handler in (
                ("gunicorn.error", "error_console"),
                ("gunicorn.access", "console"),
            )
        },
    }
