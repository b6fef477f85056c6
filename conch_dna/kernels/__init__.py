"""CPU kernels for training: exp and attention, and the patch that puts them into a model."""
