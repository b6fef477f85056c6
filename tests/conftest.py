"""The fast BLAS comes before the first import of mlx, here as in every command."""

from conch_dna.models import accel

accel.switch_on()
