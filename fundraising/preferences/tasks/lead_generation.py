"""The consumer of ``lead-generation``."""

from collections.abc import Sequence

from fundraising.crm.contacts.activities import note_once
from fundraising.crm.contacts.directory import Directory
from fundraising.crm.models import Activity
from fundraising.preferences import consent, subscribers
from fundraising.preferences.messages import LeadGenerationMessage
from queues import effects, locks
from queues.consumer import Received, group_consumer
from queues.outcomes import Damaged


@group_consumer("lead-generation")
def lead_generation(group: Sequence[Received[LeadGenerationMessage]]) -> None:
    """Those who signed up for our e-mail on a page that asks for nothing else."""
    locks.take(("donor", item.message.email.lower()) for item in group if item.message.email)
    effects.each_received(_sign_up)(group)


def _sign_up(item: Received[LeadGenerationMessage]) -> None:
    message = item.message
    subscribers.require_email(message.email, "MISSING_MANDATORY_DATA")
    if not message.leadgen_source:
        raise Damaged("MISSING_MANDATORY_DATA", "is missing", "leadgen_source")
    at = message.pushed_at or item.received_at
    donor = subscribers.subscriber(message, at)
    directory = Directory.load([donor], [])
    source = f"Leadgen: {message.leadgen_source}"
    profiles = subscribers.known(directory, donor, item.key) or [
        subscribers.new(directory, donor, item.key, source)
    ]
    directory.write()
    for profile in profiles:
        consent.opt_in(profile.contact, at, message_id=item.key, source=message.leadgen_source)
        note_once(
            Activity(
                contact=profile.contact,
                activity_type=Activity.Type.LEAD_GENERATION,
                activity_date=at,
                subject=source,
                message_id=item.key,
            )
        )
