"""Mails to donors: a row that commits with what caused it, then sent once.

A mail is tried by the process that wrote it right after the commit; what fails there is left
to beat. No Redis has a part in it, so neither instance can keep the other's mails back.
"""

import logging
import smtplib
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from django.db import DatabaseError, transaction
from django.utils import timezone

from fundraising.crm.models import Contact
from fundraising.mails import rendering
from fundraising.mails.kinds import KINDS, VERIFY_EMAIL
from fundraising.mails.models import OutgoingMail
from queues.routes import RetryPolicy

log = logging.getLogger(__name__)

Status = OutgoingMail.Status

RETRY = RetryPolicy(attempts=10, first=timedelta(minutes=1), longest=timedelta(hours=6))
# Seconds for which consumers leave mails to beat when the mail system does not answer, so
# that an outage costs a group of messages one time-out and not one a message.
PAUSE = 60.0
_paused_until = 0.0


def send_later(
    template: str,
    contact: Contact,
    *,
    key: str,
    context: Mapping[str, str],
    to: str = "",
    message_id: str = "",
) -> None:
    """Send a mail when this transaction has committed, and never if it does not.

    ``template`` and what its ``context`` must hold: :data:`fundraising.mails.kinds.KINDS`.
    ``key`` is the cause, such as the key of a message (name the message by ``message_id``
    where it is another): for one (template, key) there is one mail, whoever asks how often.
    It goes to the contact's primary address, in the contact's language; without one nothing
    is sent, and the row says so. ``to`` is for mails that verify an address: the links of
    all others let in whoever reads them.

    Raises ``KeyError`` for an unknown template, ``ValueError`` for a context that lacks
    something and ``TransactionManagementError`` outside a transaction.
    """
    if to and KINDS[template].page != VERIFY_EMAIL:
        raise ValueError(f"{template} goes to the contact's own address only")
    if missing := KINDS[template].needs - context.keys():
        raise ValueError(f"{template} needs {', '.join(sorted(missing))}")
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("a mail needs a transaction")
    recipient, reason = _recipient(contact, to)
    mail, is_new = OutgoingMail.objects.get_or_create(
        template=template,
        key=key,
        defaults={
            "contact": contact,
            "recipient": recipient,
            "language": contact.preferred_language,
            "context": dict(context),
            "status": Status.WITHHELD if reason else Status.WAITING,
            "error": reason,
            "message_id": message_id or key[:64],
        },
    )
    if is_new and not reason:
        transaction.on_commit(partial(_send_now, mail.pk))


def send_due(limit: int = 500) -> int:
    """Send mails whose time has come; returns how many.

    Ends early when the mail system does not answer: the next run tries again.
    """
    due = OutgoingMail.objects.filter(status=Status.WAITING, next_try_at__lte=timezone.now())
    sent = 0
    for mail_id in list(due.order_by("next_try_at", "pk").values_list("pk", flat=True)[:limit]):
        try:
            sent += send(mail_id)
        except MailSystemAway:
            break
    return sent


def send_again(mail_id: int) -> bool:
    """A person says that a failed mail is to be tried again; whether it had failed."""
    failed = OutgoingMail.objects.filter(pk=mail_id, status=Status.FAILED)
    return bool(
        failed.update(status=Status.WAITING, attempts=0, next_try_at=timezone.now(), error="")
    )


class MailSystemAway(Exception):
    """Nobody takes mails at the moment; the one that was tried waits for its next try."""


def send(mail_id: int) -> bool:
    """Send a mail that waits, unless another process has it in hand; whether it was sent.

    A failure is noted in its row. Raises :class:`MailSystemAway` and ``DatabaseError``.

    The row stays locked while the mail system takes the mail and says in the same
    transaction that it did, so two processes never send one mail. Only where a process dies
    between the mail system's answer and the commit is the mail sent again, with the same
    Message-ID: at that instant it is at least once.
    """
    with transaction.atomic():
        rows = OutgoingMail.objects.filter(pk=mail_id, status=Status.WAITING)
        # On SQLite the transaction itself is the lock: there is one writer at a time.
        if transaction.get_connection().features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        mail = rows.select_related("contact").first()
        if mail is None:
            return False
        error = _try(mail)
        if error is None:
            mail.status, mail.sent_at, mail.error = Status.SENT, timezone.now(), ""
        else:
            _postpone(mail, error)
        mail.save()
    if error is None:
        log.info("mail %s sent mail_id=%d", mail.template, mail.pk)
        return True
    if mail.status == Status.FAILED:
        log.critical("mail %s needs a person mail_id=%d", mail.template, mail.pk)
    else:
        log.warning("mail %s waits mail_id=%d: %s", mail.template, mail.pk, mail.error)
    if _is_away(error):
        raise MailSystemAway from error
    return False


def _try(mail: OutgoingMail) -> Exception | None:
    try:
        rendering.message(mail).send()
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever a template or a mail system does)
        return error
    return None


def _postpone(mail: OutgoingMail, error: Exception) -> None:
    mail.attempts += 1
    # The text of the error is left out: it often holds the address.
    mail.error = " ".join(map(str, filter(None, [type(error).__name__, _reply(error)])))
    delay = RETRY.delay(mail.attempts)
    if delay is None:
        mail.status = Status.FAILED
    else:
        mail.next_try_at = timezone.now() + delay


def _reply(error: Exception) -> int | None:
    """The code of the mail system's reply, the first where it refused several recipients."""
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return next((code for code, _ in error.recipients.values()), None)
    return None


def _is_away(error: Exception) -> bool:
    away = (smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError, smtplib.SMTPHeloError)
    is_refusal = isinstance(error, smtplib.SMTPException)
    return isinstance(error, away) or (isinstance(error, OSError) and not is_refusal)


def _send_now(mail_id: int) -> None:
    """Send right after the commit. The row is safe, so a failure is left to beat."""
    global _paused_until
    if time.monotonic() < _paused_until:
        return
    try:
        send(mail_id)
    except MailSystemAway:
        _paused_until = time.monotonic() + PAUSE
    except DatabaseError as error:
        log.warning("mail_id=%d waits for beat: %s", mail_id, type(error).__name__)


def _recipient(contact: Contact, to: str) -> tuple[str, str]:
    """The address to write to, and the reason not to."""
    if contact.is_deceased:
        return "", "the donor is deceased"
    if to:
        return to, ""
    primary = contact.emails.filter(is_primary=True).first()
    if primary is None:
        return "", "the contact has no primary e-mail address"
    if primary.on_hold:
        return primary.email, "the address is on hold"
    return primary.email, ""
