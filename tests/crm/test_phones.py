import base64

import pytest

from fundraising.crm.contacts.phones import UNKNOWN_NUMBER, Phone, phone


def test_no_number_is_no_phone() -> None:
    assert phone("", sms_opt_in=True) is None


@pytest.mark.parametrize(
    ("gateway", "method", "source"),
    [("braintree", "venmo", "Venmo"), ("gravy", "paypal", "Paypal"), ("adyen", "cc", "")],
)
def test_the_source_is_the_wallet(gateway: str, method: str, source: str) -> None:
    assert phone("+1 555 0116", gateway=gateway, payment_method=method) == Phone(
        "+1 555 0116", source=source
    )


@pytest.mark.parametrize(
    ("number", "country_code", "national"),
    [
        ("+1 (212) 555-0116", "1", "2125550116"),
        ("2125550116", "1", "2125550116"),
        ("+44 20 7946 0018", "", "+44 20 7946 0018"),
        ("+44 20 794 601", "", "+44 20 794 601"),
        ("555 0116", "", "555 0116"),
    ],
)
def test_numbers_to_be_texted_are_parted(number: str, country_code: str, national: str) -> None:
    found = phone(number, sms_opt_in=True)
    assert found == Phone(
        national, source="Payments Form", location="sms_mobile", country_code=country_code
    )


@pytest.mark.parametrize(
    "recipient", ["515750", base64.b64encode(b"515750").decode() + "S0", "NTE1NzUwMQ=="[:-2] + "S0"]
)
def test_recipients_are_numbers_or_hidden_numbers(recipient: str) -> None:
    found = phone("", recipient_id=recipient)
    assert found is not None
    assert found.recipient_id.startswith("515750")
    assert (found.number, found.source, found.type) == (UNKNOWN_NUMBER, "Acoustic", "Mobile")


@pytest.mark.parametrize("recipient", ["x", "????", "YWJjS0", "é" * 9])
def test_other_recipients_are_refused(recipient: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        phone("", recipient_id=recipient)
