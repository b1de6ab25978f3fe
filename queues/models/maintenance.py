"""Maintenance windows: while one is open, nothing is consumed and staff enqueue nothing."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone


class MaintenanceWindow(models.Model):
    """When consumption was stopped, by whom and why; at most one is open."""

    instances = models.JSONField(help_text="the Redis instances that are held")
    reason = models.CharField(max_length=255)
    since = models.DateTimeField(default=timezone.now)
    by = models.CharField("begun by", max_length=255)
    drained_at = models.DateTimeField(
        null=True, blank=True, help_text="when workers had first finished what they had"
    )
    until = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=255, blank=True)

    class Meta:
        verbose_name = "maintenance window"
        ordering: ClassVar = ["-since", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                models.Value(1), condition=Q(until=None), name="one_open_maintenance_window"
            )
        ]

    def __str__(self) -> str:
        return f"maintenance window {self.pk}"
