"""Teachers behind an API: prices, ledger, limits, calls. Independent of any provider."""
