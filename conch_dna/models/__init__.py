"""Models: where they come from, how a GGUF becomes an mlx-lm folder, and how the CPU is made fast."""
