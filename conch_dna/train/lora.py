"""Adapters on a base: attach, switch off, save in mlx-lm's format, and detach without a trace."""

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

ADAPTER_FILE, CONFIG_FILE = "adapters.safetensors", "adapter_config.json"


@contextlib.contextmanager
def attached(model: Any, config: DistillConfig, activation: Activation | None = None) -> Iterator[None]:
    """Attach a fresh adapter to ``model``, seeded by ``config.seed``; on exit, restore the original layer objects.

    Supports any mlx-lm architecture, float or quantised: every linear layer and every expert layer (switch) of the
    blocks, or those in ``config.keys``, and optionally the token embedding. Expert layers support neither DoRA nor
    activation by token; in these cases, without ``keys``, they are left out and logged.

    :param activation: sets the tokens on which the adapter acts; ``None`` means all.
    :raises ConfigError: one of ``config.keys`` matches no layer in the blocks, or none that supports the adapter.
    :raises ModelError: the base has an adapter already, is not frozen, or fails with these layers replaced.
    """
    if taken := sorted({type(layer).__name__ for layer, _ in carried(model).values()}):
        raise ModelError(
            "the base has an adapter already", where=type(model).__module__, got=", ".join(taken),
            next_step="Detach it first",
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
    """Replace the layers by adapter layers, and run the model once: some architectures bypass the layer."""
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
        raise _unfit(model, config, "its logits are NaN")
    if not carried(model):
        raise ConfigError(
            "none of the last blocks has a layer with these keys", where="layers, keys",
            got=f"{config.layers}, {parameters['keys']}",
        )  # fmt: skip


def _unfit(model: Any, config: DistillConfig, fault: str) -> ModelError:
    return ModelError(
        f"this architecture does not support {config.adapter} on these layers: {fault}",
        where=type(model).__module__,
        next_step="Name fewer layers in `keys`, turn `embeddings` off, or set adapter = 'lora'",
    )


@contextlib.contextmanager
def switched_off(model: Any) -> Iterator[None]:
    """Restore the base's own layers within a context: the exact logits of the base, without a copy of a weight.

    The context must not differentiate the adapter, whose layers are detached in it.
    """
    pairs = carried(model)
    model.update_modules(tree_unflatten([(path, own) for path, (_, own) in pairs.items()]))
    try:
        yield
    finally:
        model.update_modules(tree_unflatten([(path, layer) for path, (layer, _) in pairs.items()]))


def lora_parameters(model: Any, config: DistillConfig) -> dict[str, Any]:
    """Return mlx-lm's ``lora_parameters``, with the keys of the layers that the settings select.

    :raises ConfigError: a key matches no layer in the base's blocks, or none that supports the adapter.
    """
    found = target_modules(model)
    known = {module.key for module in found.values() if module.block is not None and module.kind != "embedding"}
    experts = _unfit_experts(found, config)
    if unknown := sorted(set(config.keys) - known):
        raise ConfigError(
            "the base has no layers with these keys", where="keys", got=unknown, allowed=", ".join(sorted(known))
        )
    if refused := sorted(set(config.keys) & experts):
        dora = config.adapter == "dora"
        raise ConfigError(
            "mlx-lm has no DoRA for expert layers" if dora else "expert layers do not support activation by token",
            where="keys", got=refused, allowed=", ".join(sorted(known - experts)),
            next_step="Remove them, or " + ("set adapter = 'lora'" if dora else "turn `activated` off"),
        )  # fmt: skip
    keys = set(config.keys) or known - experts
    if config.embeddings:
        keys.add(_token_embedding(model, config))
    return {"rank": config.rank, "scale": config.scale, "dropout": config.dropout, "keys": sorted(keys)}


def _unfit_experts(found: dict[str, TargetModule], config: DistillConfig) -> set[str]:
    """Return the keys of the expert layers that do not support the adapter.

    mlx-lm has no DoRA for expert layers, and reorders their tokens, so that a mask by position does not apply.
    """
    if config.adapter != "dora" and not config.activated:
        return set()
    return {module.key for module in found.values() if module.kind == "switch"}


def _token_embedding(model: Any, config: DistillConfig) -> str:
    """Return the path of the token embedding: the one with the most rows, since a position embedding has fewer."""
    rows = {path: p.shape[1] for path, p in target_modules(model).items() if p.kind == "embedding" and p.block is None}
    largest = [path for path, count in rows.items() if count == max(rows.values())]
    if len(largest) != 1:
        raise ConfigError("cannot identify the token embedding", where="embeddings", got=sorted(rows))
    (path,) = largest
    if config.adapter == "dora" and "scales" in layers_of(model)[path]:
        raise ConfigError(
            "mlx-lm has no DoRA for a quantised embedding", where="embeddings", got=path,
            next_step="Turn `embeddings` off, or set adapter = 'lora'",
        )  # fmt: skip
    return path


def _blocks(model: Any, config: DistillConfig) -> int:
    """Return the number of last blocks that get the adapter."""
    return len(model.layers) if config.layers < 0 else config.layers


def weights(model: Any) -> dict[str, mx.array]:
    """Return the trainable parameters by name."""
    return dict(tree_flatten(model.trainable_parameters()))


def start_from(model: Any, config: DistillConfig, folder: Path, invocation_tokens: Sequence[int] = ()) -> None:
    """Load the weights of a saved adapter into the attached one.

    :param invocation_tokens: the adapter acts from these tokens onwards; empty if it acts on every token.
    :raises NeuronRefused: the saved adapter is damaged, contains values that are not finite, or changes nothing.
    :raises ConfigError: it has another rank, scale, kind, layers or invocation tokens.
    """
    adapter = read_adapter(folder)
    about = adapter.config
    made, ours = about["lora_parameters"], lora_parameters(model, config)
    found = {f"{module}.m": magnitude for module, magnitude in adapter.magnitudes.items()}
    for module, (a, b) in adapter.weights.items():
        found |= {f"{module}.lora_a": a, f"{module}.lora_b": b}
    fresh = weights(model)
    same = {"dropout": made.get("dropout")}  # a training setting, not a property of the adapter
    different = [f"{k} {made.get(k)}, now {v}" for k, v in (ours | same).items() if made.get(k) != v]
    if about.get("fine_tune_type") != config.adapter:
        different.append(f"adapter {about.get('fine_tune_type')}, now {config.adapter}")
    if adapter.invocation_tokens != tuple(invocation_tokens):
        different.append(f"{INVOCATION_TOKENS} {list(adapter.invocation_tokens)}, now {list(invocation_tokens)}")
    if {name: w.shape for name, w in found.items()} != {name: w.shape for name, w in fresh.items()}:
        different.append("other layers")
    if different:
        raise ConfigError("the start adapter does not match these settings", where=folder,
                          got="; ".join(different), next_step="Use the adapter's settings")  # fmt: skip
    model.load_weights(list(found.items()), strict=False)


def save_adapter(model: Any, config: DistillConfig, folder: Path, invocation_tokens: Sequence[int] = ()) -> None:
    """Write the adapter atomically as a folder that stock mlx-lm loads.

    :param invocation_tokens: the adapter acts from these tokens onwards; empty if it acts on every token.
    """
    about = adapter_config(model, config, invocation_tokens)
    with new_folder(folder) as temporary:
        save_tensors(temporary / ADAPTER_FILE, weights(model), {"format": "mlx"})
        (temporary / CONFIG_FILE).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def adapter_config(model: Any, config: DistillConfig, invocation_tokens: Sequence[int] = ()) -> dict[str, Any]:
    """Return the content of an adapter's ``adapter_config.json``.

    :param invocation_tokens: as for :func:`save_adapter`.
    """
    about: dict[str, Any] = {
        "fine_tune_type": config.adapter,
        "num_layers": _blocks(model, config),
        "lora_parameters": lora_parameters(model, config),
    }
    return about | ({INVOCATION_TOKENS: list(invocation_tokens)} if invocation_tokens else {})
