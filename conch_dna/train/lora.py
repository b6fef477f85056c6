"""Adapters on a base: attach, switch off, save as mlx-lm does, and detach so that the base is what it was."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import structlog
from mlx.utils import tree_flatten, tree_unflatten
from mlx_lm.tuner.utils import linear_to_lora_layers

from conch_dna.errors import ConfigError, ModelError
from conch_dna.models.head import PROBE, UNFIT
from conch_dna.models.target_modules import carried, layers_of, target_modules
from conch_dna.registry.adapter import INVOCATION_TOKENS, read_adapter
from conch_dna.train.activated_lora import activate
from conch_dna.util.files import new_folder
from conch_dna.util.tensors import save_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conch_dna.config import DistillConfig
    from conch_dna.models.target_modules import TargetModule
    from conch_dna.train.activated_lora import Activation

log = structlog.get_logger()

ADAPTER_FILE = "adapters.safetensors"


@contextlib.contextmanager
def attached(model: Any, config: DistillConfig, activation: Activation | None = None) -> Iterator[None]:
    """Put a fresh adapter on ``model``, seeded by ``config.seed``; on leaving, put the very same old layers back.

    Takes the layers of any mlx-lm architecture, float or quantised: every linear layer and every expert layer (switch)
    of the blocks, or those of ``config.keys``, and on request the token embedding. Expert layers know neither DoRA nor
    which token they work on: there, without ``keys``, they are left out and logged.

    :param activation: says on which tokens the adapter acts; ``None`` is on all.
    :raises ConfigError: one of ``config.keys`` names no layer in the base's blocks, or none that can carry the adapter.
    :raises ModelError: the base carries an adapter already, is not frozen, or does not work with these layers replaced.
    """
    if taken := sorted({type(layer).__name__ for layer, _ in carried(model).values()}):
        raise ModelError(
            "the base carries an adapter already", where=type(model).__module__, got=", ".join(taken),
            next_step="Take that one off first",
        )  # fmt: skip
    if weights(model):
        raise ModelError("the base is not frozen", where=type(model).__module__, next_step="Call model.freeze() first")
    parameters = lora_parameters(model, config)
    own = layers_of(model)
    if not config.keys and (left_out := sorted(_unfit_experts(target_modules(model), config))):
        log.warning("expert_layers_left_out", adapter=config.adapter, activated=config.activated, keys=left_out)
    mx.random.seed(config.seed)
    try:
        _attach(model, config, parameters, activation)
        yield
    finally:
        model.update_modules(tree_unflatten([(path, own[path]) for path in carried(model)]))


def _attach(model: Any, config: DistillConfig, parameters: dict[str, Any], activation: Activation | None) -> None:
    """Replace the layers by adapter layers, and try the model once: some architectures read weights past the layer."""
    dora = config.adapter == "dora"
    try:
        linear_to_lora_layers(model, _blocks(model, config), parameters, use_dora=dora)
        for layer, _ in carried(model).values():
            layer.train(model.training)
        mx.eval(model.trainable_parameters())
        masking: Any = contextlib.nullcontext()
        if activation is not None:
            activate(model, activation)
            masking = activation.masking(mx.array([[[0.0], [1.0], [1.0]]]))
        with masking:
            broken = mx.isnan(model(mx.array(PROBE))).any().item()
    except UNFIT as fault:
        raise _unfit(model, config, str(fault)) from fault
    if broken:
        raise _unfit(model, config, "its logits are not numbers")
    if not carried(model):
        raise ConfigError(
            "none of the last blocks has a layer of these keys", where="layers, keys",
            got=f"{config.layers}, {parameters['keys']}",
        )  # fmt: skip


def _unfit(model: Any, config: DistillConfig, fault: str) -> ModelError:
    return ModelError(
        f"this architecture does not work with its layers under {config.adapter}: {fault}",
        where=type(model).__module__,
        next_step="Name fewer layers in `keys`, leave `embeddings` off, or set adapter = 'lora'",
    )


@contextlib.contextmanager
def switched_off(model: Any) -> Iterator[None]:
    """Give the base without its adapter for a block: exactly its logits, no second copy of a weight.

    The base's own layers stand in their places meanwhile, so the block must not differentiate the adapter.
    """
    pairs = carried(model)
    model.update_modules(tree_unflatten([(path, own) for path, (_, own) in pairs.items()]))
    try:
        yield
    finally:
        model.update_modules(tree_unflatten([(path, layer) for path, (layer, _) in pairs.items()]))


def lora_parameters(model: Any, config: DistillConfig) -> dict[str, Any]:
    """Return mlx-lm's ``lora_parameters``, with the keys of the base's layers that the settings choose.

    :raises ConfigError: a key names no layer in the base's blocks, or none that can carry the adapter.
    """
    found = target_modules(model)
    known = {place.key for place in found.values() if place.block is not None and place.kind != "embedding"}
    experts = _unfit_experts(found, config)
    if unknown := sorted(set(config.keys) - known):
        raise ConfigError(
            "no layer of the base has these keys", where="keys", got=unknown, allowed=", ".join(sorted(known))
        )
    if refused := sorted(set(config.keys) & experts):
        dora = config.adapter == "dora"
        raise ConfigError(
            "mlx-lm has no DoRA for expert layers" if dora else "expert layers cannot act on some tokens alone",
            where="keys", got=refused, allowed=", ".join(sorted(known - experts)),
            next_step="Leave them out, or " + ("set adapter = 'lora'" if dora else "leave `activated` off"),
        )  # fmt: skip
    keys = set(config.keys) or known - experts
    if config.embeddings:
        keys.add(_token_embedding(model, config))
    return {"rank": config.rank, "scale": config.scale, "dropout": config.dropout, "keys": sorted(keys)}


def _unfit_experts(found: dict[str, TargetModule], config: DistillConfig) -> set[str]:
    """Return the keys of expert layers where they cannot carry the adapter.

    mlx-lm has no DoRA for them, and hands them their tokens in an order of its own.
    """
    if config.adapter != "dora" and not config.activated:
        return set()
    return {place.key for place in found.values() if place.kind == "switch"}


def _token_embedding(model: Any, config: DistillConfig) -> str:
    """Return the path of the token embedding: that with the most rows, for there are fewer positions than tokens."""
    rows = {path: p.shape[1] for path, p in target_modules(model).items() if p.kind == "embedding" and p.block is None}
    largest = [path for path, count in rows.items() if count == max(rows.values())]
    if len(largest) != 1:
        raise ConfigError("the token embedding is not to be told from others", where="embeddings", got=sorted(rows))
    (path,) = largest
    if config.adapter == "dora" and "scales" in layers_of(model)[path]:
        raise ConfigError(
            "mlx-lm has no DoRA for a quantised embedding", where="embeddings", got=path,
            next_step="Leave `embeddings` off, or set adapter = 'lora'",
        )  # fmt: skip
    return path


def _blocks(model: Any, config: DistillConfig) -> int:
    """Return how many of the last blocks get the adapter."""
    return len(model.layers) if config.layers < 0 else config.layers


def weights(model: Any) -> dict[str, mx.array]:
    """Return the trainable parameters by name."""
    return dict(tree_flatten(model.trainable_parameters()))


def start_from(model: Any, config: DistillConfig, folder: Path, invocation_tokens: Sequence[int] = ()) -> None:
    """Give the attached adapter the weights of a saved one.

    :param invocation_tokens: the cue from which on it is to act; empty where it acts on every token.
    :raises NeuronRefused: that one is damaged, holds a value that is not finite, or changes nothing.
    :raises ConfigError: it was made with another rank, scale, kind or cue, or for other layers.
    """
    adapter = read_adapter(folder)
    about = adapter.config
    made, ours = about["lora_parameters"], lora_parameters(model, config)
    found = {f"{module}.m": magnitude for module, magnitude in adapter.magnitudes.items()}
    for module, (a, b) in adapter.weights.items():
        found |= {f"{module}.lora_a": a, f"{module}.lora_b": b}
    fresh = weights(model)
    same = {"dropout": made.get("dropout")}  # no part of what an adapter is
    different = [f"{k} {made.get(k)}, now {v}" for k, v in (ours | same).items() if made.get(k) != v]
    if about.get("fine_tune_type") != config.adapter:
        different.append(f"adapter {about.get('fine_tune_type')}, now {config.adapter}")
    if adapter.invocation_tokens != tuple(invocation_tokens):
        different.append(f"{INVOCATION_TOKENS} {list(adapter.invocation_tokens)}, now {list(invocation_tokens)}")
    if {name: w.shape for name, w in found.items()} != {name: w.shape for name, w in fresh.items()}:
        different.append("other layers")
    if different:
        raise ConfigError("the adapter to start from does not fit these settings", where=folder,
                          got="; ".join(different), next_step="Take its settings")  # fmt: skip
    model.load_weights(list(found.items()), strict=False)


def save_adapter(model: Any, config: DistillConfig, folder: Path, invocation_tokens: Sequence[int] = ()) -> None:
    """Write the adapter as a folder that stock mlx-lm loads; whole or not at all.

    :param invocation_tokens: the cue from which on it acts; empty where it acts on every token.
    """
    about: dict[str, Any] = {
        "fine_tune_type": config.adapter,
        "num_layers": _blocks(model, config),
        "lora_parameters": lora_parameters(model, config),
    }
    if invocation_tokens:
        about[INVOCATION_TOKENS] = list(invocation_tokens)
    with new_folder(folder) as temporary:
        save_tensors(temporary / ADAPTER_FILE, weights(model), {"format": "mlx"})
        (temporary / "adapter_config.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
