"""Celery apps on our transport: one for each Redis instance."""

from urllib.parse import parse_qs, urlsplit

from celery import Celery
from celery.app.utils import Settings
from celery.apps.worker import Worker
from celery.signals import celeryd_after_setup, task_prerun
from django.db import close_old_connections
from kombu import Queue

from queues import transport
from queues.deadletter import SUFFIX, damaged_queue
from queues.sequence_watch import SequenceWatch
from queues.worker import Heartbeat, Maintenance

# Celery's own tasks of an app: those of beat.
PERIODIC_QUEUE = "periodic"

Jobs = dict[str, dict[str, object]]


def upkeep(instance: str) -> Jobs:
    """What beat runs for the message layer itself, a schedule in seconds."""
    from django.conf import settings

    check_sequences: Jobs = {
        "check-sequences": {"task": "queues.check_sequences", "schedule": 15.0},
    }
    return {
        **(check_sequences if instance == settings.SEQUENCE_INSTANCE else {}),
        "sweep-outbox": {"task": "queues.sweep_outbox", "schedule": 10.0, "args": [instance]},
        "requeue-due": {"task": "queues.requeue_due", "schedule": 15.0, "args": [instance]},
        "step-bulk-resends": {"task": "queues.step_bulk_resends", "schedule": 2.0},
    }


def make_app(name: str, instance: str, *, default: bool = True) -> Celery:
    """The Celery app of an instance, configured by Django's ``CELERY_*`` settings.

    ``default`` makes it the app that tasks called outside a worker belong to.
    """
    transport.register()
    app = Celery(name, set_as_current=default)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.autodiscover_tasks()
    app.steps["consumer"].update({Heartbeat, Maintenance, SequenceWatch})

    @app.on_after_configure.connect(weak=False)
    def configure(source: Settings, **_signal: object) -> None:
        from django.conf import settings

        from queues.routes import routes

        table = routes()
        url, sentinel = _broker(settings.REDIS_INSTANCES[instance])
        source.update(
            redis_instance=instance,
            broker_url=url,
            broker_transport_options={
                **settings.CELERY_BROKER_TRANSPORT_OPTIONS,
                **sentinel,
                **table.transport_options(instance),
                "max_message_bytes": settings.QUEUE_MAX_MESSAGE_BYTES,
                # For Flower, which would look for a list for each of kombu's priorities.
                "priority_steps": [0],
            },
            task_queues=[
                Queue(queue, routing_key=queue)
                for queue in [*table.consumed(instance), PERIODIC_QUEUE]
            ],
            task_default_queue=PERIODIC_QUEUE,
            beat_schedule=upkeep(instance) | settings.BEAT_JOBS.get(instance, {}),
            beat_scheduler="queues.beat:Scheduler",
            beat_schedule_filename=f"{settings.CELERY_BEAT_SCHEDULE_FILENAME}-{instance}",
            # Celery closes the database before and after each task, a third of an import's
            # time; `renew_connection` sees to connections instead.
            CELERY_DB_REUSE_MAX=1_000_000_000,
        )

    return app


def _broker(url: str) -> tuple[str, dict[str, object]]:
    """What a Sentinel URL says behind ``?``, and its password, are options to kombu."""
    servers, _, query = url.partition("?")
    if not servers.startswith("sentinel://"):
        return url, {}
    password = urlsplit(servers.split(";")[-1]).password
    options: dict[str, object] = {"master_name": parse_qs(query)["master_name"][0]}
    return servers, options | ({"sentinel_kwargs": {"password": password}} if password else {})


@task_prerun.connect
def renew_connection(**_signal: object) -> None:
    """Drop a database connection that is too old or broken, as Django does before a request."""
    close_old_connections()


@celeryd_after_setup.connect
def consume_all_of_a_queue(instance: Worker, **_signal: object) -> None:
    """Who consumes a queue consumes its aliases and its damaged queue: none is forgotten."""
    from queues.routes import routes

    queues = instance.app.amqp.queues
    for name in list(queues.consume_from):
        if not name.endswith(SUFFIX):
            queue = routes().aliases.get(name, name)
            for other in (*routes().aliases_of(queue), damaged_queue(queue)):
                queues.select_add(other)
