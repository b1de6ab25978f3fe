"""When a payments-init row says that no money can come."""

import pytest

from fundraising.pending.payments_init import counts_as_failed, is_given_up


@pytest.mark.parametrize(
    ("status", "action", "gateway", "failed"),
    [
        ("failed", "process", "adyen", True),
        ("cancelled", "process", "dlocal", True),
        ("failed", "review", "dlocal", False),
        ("failed", "reject", "dlocal", True),
        ("failed", "reject", "adyen", False),
        ("cancelled", "reject", "ingenico", False),
        ("complete", "process", "dlocal", False),
        ("pending", "reject", "dlocal", False),
        ("pending-poke", "process", "paypal_ec", False),
        ("", "", "", False),
    ],
)
def test_counts_as_failed(status: str, action: str, gateway: str, *, failed: bool) -> None:
    assert counts_as_failed(status, action, gateway) is failed


@pytest.mark.parametrize("gateway", ["adyen", "dlocal", "ingenico", "paypal_ec"])
def test_only_what_counts_as_failed_is_given_up_and_not_with_every_gateway(gateway: str) -> None:
    assert is_given_up("failed", "process", gateway) is (gateway not in ("adyen", "dlocal"))
    assert not is_given_up("failed", "review", gateway)
    assert not is_given_up("complete", "process", gateway)
