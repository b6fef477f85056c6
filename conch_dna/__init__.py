"""Conch DNA: small, verified, hot-loadable LoRA neurons for agents, distilled from bigger models on MLX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conch_dna.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from conch_dna.runtime.engine import Engine
    from conch_dna.runtime.neurons import NeuronRuntime

from conch_dna.version import __version__

__all__ = ["Engine", "NeuronRuntime", "__version__", "hookimpl"]


def __getattr__(name: str) -> Any:
    """Import the runtime, and with it mlx, only when it is asked for."""
    if name == "NeuronRuntime":
        from conch_dna.runtime.neurons import NeuronRuntime

        return NeuronRuntime
    if name == "Engine":
        from conch_dna.runtime.engine import Engine

        return Engine
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
