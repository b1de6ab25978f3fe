"""PayPal's notifications, in our words."""
