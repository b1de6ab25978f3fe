"""The tasks of mails."""

from fundraising.mails.tasks.send_due import send_due

__all__ = ["send_due"]
