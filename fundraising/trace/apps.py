"""Django application of the page that tells all there is to know of a payment or a donor."""

from django.apps import AppConfig


class TraceConfig(AppConfig):
    name = "fundraising.trace"
    label = "trace"
    verbose_name = "Trace"
