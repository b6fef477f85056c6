"""Exponentials that cost a tenth on a CPU, where MLX computes exp one element at a time.

Multiplications and additions only, compiled into one kernel, so that the vector units take them. On Metal and CUDA,
without a compiler (``mx.compile`` calls it), and under ``CONCH_ACCEL=0`` MLX's own operations stay.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import mlx.core as mx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SQUARINGS = 6


def pays() -> bool:
    """Tell whether the polynomials are faster here than MLX's own operations."""
    on_cpu = mx.default_device().type == mx.DeviceType.cpu
    compiles = shutil.which("g++") is not None and os.environ.get("MLX_DISABLE_COMPILE") is None
    return on_cpu and compiles and os.environ.get("CONCH_ACCEL") != "0"


def polynomial_exp(x: mx.array) -> mx.array:
    """Return exp(x) for x <= 0 by range reduction: a degree-7 Taylor polynomial at x/64, squared six times.

    Relative error below 1e-5 for x >= -20; below that the absolute error is smaller than 1e-11. Values under exp(-80)
    come out as exp(-80).
    """
    r = mx.maximum(x, -80.0) * (1.0 / (1 << SQUARINGS))
    y = 1.0 + r * (1.0 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r / 5040))))))
    for _ in range(SQUARINGS):
        y = y * y
    return y


@functools.cache
def exp_of_nonpositive() -> Callable[[mx.array], mx.array]:
    """Return the fastest exp for arguments <= 0 on the default device."""
    return mx.compile(polynomial_exp, shapeless=True) if pays() else mx.exp


def _sigmoid(x: mx.array) -> mx.array:
    e = polynomial_exp(-mx.abs(x))
    return mx.where(x >= 0, 1.0, e) / (1.0 + e)


def _swiglu(gate: mx.array, x: mx.array) -> mx.array:
    return gate * _sigmoid(gate) * x


def _swiglu_gradients(gate: mx.array, x: mx.array, grad: mx.array) -> tuple[mx.array, mx.array]:
    s = _sigmoid(gate)
    scaled = grad * s
    return scaled * x * (1.0 + gate * (1.0 - s)), scaled * gate


@functools.cache
def swiglu() -> Callable[[mx.array, mx.array], mx.array]:
    """Return silu(gate) * x, (..., H) twice to (..., H), as two compiled kernels: one forward, one backward."""
    forward = mx.compile(_swiglu, shapeless=True)
    backward: Any = mx.compile(_swiglu_gradients, shapeless=True)
    fused: Any = mx.custom_function(forward)

    @fused.vjp  # type: ignore[untyped-decorator]  # mlx's custom_function is untyped
    def fused_vjp(primals: Any, cotangent: Any, _: Any) -> Any:
        return backward(*primals, cotangent)

    return fused  # type: ignore[no-any-return]


@contextlib.contextmanager
def fast_activations(model: Any) -> Iterator[None]:
    """Let the model's architecture use :func:`swiglu` for a block, where it pays and the architecture has one.

    mlx-lm's architectures call ``swiglu`` by their module's global name; that name is put back on leaving.
    """
    module = sys.modules[type(model).__module__]
    own = getattr(module, "swiglu", None)
    if own is None or not pays():
        yield
        return
    module.swiglu = swiglu()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        module.swiglu = own  # type: ignore[attr-defined]
