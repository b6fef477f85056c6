"""CPU kernels for training: exp, attention, and the patch that installs them in a model."""
