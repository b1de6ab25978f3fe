"""What contribution tracking knows of the visits that donors came by."""

from collections.abc import Mapping

from fundraising.crm.contacts import languages
from fundraising.crm.contacts.profiles import Profile
from fundraising.tracking.models import ContributionTracking


def contact_of(tracking_id: int | None) -> int | None:
    """The contact whose contribution a visit led to; None as long as none is linked."""
    if tracking_id is None:
        return None
    linked = ContributionTracking.objects.filter(pk=tracking_id)
    return linked.values_list("contribution__contact", flat=True).first()


def set_languages(silent: Mapping[int, Profile]) -> None:
    """New donors, by their visit, whose message tells no language: that of the form."""
    if silent:
        visits = ContributionTracking.objects.filter(pk__in=silent)
        for number, language, country in visits.values_list("pk", "language", "country"):
            silent[number].contact.preferred_language = languages.preferred(language, country)
