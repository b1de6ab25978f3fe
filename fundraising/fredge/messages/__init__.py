"""The messages of fraud scores and payment attempts, one module a queue."""

from fundraising.fredge.messages.payment_attempts import PaymentAttemptMessage
from fundraising.fredge.messages.payments_antifraud import PaymentsAntifraudMessage
from fundraising.fredge.messages.payments_init import PaymentsInitMessage

__all__ = ["PaymentAttemptMessage", "PaymentsAntifraudMessage", "PaymentsInitMessage"]
