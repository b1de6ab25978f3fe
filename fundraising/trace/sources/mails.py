"""What was written to the donor."""

from collections.abc import Iterator

from fundraising.mails.models import OutgoingMail
from fundraising.trace.clues import Clues
from fundraising.trace.entries import Entry, Tone, page_of

Status = OutgoingMail.Status


def entries(clues: Clues) -> Iterator[Entry]:
    """A line for each mail."""
    for row in OutgoingMail.objects.filter(contact__in=clues.contacts):
        yield Entry(
            at=row.sent_at or row.created_at,
            source="Mail",
            title=f"{row.template}: {row.get_status_display()}",
            facts={"language": row.language, "tried": row.attempts, "fault": row.error},
            tone=Tone.BAD if row.status == Status.FAILED else Tone.PLAIN,
            url=page_of(row),
            message_id=row.message_id,
        )
