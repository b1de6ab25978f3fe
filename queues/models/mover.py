"""Queue movers: what each one does, and how it gets on."""

from typing import ClassVar

from django.db import models


class MoverState(models.Model):
    """A mover as it told of itself last; nothing depends on it."""

    job_name = models.CharField("job", max_length=255, unique=True)
    source = models.TextField(help_text="place and queue")
    target = models.TextField(help_text="place and queue")
    consumer = models.CharField(max_length=255)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField("process", default=0)
    started_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True, help_text="empty while it runs, or if it died")
    seen_at = models.DateTimeField(null=True, help_text="when it told of itself last")
    position = models.CharField(max_length=255, help_text="of the source, on the target")
    moved_at = models.DateTimeField("last batch", null=True)
    batch_events = models.PositiveIntegerField("events in it", default=0)
    events_total = models.PositiveBigIntegerField("events moved", default=0)
    set_aside_total = models.PositiveBigIntegerField("events set aside", default=0)
    measured_at = models.DateTimeField("lag measured at", null=True)
    lag_seconds = models.FloatField("lag", null=True, help_text="seconds")
    backlog_events = models.PositiveBigIntegerField(
        "backlog", null=True, help_text="events, where the source can tell"
    )
    events_per_second = models.FloatField("rate", null=True, help_text="events a second")
    failing = models.BooleanField(default=False)
    error = models.TextField("last error", blank=True)
    error_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "queue mover"
        ordering: ClassVar = ["job_name"]

    def __str__(self) -> str:
        return self.job_name
