"""What a payments-init row says of its pending transaction."""

_ENDED = frozenset({"failed", "cancelled"})
# They may still send the money of a payment that we rejected.
_KEEP_REJECTED = frozenset({"adyen", "ingenico"})
# What their front ends call failed may still be captured or must be cancelled: it is chased.
_CHASED = frozenset({"adyen", "dlocal"})


def counts_as_failed(final_status: str, validation_action: str, gateway: str) -> bool:
    """Whether no money can come of a payment, so that its pending row is of no use.

    ``final_status`` is a payments_final_status (``complete``, ``failed``, ``pending`` ...),
    ``validation_action`` is process, review, reject or challenge. A payment in review is
    still open, and so is a rejected one of a gateway that may capture it all the same.
    """
    if final_status not in _ENDED or validation_action == "review":
        return False
    return not (validation_action == "reject" and gateway in _KEEP_REJECTED)


def is_given_up(final_status: str, validation_action: str, gateway: str) -> bool:
    """Whether nobody needs to chase the payment: it counts as failed, for all we can know."""
    return gateway not in _CHASED and counts_as_failed(final_status, validation_action, gateway)
