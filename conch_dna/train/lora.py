"""LoRA on a base model: attach, save as mlx-lm does, and detach so that the base is what it was."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten, tree_unflatten
from mlx_lm.models.switch_layers import QuantizedSwitchLinear, SwitchLinear
from mlx_lm.tuner.utils import linear_to_lora_layers

from conch_dna.errors import ConfigError, ModelError
from conch_dna.files import new_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conch_dna.config import DistillConfig

ADAPTER_FILE = "adapters.safetensors"
LINEAR = (nn.Linear, nn.QuantizedLinear, SwitchLinear, QuantizedSwitchLinear)


def split(model: Any) -> tuple[Callable[..., mx.array], Callable[[mx.array], mx.array]]:
    """Return the model as a body, (B, T) ids to (B, T, D) hidden states, and a head, (N, D) to (N, V) logits.

    :raises ModelError: head(body(x)) is not model(x) for this architecture.
    """
    body = getattr(model, "model", None)
    head = getattr(model, "lm_head", None) or getattr(getattr(body, "embed_tokens", None), "as_linear", None)
    probe = mx.array([[1, 2, 3]])
    if body is not None and head is not None:
        ours, theirs = head(body(probe)).astype(mx.float32), model(probe).astype(mx.float32)
        if ours.shape == theirs.shape and mx.allclose(ours, theirs, rtol=1e-3, atol=1e-3).item():
            return body, head
    raise ModelError(
        "this architecture's logits are not its head over its body's output",
        where=type(model).__module__,
        next_step="Use a base whose mlx-lm class has `model` and `lm_head` or tied embeddings, such as llama or qwen2",
    )


@contextlib.contextmanager
def attached(model: Any, config: DistillConfig) -> Iterator[None]:
    """Put fresh LoRA layers on ``model``, seeded by ``config.seed``; on leaving, put the very same old layers back.

    :raises ConfigError: one of ``config.keys`` names no linear layer in the base's blocks.
    """
    before = dict(model.named_modules())
    known = {name for layer in model.layers for name, m in layer.named_modules() if isinstance(m, LINEAR)}
    if unknown := sorted(set(config.keys) - known):
        raise ConfigError(
            "no layer of the base has these keys", where="keys", got=unknown, allowed=", ".join(sorted(known))
        )
    mx.random.seed(config.seed)
    layers = len(model.layers) if config.layers < 0 else config.layers
    try:
        linear_to_lora_layers(model, layers, lora_parameters(config))
        yield
    finally:
        changed = [
            (name, m) for name, m in before.items() if name and not list(m.children()) and _moved(model, name, m)
        ]
        model.update_modules(tree_unflatten(changed))


def _moved(model: Any, name: str, module: nn.Module) -> bool:
    """Tell whether another module now has the name (an adapter wraps the old one)."""
    found = model
    for part in name.split("."):
        found = found[int(part)] if isinstance(found, list) else getattr(found, part, None)
    return found is not module


def lora_parameters(config: DistillConfig) -> dict[str, Any]:
    """Return mlx-lm's ``lora_parameters``."""
    parameters: dict[str, Any] = {"rank": config.rank, "scale": config.scale, "dropout": config.dropout}
    if config.keys:
        parameters["keys"] = sorted(config.keys)
    return parameters


def weights(model: Any) -> dict[str, mx.array]:
    """Return the trainable parameters by name."""
    return dict(tree_flatten(model.trainable_parameters()))


def save_adapter(model: Any, config: DistillConfig, folder: Path) -> None:
    """Write the adapter as a folder that stock mlx-lm loads; whole or not at all."""
    layers = len(model.layers) if config.layers < 0 else config.layers
    about = {"fine_tune_type": "lora", "num_layers": layers, "lora_parameters": lora_parameters(config)}
    with new_folder(folder) as temporary:
        mx.save_safetensors(str(temporary / ADAPTER_FILE), weights(model), {"format": "mlx"})
        (temporary / "adapter_config.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
