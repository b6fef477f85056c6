"""runtime."""

from conch_dna.models import accel

accel.switch_on()  # before anything here imports mlx
