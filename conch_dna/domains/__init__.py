"""Domain folders: reading, checking, importing, and the recordings beside the prompts."""
