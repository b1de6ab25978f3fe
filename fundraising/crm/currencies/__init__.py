"""Money: amounts by currency, exchange rates and where they come from."""
