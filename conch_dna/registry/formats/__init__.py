"""Other programs' formats of an adapter: PEFT both ways, mlx-lm's own folder, and a whole model with it merged."""
