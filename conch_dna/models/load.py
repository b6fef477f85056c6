"""Load a base model ready for work: fast BLAS, right precision for the device, parameters frozen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from conch_dna.errors import ModelError
from conch_dna.models import accel, refs
from conch_dna.models.widths import head_width

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.models.embedded import Progress

# Dequantised float32 weights may take this share of the memory that is free.
MEMORY_SHARE = 0.5


@dataclass(frozen=True)
class LoadedModel:
    """A base model in memory.

    :param model: mlx-lm's module, frozen and in evaluation mode; float32 on the CPU.
    :param tokenizer: mlx-lm's ``TokenizerWrapper``.
    :param folder: the local mlx-lm folder.
    :param digest: ``sha256:<hex>`` of the folder's content: the base's identity.
    :param ref: the reference it was asked for by.
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

    @property
    def width(self) -> int:
        """The width of the head: the tokenizer's ids, and padding where the configuration tells of any."""
        return head_width(self.tokenizer, self.config)


def load(ref: str, progress: Progress | None = None) -> LoadedModel:
    """Resolve and load ``ref`` (see :mod:`conch_dna.models.refs`).

    On the CPU the weights become float32, since half-precision and 4-bit matmuls are some 30 times slower there; on
    Metal and CUDA they keep their type.

    :raises ModelError: it cannot be found, fetched, converted or loaded.
    """
    folder = refs.resolve(ref, progress)
    accel.switch_on()
    import mlx.core as mx
    from mlx_lm.utils import load as load_folder

    if not (mx.metal.is_available() or mx.cuda.is_available()):
        mx.set_default_device(mx.cpu)
    try:
        model, tokenizer = load_folder(str(folder), lazy=True)
        model.freeze()  # fails for the few classes of mlx-lm that are no whole modules
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise ModelError(f"mlx-lm could not load the model ({type(error).__name__}: {error})", where=folder) from error
    if mx.default_device() == mx.cpu:
        model = _in_float32(model)
    model.eval()
    model.freeze()  # what was dequantised is new
    mx.eval(model.parameters())
    return LoadedModel(model, tokenizer, folder, refs.digest(folder), ref)


def load_tokenizer(ref: str) -> Any:
    """Resolve ``ref`` and load its tokenizer alone, with the end tokens that the whole load would give it.

    Some models name the token that ends a turn in their ``config.json`` only.

    :raises ModelError: it cannot be found, fetched or converted, or its files are damaged.
    """
    folder = refs.resolve(ref)
    accel.switch_on()  # mlx-lm's tokenizers come with mlx
    from mlx_lm.utils import load_config, load_tokenizer

    try:
        return load_tokenizer(folder, eos_token_ids=load_config(folder).get("eos_token_id"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        fault = " ".join(str(error).split())
        raise ModelError(
            f"its tokenizer cannot be loaded ({type(error).__name__}: {fault})", where=folder,
            next_step="Fetch the model again; a folder in the cache may be removed",
        ) from error  # fmt: skip


def _in_float32(model: Any) -> Any:
    """Cast to float32, dequantising first where the result fits into memory."""
    import mlx.core as mx
    import psutil
    from mlx.utils import tree_flatten
    from mlx_lm.utils import dequantize_model, get_total_parameters

    quantised = any(name.endswith(".scales") for name in dict(tree_flatten(model.parameters())))
    # Scales first: dequantising in half precision would round the weights once more.
    model.set_dtype(mx.float32)
    if quantised and 4 * get_total_parameters(model) < MEMORY_SHARE * psutil.virtual_memory().available:
        model = dequantize_model(model)
    return model
