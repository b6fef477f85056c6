"""Evaluation of neurons on held-out prompts, and the gate that decides whether they are published."""
