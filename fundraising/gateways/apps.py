"""Django application of payment processors."""

from django.apps import AppConfig


class GatewaysConfig(AppConfig):
    name = "fundraising.gateways"
    label = "gateways"
    verbose_name = "Gateways"
