"""Mail systems that fail, as back ends of Django's mail framework."""

import smtplib
from collections.abc import Sequence
from threading import Event
from typing import ClassVar

from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend


class Refusing(EmailBackend):
    """Answers, and takes no mail for these recipients; says so with their addresses."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        refused = {address: (550, b"no such user") for mail in messages for address in mail.to}
        raise smtplib.SMTPRecipientsRefused(refused)


class Away(EmailBackend):
    """Does not answer; counts how often it was asked."""

    asked: ClassVar[int] = 0

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:  # noqa: ARG002
        Away.asked += 1
        raise TimeoutError


class Slow(EmailBackend):
    """Takes a mail only when it is told to."""

    began = Event()
    go_on = Event()

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        self.began.set()
        assert self.go_on.wait(30)
        return super().send_messages(messages)
