"""Django application of the e-mails that we send to donors."""

from django.apps import AppConfig


class MailsConfig(AppConfig):
    name = "fundraising.mails"
    label = "mails"
    verbose_name = "Mails"
