"""Teachers behind an API: prices, the ledger of what was spent, limits, calls. It knows no provider by name."""
