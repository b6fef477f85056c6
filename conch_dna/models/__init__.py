"""Models: references, conversion of GGUF files, loading, target modules, the MLX backend and its speed on CPUs."""
