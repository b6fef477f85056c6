"""The base model of a conversion: its layers and their shapes, with weights that are read on first use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mlx.core as mx

from conch_dna.errors import ModelError
from conch_dna.models import refs
from conch_dna.models.target_modules import target_modules

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.models.target_modules import TargetModule


@dataclass(frozen=True)
class Base:
    """An opened base model.

    :param ref: the reference it was opened by.
    :param digest: the digest that the cards of its neurons carry.
    :param model: mlx-lm's module in the stored dtype; each weight is read when it is first used.
    :param config: the content of its ``config.json``.
    :param target_modules: the layers that an adapter may change, by module path.
    """

    ref: str
    folder: Path
    digest: str
    model: Any
    config: dict[str, Any]
    target_modules: dict[str, TargetModule]

    @property
    def blocks(self) -> int:
        """The number of transformer blocks."""
        return len(self.model.layers)

    @property
    def tied(self) -> bool:
        """True if the head shares its weight with the embedding."""
        return bool(getattr(self.model.args, "tie_word_embeddings", False))


def open_base(ref: str) -> Base:
    """Resolve and open the model ``ref``.

    :raises ModelError: it cannot be found, fetched, converted or loaded.
    """
    from mlx_lm.utils import load_model  # here, since it imports transformers, which takes seconds

    folder = refs.resolve(ref)
    if not (mx.metal.is_available() or mx.cuda.is_available()):
        mx.set_default_device(mx.cpu)
    try:
        model, config = load_model(folder, lazy=True)
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise ModelError(f"mlx-lm could not open the model: {error}", where=folder) from error
    return Base(ref, folder, refs.digest(folder), model, config, target_modules(model))
