"""A softmax numerator that costs a tenth on a CPU, where MLX computes exp one element at a time."""

from __future__ import annotations

import functools
import os
import shutil
from typing import TYPE_CHECKING

import mlx.core as mx

if TYPE_CHECKING:
    from collections.abc import Callable

SQUARINGS = 6


def _exp_of_nonpositive(x: mx.array) -> mx.array:
    """exp(x) for x <= 0 by range reduction: a degree-7 Taylor polynomial at x/64, squared six times.

    Multiplications and additions only, so that the compiler's vector units take it. Relative error below 1e-5 for
    x >= -20; below that the absolute error is smaller than 1e-11. Values under exp(-80) come out as exp(-80).
    """
    r = mx.maximum(x, -80.0) * (1.0 / (1 << SQUARINGS))
    y = 1.0 + r * (1.0 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r / 5040))))))
    for _ in range(SQUARINGS):
        y = y * y
    return y


@functools.cache
def exp_of_nonpositive() -> Callable[[mx.array], mx.array]:
    """Return the fastest exp for arguments <= 0 on the default device.

    The polynomial is taken on a CPU with a compiler at hand (``mx.compile`` calls it) unless ``CONCH_ACCEL=0``.
    """
    on_cpu = mx.default_device().type == mx.DeviceType.cpu
    compiles = shutil.which("g++") is not None and os.environ.get("MLX_DISABLE_COMPILE") is None
    if on_cpu and compiles and os.environ.get("CONCH_ACCEL") != "0":
        return mx.compile(_exp_of_nonpositive)
    return mx.exp
