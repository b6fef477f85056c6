"""The base that a conversion is for: its layers and their shapes, with weights that are read only where needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mlx.core as mx

from conch_dna.errors import ModelError, NeuronRefused
from conch_dna.models import refs
from conch_dna.models.target_modules import target_modules

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.models.target_modules import TargetModule


@dataclass(frozen=True)
class Base:
    """A base model, opened.

    :param ref: the reference it was asked for by.
    :param digest: as on the card of a neuron.
    :param model: mlx-lm's module in the type it is stored in; each weight is read when it is first used.
    :param config: its ``config.json``.
    :param places: the layers that an adapter may change, by module path.
    """

    ref: str
    folder: Path
    digest: str
    model: Any
    config: dict[str, Any]
    places: dict[str, TargetModule]

    @property
    def blocks(self) -> int:
        """How many blocks it has."""
        return len(self.model.layers)

    @property
    def tied(self) -> bool:
        """Whether its head is its embedding."""
        return bool(getattr(self.model.args, "tie_word_embeddings", False))


def open_base(ref: str) -> Base:
    """Resolve and open ``ref``.

    :raises ModelError: it cannot be found, fetched, converted or loaded.
    """
    from mlx_lm.utils import load_model

    folder = refs.resolve(ref)
    if not (mx.metal.is_available() or mx.cuda.is_available()):
        mx.set_default_device(mx.cpu)
    try:
        model, config = load_model(folder, lazy=True)
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise ModelError(f"mlx-lm could not open the model: {error}", where=folder) from error
    return Base(ref, folder, refs.digest(folder), model, config, target_modules(model))


def check_digest(base: Base, digest: str) -> None:
    """Check that a neuron was made for this base.

    :raises NeuronRefused: it was made for another.
    """
    if base.digest != digest:
        raise NeuronRefused(
            "the neuron was made for another base", where=base.ref, got=digest, allowed=base.digest,
            next_step="Name the one it was made for with --base.",
        )  # fmt: skip
