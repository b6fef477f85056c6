"""The registry of published neurons: versions, cards, adapters, aliases and tags."""
