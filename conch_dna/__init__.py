"""Conch DNA: small, verified, hot-loadable LoRA neurons for agents, distilled from bigger models on MLX."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from conch_dna.plugin.hookspecs import hookimpl
from conch_dna.version import __version__

if TYPE_CHECKING:
    from conch_dna.pipeline.eval import evaluate_neurons
    from conch_dna.pipeline.public import distill, plan, record
    from conch_dna.runtime.engine import Engine
    from conch_dna.runtime.neurons import NeuronRuntime

__all__ = ["Engine", "NeuronRuntime", "__version__", "distill", "evaluate_neurons", "hookimpl", "plan", "record"]

# Imported on first use: the runtime imports mlx, and the pipeline imports most of the package.
_LAZY = {
    "Engine": "conch_dna.runtime.engine",
    "NeuronRuntime": "conch_dna.runtime.neurons",
    "distill": "conch_dna.pipeline.public",
    "evaluate_neurons": "conch_dna.pipeline.eval",
    "plan": "conch_dna.pipeline.public",
    "record": "conch_dna.pipeline.public",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _LAZY:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_LAZY[name]), name)
