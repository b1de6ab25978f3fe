"""The tasks of what donors want to hear from us: thin, a file a queue."""

from fundraising.preferences.tasks.email_preferences import email_preferences
from fundraising.preferences.tasks.lead_generation import lead_generation
from fundraising.preferences.tasks.new_checksum_link import new_checksum_link
from fundraising.preferences.tasks.opt_in import opt_in
from fundraising.preferences.tasks.unsubscribe import unsubscribe
from fundraising.preferences.tasks.verify_email import verify_email

__all__ = [
    "email_preferences",
    "lead_generation",
    "new_checksum_link",
    "opt_in",
    "unsubscribe",
    "verify_email",
]
