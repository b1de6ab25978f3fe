"""Django application of what banners donors saw."""

from django.apps import AppConfig


class BannersConfig(AppConfig):
    name = "fundraising.banners"
    label = "banners"
    verbose_name = "Banners"
