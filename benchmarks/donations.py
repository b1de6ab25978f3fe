"""Messages for the import: each a donor not known yet, with a visit to link, as most are.

Every identity in a message is made of its number, which has nine digits and occurs nowhere
else, so that the rows of one message tell those of any other (:mod:`benchmarks.rows`).
"""

import json
import time
from dataclasses import dataclass
from typing import Any

QUEUE = "donations"
TRACKING = "contribution-tracking"
FIRST_NUMBER = 100_000_000


@dataclass(frozen=True)
class Donor:
    """What differs between the kinds of messages."""

    first_name: str
    last_name: str
    street: str
    city: str
    postal_code: str
    country: str
    language: str
    currency: str
    gross: str
    gateway: str
    payment_submethod: str


DONORS = (
    Donor("Ada", "Byron", "St James's Sq", "London", "SW1Y 4JH", "GB", "en", "GBP", "20.00",
          "adyen", "visa"),
    Donor("Søren", "Østergård", "Nørregade", "København", "1165", "DK", "da", "DKK", "100.00",
          "adyen", "mc"),
    Donor("Grace", "Murray", "E 32nd St", "New York", "10016", "US", "en", "USD", "3.10",
          "gravy", "visa"),
    Donor("Мария", "Кюри", "Rue Cuvier", "Paris", "75005", "FR", "fr", "EUR", "12.00",
          "adyen", "visa"),
    Donor("Emmy", "Noether", "Hauptstraße", "Erlangen", "91054", "DE", "de", "EUR", "25.00",
          "dlocal", "mc"),
    Donor("明", "山田", "千代田", "東京", "100-0001", "JP", "ja", "JPY", "1500",
          "adyen", "visa"),
    Donor("Alan", "Mathison", "Market St", "San Francisco", "94103", "US", "en", "USD", "50.00",
          "gravy", "amex"),
    Donor("Sofía", "Ñúñez", "Av. Juárez", "Oaxaca", "68000", "MX", "es", "USD", "9.99",
          "gravy", "mc"),
)  # fmt: skip


def message(number: int) -> bytes:
    """The JSON of one message; those whose numbers differ by len(DONORS) are of one kind."""
    donor = DONORS[number % len(DONORS)]
    now = int(time.time())
    value: dict[str, Any] = {
        "message_id": f"benchmark-{number}",
        "gateway": donor.gateway,
        "gateway_txn_id": f"TXN{number}",
        "gateway_account": "default",
        "order_id": f"{number}.1",
        "contribution_tracking_id": str(number),
        "date": now - 60,
        "gross": donor.gross,
        "currency": donor.currency,
        "payment_method": "cc",
        "payment_submethod": donor.payment_submethod,
        "recurring": "",
        "email": f"donor{number}@example.org",
        "first_name": donor.first_name,
        "last_name": donor.last_name,
        "street_address": f"{donor.street} {number}",
        "supplemental_address_1": "",
        "city": donor.city,
        "state_province": "",
        "postal_code": donor.postal_code,
        "country": donor.country,
        "language": donor.language,
        "opt_in": "0",
        "user_ip": "198.51.100.7",
        "utm_source": "sp72294511.default~default~JimmyQuote~default~control.cc",
        "utm_medium": "sitenotice",
        "utm_campaign": "C2526_en6C_dsk_FR",
        "response": False,
        "source_name": "DonationInterface",
        "source_type": "payments",
        "source_host": "payments1001",
        "source_run_id": 12764,
        "source_version": "unknown",
        "source_enqueued_time": now,
    }
    return json.dumps(value).encode()
