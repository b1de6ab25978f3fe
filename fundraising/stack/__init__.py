"""The whole system as processes of one machine: for trying it out, not for production."""
