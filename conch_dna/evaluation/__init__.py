"""Measuring a neuron on held-out prompts, and the gate that decides on publishing it."""
