"""Export and import of neurons, and the code of the bundled formats: PEFT, mlx-lm and fused models."""
