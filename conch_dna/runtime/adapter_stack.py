"""Batches that mix neurons: a layer stacks the factors of all slots, and each row uses those of its own slot."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import mlx.core as mx

from conch_dna.errors import NeuronRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conch_dna.models.target_modules import TargetModule
    from conch_dna.registry.adapter import Adapter

    RowsProduct = Callable[[mx.array, mx.array, mx.array], mx.array]

BASE_SLOT = 0  # all zeros, for rows of the base
# Shape suffixes: N slots, R rank, I in, O out, V rows of an embedding, B rows of the batch, T tokens.


@dataclass
class Stack:
    """The factors of one layer in float32, which represents every adapter dtype exactly.

    :param a: (N, R, I), transposed because the CPU multiplies this layout faster; (N, V, R) for an embedding.
    :param b: (N, R, O), multiplied by the adapter's scale.
    :param gain: (N, O) for DoRA, (N, V) for an embedding; ``None`` while no slot has a gain.
    :param slots: the slots that change this layer.
    """

    a: mx.array
    b: mx.array
    gain: mx.array | None
    slots: set[int]


class AdapterStack:
    """The factors of ``slots`` neurons; slot 0 is the base.

    :param modules: the layers of the base that an adapter may change, by path.
    """

    def __init__(self, slots: int, modules: Mapping[str, TargetModule]) -> None:
        self._count = slots + 1
        self._modules = modules
        self._product = rows_product()
        self.stacks: dict[str, Stack] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of all stacks."""
        parts = [part for stack in list(self.stacks.values()) for part in (stack.a, stack.b, stack.gain)]
        return sum(part.nbytes for part in parts if part is not None)

    def check(self, adapter: Adapter, half: bool = False) -> None:
        """Check that a mixed batch can hold the adapter.

        :param half: whether the base has half precision.
        :raises NeuronRefused: it cannot; the error names the layer.
        """
        for path in sorted(adapter.weights):
            kind = self._modules[path].kind
            if kind == "switch":
                raise NeuronRefused(
                    "changes expert layers, which a mixed batch does not support", got=path, next_step=_ALONE
                )
            if kind == "embedding" and half and path in adapter.gains:
                raise NeuronRefused(
                    "DoRA on the embedding turns a half-precision base into float32 for the whole mixed batch",
                    got=path, next_step=_ALONE,
                )  # fmt: skip

    def put(self, slot: int, adapter: Adapter | None) -> None:
        """Put an adapter into a slot, or clear it with ``None``; running computations keep the previous factors."""
        weights = {} if adapter is None else adapter.weights
        for path in [path for path, stack in self.stacks.items() if path not in weights and slot in stack.slots]:
            self._clear(path, slot)
        if adapter is not None:
            for path in weights:
                self._write(path, slot, adapter)
        mx.eval([(stack.a, stack.b, stack.gain) for stack in self.stacks.values()])

    def _clear(self, path: str, slot: int) -> None:
        """Clear one layer of a slot; drop the layer's stack if no slot uses it."""
        stack = self.stacks[path]
        stack.slots.discard(slot)
        if not stack.slots:
            del self.stacks[path]
            return
        stack.b[slot] = 0
        if stack.gain is not None:
            stack.gain[slot] = 1

    def _write(self, path: str, slot: int, adapter: Adapter) -> None:
        a, b = (factor.astype(mx.float32) for factor in adapter.weights[path])
        rank_axis = 1
        if self._modules[path].kind == "embedding":
            rank_axis = 2
        else:
            a = a.T
        b = adapter.scale * b
        stack = self.stacks.get(path)
        if stack is None:
            stack = Stack(mx.zeros((self._count, *a.shape)), mx.zeros((self._count, *b.shape)), None, set())
            self.stacks[path] = stack
        rank = max(stack.b.shape[1], b.shape[0])
        stack.a, stack.b = _widened(stack.a, rank_axis, rank), _widened(stack.b, 1, rank)
        stack.a[slot] = _widened(a, rank_axis - 1, rank)
        stack.b[slot] = _widened(b, 0, rank)
        gain = adapter.gains.get(path)
        if gain is not None and stack.gain is None:
            stack.gain = mx.ones((self._count, gain.size))
        if stack.gain is not None:
            stack.gain[slot] = 1 if gain is None else gain.astype(mx.float32)
        stack.slots.add(slot)

    def mix(self, slots: Sequence[int]) -> Mix:
        """Return the delta of a batch whose rows have these slots."""
        return Mix(self.stacks, self._product, slots)


