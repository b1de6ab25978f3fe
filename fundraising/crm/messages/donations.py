"""The ``donations`` message."""

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import ConfigDict, Field

from fundraising.crm.messages.fields import (
    Amount,
    Choice,
    Code,
    CurrencyCode,
    Email,
    Extra,
    Flag,
    Id,
    Moment,
    Number,
    OrderId,
    Text,
)
from queues.messages import Message, validate
from queues.wire import Json

REQUIRED = ("currency", "gross", "gateway", "gateway_txn_id")


class DonationMessage(Message):
    """A payment that was taken, as its front end, listener, job or audit tells it.

    Nothing is required here: a *sparse* message (``completion_message_id``) holds only what
    its pending row lacks. Ask :meth:`missing` after :meth:`completed_with`.
    Text that is absent is ``""``; ``gross``, ``fee`` and ``net`` are in ``currency``.
    """

    MANDATORY: ClassVar[tuple[str, ...]] = REQUIRED

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    __pydantic_extra__: dict[str, Extra] = Field(init=False)

    gateway: Code = ""
    gateway_txn_id: Id = ""
    gateway_refund_id: Id = ""
    gateway_account: Id = ""
    gateway_status: Id = ""
    order_id: OrderId = ""
    invoice_id: OrderId = ""
    completion_message_id: Id = ""
    contribution_tracking_id: Number = None
    date: Moment = None
    type: Code = ""
    txn_type: Code = ""

    gross: Amount = None
    fee: Amount = None
    net: Amount = None
    currency: CurrencyCode = ""
    original_gross: Amount = None
    original_currency: CurrencyCode = ""
    original_fee_amount: Amount = None

    payment_method: Code = ""
    payment_submethod: Code = ""
    payment_instrument: Id = ""
    payment_instrument_id: Id = ""
    raw_payment_instrument: Id = ""
    financial_type_id: Id = ""
    contribution_status_id: Id = ""

    backend_processor: Id = ""
    backend_processor_txn_id: Id = ""
    auth_id: Id = ""
    capture_id: Id = ""
    payment_orchestrator_reconciliation_id: Id = ""

    recurring: Flag = False
    contribution_recur_id: Id = ""
    subscr_id: Id = ""
    recurring_payment_token: Id = ""
    processor_contact_id: Id = ""
    initial_scheme_transaction_id: Id = ""
    payment_service_id: Id = ""
    frequency_unit: Code = ""
    frequency_interval: Number = None
    installments: Number = None
    start_date: Moment = None
    create_date: Moment = None
    is_autorescue: Flag = False
    is_successful_autorescue: Flag = False
    rescue_reference: Id = ""

    contact_id: Id = ""
    contact_hash: Id = ""
    checksum: Id = ""
    first_name: Text = ""
    middle_name: Text = ""
    last_name: Text = ""
    full_name: Text = ""
    organization_name: Text = ""
    prefix: Text = ""
    suffix: Text = ""
    nick_name: Text = ""
    first_name_phonetic: Text = ""
    last_name_phonetic: Text = ""
    partner_full_name: Text = ""
    email: Email = ""
    billing_email: Email = ""
    phone: Id = ""
    sms_opt_in: Flag = False
    recipient_id: Id = ""
    street_address: Text = ""
    supplemental_address_1: Text = ""
    supplemental_address_2: Text = ""
    city: Text = ""
    state_province: Text = ""
    postal_code: Text = ""
    country: Text = ""
    url_country: Text = ""
    language: Id = ""
    opt_in: Choice = None
    employer: Text = ""
    employer_id: Id = ""
    fiscal_number: Text = ""
    external_identifier: Id = ""
    user_ip: Id = ""

    utm_source: Text = ""
    utm_medium: Text = ""
    utm_campaign: Text = ""
    utm_key: Text = ""
    direct_mail_appeal: Text = ""
    gift_source: Text = ""
    restrictions: Text = ""
    channel: Text = ""
    no_thank_you: Text = ""
    gift_data_appeal: Text = Field("", alias="Gift_Data.Appeal")
    gift_data_campaign: Text = Field("", alias="Gift_Data.Campaign")
    gift_data_channel: Text = Field("", alias="Gift_Data.Channel")
    gift_data_fund: Text = Field("", alias="Gift_Data.Fund")
    gift_data_package: Text = Field("", alias="Gift_Data.Package")

    settled_date: Moment = None
    settled_currency: CurrencyCode = ""
    settled_total_amount: Amount = None
    settled_fee_amount: Amount = None
    settled_net_amount: Amount = None
    settlement_batch_reference: Id = ""

    is_daf: Flag = False
    is_matching_gift: Flag = False

    @property
    def is_sparse(self) -> bool:
        """Must be merged with its pending row before use."""
        return bool(self.completion_message_id)

    @property
    def is_recurring(self) -> bool:
        """An instalment, of a recurring contribution that exists or is to be made."""
        return self.recurring or bool(self.contribution_recur_id)

    @property
    def is_offline(self) -> bool:
        """A donor-advised fund's or an employer's gift, which this import has no rules for."""
        return self.is_daf or self.is_matching_gift or self.gateway == "chariot"

    def missing(self) -> list[str]:
        """Names of the required fields that are absent, the text of CIVI_REQ_FIELD."""
        present = {
            "currency": bool(self.currency or self.original_currency),
            "gross": self.gross is not None,
            "gateway": bool(self.gateway),
            "gateway_txn_id": bool(self.gateway_txn_id),
        }
        return [name for name in REQUIRED if not present[name]]

    def completed_with(self, pending: Mapping[str, Json]) -> Self:
        """This message with the fields it lacks from its pending row's message.

        A key of this message wins even when blank; the row's own id is dropped.
        Raises ``Damaged`` when the row's fields are not valid.
        """
        ours = self.model_dump(by_alias=True, exclude_unset=True)
        theirs = {key: value for key, value in pending.items() if key != "pending_id"}
        return validate(type(self), {**theirs, **ours})
