import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm import instruments


@pytest.mark.parametrize(
    ("method", "submethod", "gateway", "label"),
    [
        ("cc", "visa", "adyen", "Credit Card: Visa"),
        ("CC", "MC", "adyen", "Credit Card: MasterCard"),
        ("cc", "", "adyen", "Credit Card"),
        ("cc", "unheard-of", "adyen", "Credit Card"),
        ("apple", "visa", "adyen", "Apple Pay: Visa"),
        ("google", "", "adyen", "Google Pay"),
        ("bt", "upi", "dlocal", "Bank Transfer: UPI"),
        ("bt", "paytmwallet", "dlocal", "Bank Transfer: PayTM Wallet"),
        ("dd", "ach", "gravy", "ACH"),
        ("dd", "dd_nl", "ingenico", "Direct Debit"),
        ("paypal", "", "gravy", "Paypal"),
        ("venmo", "venmo", "braintree", "Venmo"),
        ("rtbt", "rtbt_ideal", "adyen", "iDeal"),
        ("rtbt", "sepadirectdebit", "adyen", "SEPA Direct Debit"),
        ("ew", "vipps", "adyen", "Vipps"),
        ("obt", "bpay", "ingenico", "Bpay"),
        ("cash", "cash_boleto", "dlocal", "Boleto"),
        ("cash", "pix", "dlocal", "Bank Transfer: Pix"),
        ("cash", "", "dlocal", "Cash"),
        ("", "", "paypal_ec", "Paypal"),
        ("", "", "square", "Square Cash"),
        ("obt", "unheard-of", "braintree", "Venmo"),
        ("amazon", "amazon", "amazon", "Amazon"),
        ("stripe", "", "", "Stripe"),
        ("barter", "", "adyen", ""),
        ("", "", "", ""),
    ],
)
def test_label(method: str, submethod: str, gateway: str, label: str) -> None:
    assert instruments.label(method, submethod, gateway) == label


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_label_is_always_an_option(method: str, submethod: str, gateway: str) -> None:
    found = instruments.label(method, submethod, gateway)
    assert found == "" or found in instruments.LABELS


@pytest.mark.parametrize(
    ("text", "label"),
    [("credit card: visa", "Credit Card: Visa"), ("25", "Paypal"), ("9999", ""), ("", "")],
)
def test_labels_and_option_values_are_known(text: str, label: str) -> None:
    assert instruments.known(text) == label
