"""The messages of what donors want to hear from us, one module a queue."""

from fundraising.preferences.messages.email_preferences import EmailPreferencesMessage
from fundraising.preferences.messages.lead_generation import LeadGenerationMessage
from fundraising.preferences.messages.new_checksum_link import NewChecksumLinkMessage
from fundraising.preferences.messages.opt_in import OptInMessage
from fundraising.preferences.messages.unsubscribe import UnsubscribeMessage
from fundraising.preferences.messages.verify_email import VerifyEmailMessage

__all__ = [
    "EmailPreferencesMessage",
    "LeadGenerationMessage",
    "NewChecksumLinkMessage",
    "OptInMessage",
    "UnsubscribeMessage",
    "VerifyEmailMessage",
]
