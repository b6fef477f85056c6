"""Architectures whose layer names agree in transformers and mlx-lm, and the row order of their projections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mlx.core as mx

from conch_dna.errors import NeuronRefused

if TYPE_CHECKING:
    from conch_dna.exporters.base import Base

# A test compares the logits of each with an adapter on every linear layer, so a module path means the same layer.
COMPARED = (
    "cohere", "gemma2", "granite", "helium", "hunyuan_v1_dense", "llama", "mistral", "olmo2", "phi", "phi3", "qwen2",
    "qwen3", "seed_oss", "smollm3", "stablelm",
)  # fmt: skip
HEAD = "lm_head"
_HEADS_OF = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}


def check_architecture(base: Base) -> None:
    """Check that PEFT's module paths are mlx-lm's.

    :raises NeuronRefused: the base has expert layers, which have other names and shapes, or is not in COMPARED.
    """
    if experts := next((path for path, target in base.target_modules.items() if target.kind == "switch"), None):
        raise NeuronRefused("expert layers cannot be converted to or from PEFT", where=base.ref, got=experts)
    if (kind := base.config.get("model_type")) not in COMPARED:
        raise NeuronRefused(
            "no test compares this architecture's layers in PEFT and mlx-lm", where=base.ref, got=str(kind),
            allowed=", ".join(COMPARED),
        )  # fmt: skip


def row_order(base: Base, module: str) -> mx.array | None:
    """Return the transformers row order of a query or key projection, or ``None`` if it equals mlx-lm's.

    mlx-lm rotates rows 2i and 2i+1 of each head together for a base with ``rope_traditional``, transformers rows i and
    i + width/2 (Su et al. 2021, section 3.4.2, and GPT-NeoX's arrangement). mlx-lm's rows in this order are theirs.
    """
    heads_key = _HEADS_OF.get(module.rpartition(".")[2])
    if heads_key is None or not getattr(base.model.args, "rope_traditional", False):
        return None
    rows = base.target_modules[module].shape[0]
    heads = int(base.config.get(heads_key) or base.config["num_attention_heads"])
    return mx.arange(rows).reshape(heads, rows // heads // 2, 2).swapaxes(-1, -2).reshape(-1)
