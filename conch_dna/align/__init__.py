"""Alignment of two tokenizers: tokens as bytes, common boundaries in a text, shared vocabulary."""
