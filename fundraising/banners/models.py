"""What banners donors saw."""

from typing import ClassVar

from django.db import models

from queues.models import FromMessage


class BannerHistoryAssociation(FromMessage):
    """Which visit to the donation form came of which history of banners seen.

    ``message_id`` is that of the message that told it first.
    """

    banner_history_log_id = models.CharField(max_length=20)
    # A number of the sequence: the visit's own row may not be here yet.
    contribution_tracking_id = models.BigIntegerField(db_index=True)
    told_at = models.DateTimeField(
        null=True, blank=True, help_text="when it was first told, UTC; unknown comes before all"
    )

    class Meta:
        verbose_name = "banner history"
        verbose_name_plural = "banner histories"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["banner_history_log_id", "contribution_tracking_id"],
                name="banner_history_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.banner_history_log_id} {self.contribution_tracking_id}"
