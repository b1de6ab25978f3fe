"""Fraud scores and payment attempts in the admin."""

from fundraising.fredge.admin.payment_attempt import PaymentAttemptAdmin, PaymentAttemptLabelAdmin
from fundraising.fredge.admin.payments_fraud import PaymentsFraudAdmin
from fundraising.fredge.admin.payments_init import PaymentsInitAdmin

__all__ = [
    "PaymentAttemptAdmin",
    "PaymentAttemptLabelAdmin",
    "PaymentsFraudAdmin",
    "PaymentsInitAdmin",
]
