"""The row of a contribution, as a donation tells it."""

from fundraising.crm import columns
from fundraising.crm.donation import Donation
from fundraising.crm.ledger import is_payment
from fundraising.crm.models import Contact, Contribution, RecurringContribution


def from_donation(
    donation: Donation,
    *,
    message_key: str,
    contact: Contact,
    record: RecurringContribution | None,
    invoice_id: str | None,
    tracking_id: int | None,
) -> Contribution:
    """The contribution of a donation, unsaved; contact and record may be unsaved yet."""
    fields, hop, gift = donation.gateway_fields, donation.provenance, donation.gift
    contribution = Contribution(
        contact=contact,
        contribution_recur=record,
        is_payment=is_payment(donation),
        total_amount=donation.usd.gross,
        fee_amount=donation.usd.fee,
        net_amount=donation.usd.net,
        currency=donation.usd.currency,
        original_currency=donation.original.currency,
        original_amount=donation.original.gross,
        original_fee_amount=donation.original.fee,
        source=donation.source,
        receive_date=donation.received,
        contribution_status=donation.status,
        financial_type=donation.financial_type,
        payment_instrument=donation.payment_instrument,
        no_thank_you=donation.no_thank_you,
        trxn_id=donation.trxn_id,
        invoice_id=invoice_id,
        order_id=donation.order_id,
        gateway=donation.gateway,
        gateway_txn_id=donation.gateway_txn_id,
        gateway_account=fields.gateway_account,
        gateway_status_raw=fields.gateway_status,
        backend_processor=fields.backend_processor,
        backend_processor_txn_id=fields.backend_processor_txn_id,
        payment_orchestrator_reconciliation_id=fields.payment_orchestrator_reconciliation_id,
        auth_id=fields.auth_id,
        capture_id=fields.capture_id,
        contribution_tracking_id=tracking_id,
        gift_fund=gift.fund,
        gift_campaign=gift.campaign,
        gift_appeal=gift.appeal,
        gift_channel=gift.channel,
        gift_package=gift.package,
        is_major_gift=gift.is_major_gift,
        message_id=message_key,
        source_name=hop.name,
        source_type=hop.type,
        source_host=hop.host,
        source_run_id=hop.run_id,
        source_version=hop.version,
        source_enqueued_time=hop.enqueued_time,
    )
    _settle(contribution, donation)
    columns.fit(contribution)
    return contribution


def _settle(contribution: Contribution, donation: Donation) -> None:
    settlement = donation.settlement
    if settlement is not None:
        contribution.settlement_date = settlement.date
        contribution.settlement_currency = settlement.currency
        contribution.settlement_batch_reference = settlement.batch_reference
        contribution.settled_donation_amount = settlement.total
        contribution.settled_fee_amount = settlement.fee
