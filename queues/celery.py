"""Celery apps on our transport: one for each Redis instance."""

from celery import Celery
from celery.app.utils import Settings
from celery.apps.worker import Worker
from celery.signals import celeryd_after_setup, task_prerun
from django.db import close_old_connections
from kombu import Queue

from queues import transport
from queues.deadletter import SUFFIX, damaged_queue

# Celery's own tasks of an app: those of beat.
PERIODIC_QUEUE = "periodic"


def make_app(name: str, instance: str, *, default: bool = True) -> Celery:
    """The Celery app of an instance, configured by Django's ``CELERY_*`` settings.

    ``default`` makes it the app that tasks called outside a worker belong to.
    """
    transport.register()
    app = Celery(name, set_as_current=default)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.autodiscover_tasks()

    @app.on_after_configure.connect(weak=False)
    def configure(source: Settings, **_signal: object) -> None:
        from django.conf import settings

        from queues.routes import routes

        table = routes()
        source.update(
            broker_url=settings.REDIS_INSTANCES[instance],
            broker_transport_options={
                **settings.CELERY_BROKER_TRANSPORT_OPTIONS,
                **table.transport_options(instance),
                "max_message_bytes": settings.QUEUE_MAX_MESSAGE_BYTES,
            },
            task_queues=[
                Queue(queue, routing_key=queue)
                for queue in [*table.consumed(instance), PERIODIC_QUEUE]
            ],
            task_default_queue=PERIODIC_QUEUE,
            # Celery closes the database before and after each task, a third of an import's
            # time; `renew_connection` sees to connections instead.
            CELERY_DB_REUSE_MAX=1_000_000_000,
        )

    return app


@task_prerun.connect
def renew_connection(**_signal: object) -> None:
    """Drop a database connection that is too old or broken, as Django does before a request."""
    close_old_connections()


@celeryd_after_setup.connect
def consume_damaged_too(instance: Worker, **_signal: object) -> None:
    """Who consumes a queue consumes its damaged queue, so that none is forgotten."""
    queues = instance.app.amqp.queues
    for queue in list(queues.consume_from):
        if not queue.endswith(SUFFIX):
            queues.select_add(damaged_queue(queue))
