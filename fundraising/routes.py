"""The list of queues, readable at a glance."""

from datetime import timedelta

from fundraising.banners.messages import BannerHistoryMessage
from fundraising.crm.messages import (
    DonationMessage,
    DonationsModifyMessage,
    RecurringMessage,
    RecurringModifyMessage,
    RefundMessage,
    SettleMessage,
    UpiDonationMessage,
)
from fundraising.fredge.messages import (
    PaymentAttemptMessage,
    PaymentsAntifraudMessage,
    PaymentsInitMessage,
)
from fundraising.gateways.messages import JobMessage
from fundraising.pending.messages import PendingMessage
from fundraising.preferences.messages import (
    EmailPreferencesMessage,
    LeadGenerationMessage,
    NewChecksumLinkMessage,
    OptInMessage,
    UnsubscribeMessage,
    VerifyEmailMessage,
)
from fundraising.tracking.messages import ContributionTrackingMessage
from queues.routes import RetryPolicy, Route, Routes

FRQUEUE = "frqueue"
DONOR_PREFS = "donor-prefs"

# A predecessor may still stand in a backlog, a processor may be away for a day.
PATIENT = RetryPolicy(attempts=12, first=timedelta(minutes=1), longest=timedelta(hours=6))

FOR_EVER = timedelta(days=36500)
YEAR = timedelta(days=365)
MONTH = timedelta(days=30)

# fmt: off
ROUTES = Routes(
    #     queue                    instance     task                              schema                       group  retry    keep damaged  formerly
    Route("donations",             FRQUEUE,     "crm.donations",                  DonationMessage,             100, PATIENT, FOR_EVER),
    Route("donations-modify",      FRQUEUE,     "crm.donations_modify",           DonationsModifyMessage,      20,  PATIENT, FOR_EVER),
    Route("recurring",             FRQUEUE,     "crm.recurring",                  RecurringMessage,            20,  PATIENT, FOR_EVER, "donations_recurring"),
    Route("refund",                FRQUEUE,     "crm.refund",                     RefundMessage,               20,  PATIENT, FOR_EVER, "refund-notifications"),
    Route("settle",                FRQUEUE,     "crm.settle",                     SettleMessage,               100, PATIENT, YEAR),
    Route("upi-donations",         FRQUEUE,     "crm.upi_donations",              UpiDonationMessage,          20,  PATIENT, FOR_EVER),
    Route("pending",               FRQUEUE,     "pending.pending",                PendingMessage,              100, PATIENT, MONTH),
    Route("contribution-tracking", FRQUEUE,     "tracking.contribution_tracking", ContributionTrackingMessage, 100, PATIENT, YEAR,     "contribution_tracking"),
    Route("payments-init",         FRQUEUE,     "fredge.payments_init",           PaymentsInitMessage,         100, PATIENT, YEAR),
    Route("payments-antifraud",    FRQUEUE,     "fredge.payments_antifraud",      PaymentsAntifraudMessage,    100, PATIENT, YEAR),
    Route("payment-attempts",      FRQUEUE,     "fredge.payment_attempts",        PaymentAttemptMessage,       100, PATIENT, MONTH),
    Route("opt-in",                FRQUEUE,     "preferences.opt_in",             OptInMessage,                20,  PATIENT, YEAR),
    Route("unsubscribe",           FRQUEUE,     "preferences.unsubscribe",        UnsubscribeMessage,          20,  PATIENT, YEAR),
    Route("lead-generation",       FRQUEUE,     "preferences.lead_generation",    LeadGenerationMessage,       20,  PATIENT, YEAR),
    Route("banner-history",        FRQUEUE,     "banners.banner_history",         BannerHistoryMessage,        100, PATIENT, MONTH),
    Route("jobs-adyen",            FRQUEUE,     "gateways.jobs_adyen",            JobMessage,                  20,  PATIENT, FOR_EVER),
    Route("jobs-amazon",           FRQUEUE,     "gateways.jobs_amazon",           JobMessage,                  20,  PATIENT, FOR_EVER),
    Route("jobs-braintree",        FRQUEUE,     "gateways.jobs_braintree",        JobMessage,                  20,  PATIENT, FOR_EVER),
    Route("jobs-chariot",          FRQUEUE,     "gateways.jobs_chariot",          JobMessage,                  20,  PATIENT, FOR_EVER),
    Route("jobs-dlocal",           FRQUEUE,     "gateways.jobs_dlocal",           JobMessage,                  20,  PATIENT, FOR_EVER),
    Route("jobs-gravy",            FRQUEUE,     "gateways.jobs_gravy",            JobMessage,                  20,  PATIENT, FOR_EVER),
    Route("jobs-ingenico",         FRQUEUE,     "gateways.jobs_ingenico",         JobMessage,                  20,  PATIENT, FOR_EVER),
    Route("jobs-paypal",           FRQUEUE,     "gateways.jobs_paypal",           JobMessage,                  20,  PATIENT, FOR_EVER),
    Route("email-preferences",     DONOR_PREFS, "preferences.email_preferences",  EmailPreferencesMessage,     20,  PATIENT, YEAR),
    Route("recurring-modify",      DONOR_PREFS, "crm.recurring_modify",           RecurringModifyMessage,      20,  PATIENT, FOR_EVER),
    Route("new-checksum-link",     DONOR_PREFS, "preferences.new_checksum_link",  NewChecksumLinkMessage,      20,  PATIENT, MONTH),
    Route("verify-email",          DONOR_PREFS, "preferences.verify_email",       VerifyEmailMessage,          20,  PATIENT, YEAR),
)
# fmt: on
