"""What takes a payment out of the books: refunds, chargebacks, reversals; and settlements."""
