"""Fraud scores, payment attempts and their outcome."""

from fundraising.fredge.models.payment_attempt import PaymentAttempt, PaymentAttemptLabel
from fundraising.fredge.models.payments_fraud import PaymentsFraud, PaymentsFraudBreakdown
from fundraising.fredge.models.payments_init import PaymentsInit

__all__ = [
    "PaymentAttempt",
    "PaymentAttemptLabel",
    "PaymentsFraud",
    "PaymentsFraudBreakdown",
    "PaymentsInit",
]
