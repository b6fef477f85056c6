"""Distillation losses, fused from hidden states, across tokenizers, and for preferences."""
