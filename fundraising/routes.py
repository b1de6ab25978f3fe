"""The list of queues, readable at a glance."""

from datetime import timedelta

from fundraising.crm.messages import DonationMessage
from fundraising.pending.messages import PendingMessage
from fundraising.tracking.messages import ContributionTrackingMessage
from queues.messages import Message
from queues.routes import RetryPolicy, Route, Routes

FRQUEUE = "frqueue"
DONOR_PREFS = "donor-prefs"

# A predecessor may still stand in a backlog, a processor may be away for a day.
PATIENT = RetryPolicy(attempts=12, first=timedelta(minutes=1), longest=timedelta(hours=6))

FOR_EVER = timedelta(days=36500)
YEAR = timedelta(days=365)
MONTH = timedelta(days=30)

# A queue without a task has no consumer yet: its messages wait on their list.
ROUTES = Routes(
    # queue, instance, task, schema, group, retry, how long damaged ones are kept
    Route("donations", FRQUEUE, "crm.donations", DonationMessage, 100, PATIENT, FOR_EVER),
    Route("donations-modify", FRQUEUE, None, Message, 1, PATIENT, FOR_EVER),
    Route("recurring", FRQUEUE, None, Message, 1, PATIENT, FOR_EVER),
    Route("refund", FRQUEUE, None, Message, 1, PATIENT, FOR_EVER),
    Route("settle", FRQUEUE, None, Message, 1, PATIENT, YEAR),
    Route("upi-donations", FRQUEUE, None, Message, 1, PATIENT, FOR_EVER),
    Route("pending", FRQUEUE, "pending.pending", PendingMessage, 100, PATIENT, MONTH),
    Route(
        "contribution-tracking",
        FRQUEUE,
        "tracking.contribution_tracking",
        ContributionTrackingMessage,
        100,
        PATIENT,
        YEAR,
    ),
    Route("payments-init", FRQUEUE, None, Message, 1, PATIENT, YEAR),
    Route("payments-antifraud", FRQUEUE, None, Message, 1, PATIENT, YEAR),
    Route("payment-attempts", FRQUEUE, None, Message, 1, PATIENT, MONTH),
    Route("opt-in", FRQUEUE, None, Message, 1, PATIENT, YEAR),
    Route("unsubscribe", FRQUEUE, None, Message, 1, PATIENT, YEAR),
    Route("lead-generation", FRQUEUE, None, Message, 1, PATIENT, YEAR),
    Route("banner-history", FRQUEUE, None, Message, 1, PATIENT, MONTH),
    Route("jobs-adyen", FRQUEUE, None, Message, 1, PATIENT, FOR_EVER),
    Route("jobs-amazon", FRQUEUE, None, Message, 1, PATIENT, FOR_EVER),
    Route("jobs-braintree", FRQUEUE, None, Message, 1, PATIENT, FOR_EVER),
    Route("jobs-chariot", FRQUEUE, None, Message, 1, PATIENT, FOR_EVER),
    Route("jobs-dlocal", FRQUEUE, None, Message, 1, PATIENT, FOR_EVER),
    Route("jobs-gravy", FRQUEUE, None, Message, 1, PATIENT, FOR_EVER),
    Route("jobs-ingenico", FRQUEUE, None, Message, 1, PATIENT, FOR_EVER),
    Route("jobs-paypal", FRQUEUE, None, Message, 1, PATIENT, FOR_EVER),
    Route("email-preferences", DONOR_PREFS, None, Message, 1, PATIENT, YEAR),
    Route("recurring-modify", DONOR_PREFS, None, Message, 1, PATIENT, FOR_EVER),
    Route("new-checksum-link", DONOR_PREFS, None, Message, 1, PATIENT, MONTH),
    Route("verify-email", DONOR_PREFS, None, Message, 1, PATIENT, YEAR),
)
