"""Serving of neurons: one base model in memory, many neurons over it."""

from conch_dna.models import accel

accel.switch_on()  # must run before a module here imports mlx
