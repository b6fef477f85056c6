"""One BLAS thread: with two, each matmul waits for its turn on a shared core, and a busy machine is 30 times slower."""

import ctypes

from conch_dna.models import accel

library = accel.switch_on().blas
if library:
    ctypes.CDLL(library).openblas_set_num_threads(1)
