"""The tasks of fraud scores and payment attempts: thin, a file a queue."""

from fundraising.fredge.tasks.payment_attempts import payment_attempts
from fundraising.fredge.tasks.payments_antifraud import payments_antifraud
from fundraising.fredge.tasks.payments_init import payments_init

__all__ = ["payment_attempts", "payments_antifraud", "payments_init"]
