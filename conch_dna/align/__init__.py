"""Two tokenizers side by side: what their tokens are in bytes, where they meet in a text, which mean the same."""
