"""Formats that a neuron can leave in or come from: PEFT, an mlx-lm adapter folder, a fused model."""
