"""Who asks: API keys today, and whom a key acts for."""