class Mix:
    """The delta of a batch in which each row has its own slot; implements :class:`~.neuron_layers.Delta`.

    A layer may be called with any shape that begins with the batch's rows, or with rows and tokens flattened.
    """

    def __init__(self, stacks: Mapping[str, Stack], product: RowsProduct, slots: Sequence[int]) -> None:
        self._stacks, self._product, self._rows = stacks, product, len(slots)
        self._slots_B = mx.array(list(slots), mx.uint32)

    def changes(self, path: str) -> bool:
        """Return whether the layer at ``path`` is changed."""
        return path in self._stacks

    def product(self, path: str, x: mx.array) -> mx.array:
        """Map (..., in) to (..., out)."""
        stack = self._stacks[path]
        return self._through(x, stack.a.swapaxes(-1, -2), stack.b)

    def gain(self, path: str, x: mx.array) -> mx.array | None:
        """Return the factor for the output of ``x``, or ``None``."""
        gain_NO = self._stacks[path].gain
        return None if gain_NO is None else gain_NO[self._slots_B].reshape(self._rows, *[1] * (x.ndim - 2), -1)

    def rows(self, path: str, ids: mx.array) -> mx.array:
        """Map (...) ids to (..., dimensions)."""
        stack = self._stacks[path]
        a_BTR = stack.a[self._slots_B[:, None], ids.reshape(self._rows, -1)]
        return self._product(a_BTR, stack.b, self._slots_B).reshape(*ids.shape, -1)

    def row_gain(self, path: str, ids: mx.array) -> mx.array | None:
        """Return the factor (..., 1) for each id's row, or ``None``."""
        gain_NV = self._stacks[path].gain
        if gain_NV is None:
            return None
        return gain_NV[self._slots_B[:, None], ids.reshape(self._rows, -1)].reshape(*ids.shape, 1)

    def head(self, path: str, x: mx.array) -> mx.array:
        """Map (..., dimensions) to (..., rows), with the embedding as the head."""
        stack = self._stacks[path]
        return self._through(x, stack.b.swapaxes(-1, -2), stack.a.swapaxes(-1, -2))

    def _through(self, x: mx.array, first: mx.array, second: mx.array) -> mx.array:
        """Multiply each row of (B, ..., in) with the two factors of its slot."""
        flat_BTI = x.reshape(self._rows, -1, x.shape[-1])
        z_BTR = self._product(flat_BTI, first, self._slots_B)
        return self._product(z_BTR, second, self._slots_B).reshape(*x.shape[:-1], -1)


def gathered(x_BTI: mx.array, stack_NIO: mx.array, slots_B: mx.array) -> mx.array:
    """Multiply each row with the matrix of its slot without copying matrices: (B, T, O)."""
    return mx.gather_mm(x_BTI, stack_NIO, rhs_indices=slots_B)


def indexed(x_BTI: mx.array, stack_NIO: mx.array, slots_B: mx.array) -> mx.array:
    """Multiply each row with a copy of its slot's matrix: (B, T, O); works on every device and dtype."""
    return x_BTI @ stack_NIO[slots_B]


@functools.cache
def rows_product() -> RowsProduct:
    """Return :func:`gathered` if it is correct on this device, else :func:`indexed`.

    The gathering kernels of some devices and dtypes are missing or wrong (mlx#3369), so both are compared once, with
    one and with several tokens per row.
    """
    stack_NIO = mx.random.normal((3, 64, 8), key=mx.random.key(0))
    slots_B = mx.array([2, 0, 1, 2], mx.uint32)
    try:
        for tokens in (1, 5):
            x_BTI = mx.random.normal((4, tokens, 64), key=mx.random.key(tokens))
            same = mx.allclose(gathered(x_BTI, stack_NIO, slots_B), indexed(x_BTI, stack_NIO, slots_B), atol=1e-2)
            if not same.item():
                return indexed
    except (ValueError, RuntimeError):
        return indexed
    return gathered


def _widened(factor: mx.array, axis: int, rank: int) -> mx.array:
    """Pad the rank axis with zeros."""
    missing = rank - factor.shape[axis]
    return mx.pad(factor, [(0, missing if i == axis else 0) for i in range(factor.ndim)]) if missing else factor


_ALONE = "Serve it with NeuronRuntime, which runs one neuron at a time."
