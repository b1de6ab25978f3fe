"""Columns of texts that cannot tell who a donor is: they stay when one is erased.

What stands neither here nor in :mod:`fundraising.privacy.holdings` makes a test fail, so
that nobody adds a column without a thought to whom it tells of. Free words in them are ours
(reasons), the processor's (error texts without values) or a choice of the form.
"""

from collections.abc import Mapping

_COLUMNS = {
    "queues.InboxMark": "queue key digest first_hop last_hop",
    "queues.OutboxMessage": "queue message_id",
    "queues.OutboxPassage": "queue consumer identity position in_hand reached",
    "queues.MoverPosition": "source queue consumer position",
    "queues.SequenceGuard": "name server",
    "queues.SequenceNumber": "name",
    "queues.DamagedMessage": (
        "status original_queue message_id gateway order_id gateway_txn_id code field error "
        "trace fingerprint"
    ),
    "queues.DamagedMessageEvent": "action reason",
    "queues.BulkResend": "status selection reason",
    "queues.BulkResendItem": "fault skipped",
    "queues.MoverState": "job_name source target consumer host position error",
    "queues.MaintenanceWindow": "instances reason by ended_by",
    "crm.Activity": (
        "message_id activity_type status tracking_campaign tracking_medium tracking_source"
    ),
    "crm.Contact": "message_id contact_type source optin_source optin_medium optin_campaign",
    "crm.Contribution": (
        "message_id currency original_currency source cancel_reason contribution_status "
        "financial_type payment_instrument no_thank_you trxn_id invoice_id order_id gateway "
        "gateway_txn_id gateway_account gateway_status_raw backend_processor "
        "backend_processor_txn_id backend_processor_reversal_id "
        "payment_orchestrator_reconciliation_id payment_orchestrator_reversal_id "
        "refund_trxn_id auth_id capture_id gift_fund gift_campaign gift_appeal gift_channel "
        "gift_package settlement_currency settlement_batch_reference "
        "settlement_batch_reversal_reference source_name source_type source_host "
        "source_run_id source_version"
    ),
    "crm.ExchangeRate": "currency",
    "crm.PaymentToken": "message_id gateway",
    "crm.TokenDeletion": "message_id gateway payment_method order_id",
    "crm.RecurringContribution": (
        "message_id currency frequency_unit status cancel_reason gateway processor_id "
        "payment_instrument financial_type trxn_id invoice_id initial_scheme_transaction_id "
        "payment_service_id rescue_reference original_country"
    ),
    "crm.RecurringEvent": "message_id kind queue rescue_reference",
    "pending.PendingTransaction": (
        "message_id gateway gateway_account order_id gateway_txn_id payment_method "
        "backend_processor backend_processor_txn_id payment_orchestrator_reconciliation_id"
    ),
    "tracking.ContributionTracking": (
        "currency utm_source utm_medium utm_campaign utm_key gateway appeal "
        "payments_form_variant banner banner_variant banner_size device_type landing_page "
        "mailing_identifier payment_method payment_submethod recurring_choice language "
        "country os os_version browser browser_version"
    ),
    "tracking.TrackingDataPoint": (
        "digest message_key source_name source_type source_host source_run_id source_version"
    ),
    "fredge.PaymentAttempt": (
        "message_id stamps order_id gateway payment_method payment_submethod currency utm_key "
        "utm_source utm_campaign utm_medium landing_page country ip_country language "
        "http_accept_language browser browser_version os os_version repeats"
    ),
    "fredge.PaymentAttemptLabel": "order_id",
    "fredge.PaymentsInit": (
        "message_id stamps order_id gateway gateway_txn_id validation_action "
        "payments_final_status payment_method payment_submethod country currency_code server"
    ),
    "fredge.PaymentsFraud": (
        "message_id stamps order_id gateway gateway_txn_id validation_action payment_method "
        "server breakdown_message_id"
    ),
    "fredge.PaymentsFraudBreakdown": "message_id filter_name",
    "gateways.ProcessorEvent": "message_id event_id queue gateway order_id gateway_txn_id",
    "mails.OutgoingMail": "message_id template key error",
    "privacy.Erasure": "by reason counts",
}

#: By table, as ``app.Model``.
IMPERSONAL: Mapping[str, frozenset[str]] = {
    table: frozenset(names.split()) for table, names in _COLUMNS.items()
}

#: Gone within seconds; an erasure waits for them (:mod:`fundraising.privacy.obstacles`).
PASSING: Mapping[str, frozenset[str]] = {"queues.OutboxMessage": frozenset({"body"})}
