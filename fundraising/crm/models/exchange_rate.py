"""What currencies were worth."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class ExchangeRate(models.Model):
    """A bank's figure: one unit of ``currency`` is worth so many USD from ``bank_update`` on."""

    currency = models.CharField(max_length=3)
    value_in_usd = models.DecimalField(max_digits=24, decimal_places=14)
    bank_update = models.DateTimeField()
    local_update = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["currency", "bank_update"], name="exchange_rate_currency_update"
            ),
        ]
        ordering: ClassVar = ["-bank_update", "currency"]

    def __str__(self) -> str:
        return f"{self.currency} {self.bank_update:%Y-%m-%d}"
