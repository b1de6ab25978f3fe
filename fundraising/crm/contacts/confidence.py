"""How far the names and the e-mail address that come with a payment are to be trusted.

What a donor typed into our own form is; what a wallet or a bank passes on often belongs to
an account that another person of the household holds.
"""

HOME = "Home"
ACH = "ach"

# The payment methods whose names and addresses are the account holder's. They are also
# names of location types of e-mail addresses.
LOW_CONFIDENCE = frozenset({"achForm", "ach", "apple", "google", "paypal", "venmo"})
# Of those, the ones whose main e-mail address is nevertheless the donor's own word.
_FORM_FILLED = frozenset({"achForm", "ach"})
_BY_GATEWAY = {"paypal": "paypal", "paypal_ec": "paypal"}


def source(payment_method: str, gateway: str) -> str:
    """Where the donor's details come from: the payment method, or what the gateway implies."""
    return payment_method or _BY_GATEWAY.get(gateway, "")


def is_low(details_source: str, *, is_known_recurring: bool) -> bool:
    """Whether details from there are of low confidence.

    ``is_known_recurring``: the message names its recurring record; one without a payment
    method then repeats what is on file.
    """
    if not details_source:
        return is_known_recurring
    return details_source in LOW_CONFIDENCE


def is_low_location(location_type: str) -> bool:
    """Whether an e-mail address on file came from a source of low confidence."""
    return location_type in LOW_CONFIDENCE


def is_trusted_email(source_or_location: str) -> bool:
    """Whether an e-mail address from there may become the donor's primary one."""
    return source_or_location not in LOW_CONFIDENCE - _FORM_FILLED


def email_location(details_source: str) -> str:
    """The location type of the main e-mail address of a donation."""
    return HOME if is_trusted_email(details_source) else details_source
