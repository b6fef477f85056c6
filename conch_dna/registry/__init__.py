"""Published neurons: their cards, their adapters, and the versions and aliases they are kept under."""
