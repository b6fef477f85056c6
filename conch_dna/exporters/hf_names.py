"""Where transformers and mlx-lm agree on the layers of an architecture, and in which order their rows stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mlx.core as mx

from conch_dna.errors import NeuronRefused

if TYPE_CHECKING:
    from conch_dna.exporters.base import Base

# One module path means one layer in both: each is compared by logits, with an adapter on every linear layer.
COMPARED = (
    "cohere", "gemma2", "granite", "helium", "hunyuan_v1_dense", "llama", "mistral", "olmo2", "phi", "phi3", "qwen2",
    "qwen3", "seed_oss", "smollm3", "stablelm",
)  # fmt: skip
HEAD = "lm_head"
_HEADS_OF = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}


def check_architecture(base: Base) -> None:
    """Check that PEFT's module paths are mlx-lm's.

    :raises NeuronRefused: the base has expert layers, which have other names and shapes, or it was never compared.
    """
    if experts := next((path for path, place in base.target_modules.items() if place.kind == "switch"), None):
        raise NeuronRefused("expert layers cannot be converted to or from PEFT", where=base.ref, got=experts)
    if (kind := base.config.get("model_type")) not in COMPARED:
        raise NeuronRefused(
            "PEFT's layers of this architecture were never compared with mlx-lm's", where=base.ref, got=str(kind),
            allowed=", ".join(COMPARED),
        )  # fmt: skip


def row_order(base: Base, module: str) -> mx.array | None:
    """Return the order in which transformers has the rows of a query or key projection; ``None`` where it is ours.

    A base with ``rope_traditional`` rotates rows 2i and 2i+1 of each head together, transformers i and i + width/2
    (Su et al. 2021, section 3.4.2, and GPT-NeoX's arrangement of it): rows of ours, taken in this order, are theirs.
    """
    heads_key = _HEADS_OF.get(module.rpartition(".")[2])
    if heads_key is None or not getattr(base.model.args, "rope_traditional", False):
        return None
    rows = base.target_modules[module].shape[0]
    heads = int(base.config.get(heads_key) or base.config["num_attention_heads"])
    return mx.arange(rows).reshape(heads, rows // heads // 2, 2).swapaxes(-1, -2).reshape(-1)
