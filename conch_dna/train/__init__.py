"""Training of an adapter: the loop, one stage with its checkpoints, and the code of the recipes."""
