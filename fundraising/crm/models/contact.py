"""Whoever gives, and the ways to reach them."""

import secrets
from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from queues.models import FromMessage


def new_hash() -> str:
    """The secret that a contact's checksums are made with."""
    return secrets.token_hex(16)


class LowerCaseEmailField(models.EmailField):  # type: ignore[type-arg]  # not at run time
    """An e-mail address, stored and looked up in lower case, so that an index finds it."""

    def get_prep_value(self, value: object) -> object:
        prepared = super().get_prep_value(value)
        return prepared.lower() if isinstance(prepared, str) else prepared


class Contact(FromMessage):
    """A donor."""

    class Type(models.TextChoices):
        INDIVIDUAL = "Individual", "Individual"
        ORGANIZATION = "Organization", "Organization"

    contact_type = models.CharField(max_length=16, choices=Type.choices, default=Type.INDIVIDUAL)
    first_name = models.CharField(max_length=64, blank=True)
    middle_name = models.CharField(max_length=64, blank=True)
    last_name = models.CharField(max_length=64, blank=True)
    prefix = models.CharField(max_length=64, blank=True)
    suffix = models.CharField(max_length=64, blank=True)
    nick_name = models.CharField(max_length=128, blank=True)
    first_name_phonetic = models.CharField(max_length=64, blank=True)
    last_name_phonetic = models.CharField(max_length=64, blank=True)
    partner_full_name = models.CharField(max_length=255, blank=True)
    organization_name = models.CharField(max_length=128, blank=True)
    display_name = models.CharField(max_length=255, blank=True)
    addressee = models.CharField(max_length=128, blank=True, help_text="the full name as written")
    source = models.CharField(max_length=255, blank=True, help_text="how we met")
    preferred_language = models.CharField(max_length=16, blank=True, help_text="such as es_MX")
    legal_identifier = models.CharField(max_length=32, blank=True, help_text="fiscal number")
    employer = models.CharField(max_length=255, blank=True)
    employer_contact_id = models.BigIntegerField(
        null=True, blank=True, help_text="the employer's own contact, as the front end gave it"
    )
    employer_provided_by_donor = models.BooleanField(default=False)

    is_opt_out = models.BooleanField("no bulk e-mail", default=False)
    do_not_email = models.BooleanField(default=False)
    do_not_mail = models.BooleanField(default=False)
    do_not_phone = models.BooleanField(default=False)
    do_not_sms = models.BooleanField(default=False)
    do_not_trade = models.BooleanField(default=False)
    do_not_solicit = models.BooleanField(default=False)
    opt_in = models.BooleanField(null=True, blank=True)
    optin_source = models.CharField(max_length=255, blank=True)
    optin_medium = models.CharField(max_length=255, blank=True)
    optin_campaign = models.CharField(max_length=255, blank=True)

    # Who the donor is at a processor; found again by these when names and e-mail differ.
    fundraiseup_id = models.CharField(max_length=64, blank=True)
    gravy_id = models.CharField(max_length=64, blank=True)
    paypal_payer_id = models.CharField(max_length=64, blank=True)
    venmo_user_name = models.CharField(max_length=64, blank=True)

    hash = models.CharField(max_length=32, default=new_hash, editable=False)
    is_deceased = models.BooleanField(default=False)
    is_deleted = models.BooleanField(default=False)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    modified_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["last_name", "first_name"], name="contact_name"),
            *(
                models.Index(
                    fields=[name], name=f"contact_{name}", condition=~models.Q(**{name: ""})
                )
                for name in ("fundraiseup_id", "gravy_id", "paypal_payer_id", "venmo_user_name")
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or f"contact {self.pk}"


class Email(FromMessage):
    """An e-mail address of a contact.

    ``location_type`` says where it came from: Home is the donor's own word; apple, google,
    paypal, venmo and ach are what the payment method told.
    """

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="emails")
    email = LowerCaseEmailField(max_length=254, db_index=True)
    location_type = models.CharField(max_length=32, default="Home")
    is_primary = models.BooleanField(default=False)
    on_hold = models.BooleanField(default=False)
    snooze_date = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contact"],
                condition=models.Q(is_primary=True),
                name="email_primary_once",
            ),
        ]

    def __str__(self) -> str:
        return str(self.email)


class Address(FromMessage):
    """A postal address of a contact, one for each location."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="addresses")
    location_type = models.CharField(max_length=32, default="Home")
    is_primary = models.BooleanField(default=False)
    is_billing = models.BooleanField(default=False)
    street_address = models.CharField(max_length=255, blank=True)
    supplemental_address_1 = models.CharField(max_length=255, blank=True)
    supplemental_address_2 = models.CharField(max_length=255, blank=True)
    city = models.CharField(max_length=64, blank=True)
    postal_code = models.CharField(max_length=64, blank=True)
    postal_code_suffix = models.CharField(max_length=12, blank=True)
    state_province = models.CharField(
        max_length=64, blank=True, help_text="ISO 3166-2, the part after the hyphen"
    )
    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166-1 alpha-2")

    class Meta:
        verbose_name_plural = "addresses"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contact", "location_type"], name="address_location"),
        ]
        indexes: ClassVar = [
            models.Index(Lower("street_address"), name="address_street"),
        ]

    def __str__(self) -> str:
        return f"{self.location_type} address {self.pk}"


class Phone(FromMessage):
    """A telephone number of a contact."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="phones")
    phone = models.CharField(max_length=64, db_index=True)
    phone_type = models.CharField(max_length=16, default="Phone")
    location_type = models.CharField(max_length=32, default="Home")
    phone_source = models.CharField(max_length=32, blank=True)
    country_code = models.CharField(max_length=8, blank=True)
    recipient_id = models.CharField(max_length=255, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.phone_type} {self.pk}"
