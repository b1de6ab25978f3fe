"""System check: how long rows are kept, within what is safe and allowed."""

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from fundraising.privacy.retention import RULES


@register()
def retention(**_options: object) -> list[CheckMessage]:
    """Each setting is within its bounds."""
    problems: list[CheckMessage] = []
    for rule in RULES:
        try:
            _ = rule.kept
        except ImproperlyConfigured as error:
            problems.append(Error(str(error), id="privacy.E001"))
    return problems
