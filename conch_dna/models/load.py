"""Loading of base models: optimised BLAS, the precision that suits the device, frozen parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from conch_dna.errors import ModelError
from conch_dna.models import accel, refs
from conch_dna.models.safetensors_header import check_header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conch_dna.models.embedded import Progress

# The share of free memory that dequantised float32 weights may take.
MEMORY_SHARE = 0.5
NO_CODE = {"trust_remote_code": False}


@dataclass(frozen=True)
class LoadedModel:
    """A base model in memory.

    :param model: mlx-lm's module, frozen and in evaluation mode; float32 on the CPU.
    :param tokenizer: mlx-lm's ``TokenizerWrapper``.
    :param folder: the local mlx-lm folder.
    :param digest: ``sha256:<hex>`` of the folder's content; it identifies the base.
    :param ref: the reference that was loaded.
    """

    model: Any
    tokenizer: Any
    folder: Path
    digest: str
    ref: str

    @cached_property
    def config(self) -> dict[str, Any]:
        """The model's ``config.json``."""
        found: dict[str, Any] = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        return found

    @cached_property
    def text_digest(self) -> str:
        """The digest of tokenizer and chat template."""
        return refs.text_digest(self.folder)

    @property
    def width(self) -> int:
        """The number of logits: see :func:`head_width`."""
        return head_width(self.tokenizer, self.config)


def load(ref: str, progress: Progress | None = None) -> LoadedModel:
    """Resolve and load ``ref`` (see :mod:`conch_dna.models.refs`).

    On the CPU the weights are cast to float32, because half-precision and 4-bit matmuls are some 30 times slower
    there. On Metal and CUDA they keep their type.

    :raises ModelError: the model cannot be found, fetched, converted or loaded, or no single MLX backend is installed.
    """
    folder = refs.resolve(ref, progress)
    accel.switch_on()
    import mlx.core as mx  # after switch_on
    from mlx_lm.utils import load as load_folder

    if not (mx.metal.is_available() or mx.cuda.is_available()):
        mx.set_default_device(mx.cpu)
    try:
        for file in folder.glob("*.safetensors"):
            check_header(file)
        # A folder of a model may name code of its own, which is never run.
        model, tokenizer = load_folder(str(folder), tokenizer_config=NO_CODE, lazy=True, trust_remote_code=False)
        model.freeze()  # fails for the few classes of mlx-lm that are not complete modules
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise ModelError(f"mlx-lm could not load the model ({type(error).__name__}: {error})", where=folder) from error
    if mx.default_device() == mx.cpu:
        model = _in_float32(model)
    model.eval()
    model.freeze()  # dequantised layers are new modules
    mx.eval(model.parameters())
    return LoadedModel(model, tokenizer, folder, refs.digest(folder), ref)


def load_tokenizer(ref: str) -> Any:
    """Resolve ``ref`` and load only its tokenizer, with the same end tokens as :func:`load`.

    Some models name the token that ends a turn only in their ``config.json``.

    :raises ModelError: the model cannot be found, fetched or converted, or its files are damaged.
    """
    folder = refs.resolve(ref)
    accel.switch_on()  # before mlx_lm, which imports mlx
    from mlx_lm.utils import load_config, load_tokenizer

    try:
        return load_tokenizer(folder, NO_CODE, eos_token_ids=load_config(folder).get("eos_token_id"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        fault = " ".join(str(error).split())
        raise ModelError(
            f"its tokenizer cannot be loaded ({type(error).__name__}: {fault})", where=folder,
            next_step="Fetch the model again; a folder in the cache may be deleted",
        ) from error  # fmt: skip


def _in_float32(model: Any) -> Any:
    """Cast to float32; quantised layers are dequantised if the result fits into memory."""
    import mlx.core as mx  # loaded by the caller
    import psutil
    from mlx.utils import tree_flatten
    from mlx_lm.utils import dequantize_model, get_total_parameters

    quantised = any(name.endswith(".scales") for name in dict(tree_flatten(model.parameters())))
    # Cast the scales first: dequantising in half precision would round the weights a second time.
    model.set_dtype(mx.float32)
    if quantised and 4 * get_total_parameters(model) < MEMORY_SHARE * psutil.virtual_memory().available:
        model = dequantize_model(model)
    return model


def token_count(tokenizer: Any) -> int:
    """Return the number of ids of a tokenizer, counted from 0; further ids of a head are padding."""
    return int(max(tokenizer.get_vocab().values())) + 1


def text_setting(config: Mapping[str, Any], key: str) -> int | None:
    """Return a number from a model's ``config.json``; multimodal models have it in ``text_config``."""
    value = config.get(key, config.get("text_config", {}).get(key))
    return None if value is None else int(value)


def head_width(tokenizer: Any, config: Mapping[str, Any]) -> int:
    """Return the number of logits: ``vocab_size`` of the configuration (with padding), else the tokenizer's ids."""
    return text_setting(config, "vocab_size") or token_count(tokenizer)
