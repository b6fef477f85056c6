"""Model references: ``org/name`` on the hub, a local mlx-lm folder, a local ``.gguf`` file, or ``embedded:NAME``."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from conch_dna.errors import ModelError
from conch_dna.models import embedded
from conch_dna.models.cache import cache_dir, lock
from conch_dna.models.embedded import PREFIX, Progress
from conch_dna.models.file_digest import file_digest
from conch_dna.models.seals import seal_beside, sealed_beside

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["cache_dir", "digest", "gguf_file", "resolve", "same_model"]

SYNTAX = "org/name on the hub, a model folder, a .gguf file, or embedded:NAME"
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
# The files that mlx-lm reads. Weights in other formats and files in subfolders are not downloaded.
TEXT_FILES = (
    "tokenizer*", "chat_template*", "*.tiktoken", "vocab*", "merges.txt", "special_tokens_map.json",
    "added_tokens.json",
)  # fmt: skip
HUB_FILES = ["*.json", "*.safetensors", "*.jinja", "*.txt", "tokenizer.model", "*.tiktoken"]


def resolve(ref: str, progress: Progress | None = None) -> Path:
    """Return the local mlx-lm folder of ``ref``; the first call fetches and converts the model.

    :param progress: called with (bytes done, total bytes) while an embedded model is fetched.
    :raises ModelError: the reference names no model, or the model cannot be fetched or converted.
    """
    path = Path(ref).expanduser()
    if ref.startswith(PREFIX) or path.suffix == ".gguf":
        return _converted(gguf_file(ref, progress))
    if path.is_dir():
        return _checked(path)
    if HUB_ID.fullmatch(ref):
        return _checked(_from_hub(ref))
    raise ModelError(
        "no such model", got=ref, allowed=SYNTAX, next_step="List the embedded ones with `conch models list`."
    )


def same_model(one: str, other: str) -> bool:
    """Return whether two references name the same model, after resolving paths; fetches nothing."""
    return Path(one).expanduser().resolve() == Path(other).expanduser().resolve()


def gguf_file(ref: str, progress: Progress | None = None) -> Path:
    """Return the local GGUF file of ``ref``, for users of llama.cpp.

    :raises ModelError: it is neither an embedded model nor a ``.gguf`` file, or it cannot be fetched.
    """
    if ref.startswith(PREFIX):
        return embedded.gguf_file(ref, progress)
    path = Path(ref).expanduser()
    if path.suffix != ".gguf":
        raise ModelError("this model has no GGUF file", got=ref, allowed=f"a .gguf file, or {PREFIX}NAME")
    if not path.is_file():
        raise ModelError("no such file", where=path)
    return path.resolve()


def digest(folder: Path) -> str:
    """Return ``sha256:<hex>`` over the names and contents of ``config.json`` and all weight files of a model folder.

    :raises ModelError: the folder contains no model.
    """
    return _digest_of([folder / "config.json", *sorted(_checked(folder).glob("model*.safetensors"))])


def text_digest(folder: Path) -> str:
    """Return ``sha256:<hex>`` over the names and contents of the files that turn chats into tokens.

    These are the tokenizer's files and the chat template. :func:`digest` does not cover them.
    """
    return _digest_of(sorted({file for pattern in TEXT_FILES for file in folder.glob(pattern)}))


def _digest_of(files: Iterable[Path]) -> str:
    """Return ``sha256:<hex>`` over the names and contents of files, in this order."""
    lines = [f"{file.name} {file_digest(file)}\n" for file in files]
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def _checked(folder: Path) -> Path:
    """Return ``folder`` if it contains the files of a model.

    :raises ModelError: they are missing.
    """
    if not (folder / "config.json").is_file() or not any(folder.glob("model*.safetensors")):
        raise ModelError("not a model folder", where=folder, allowed="config.json and model*.safetensors in it")
    return folder.resolve()


def _converted(gguf: Path) -> Path:
    """Return the folder of the converted ``gguf``; its name contains the digest and the converter's version."""
    from conch_dna.models.gguf import VERSION, convert  # imports NumPy

    folder = cache_dir() / "models" / f"{file_digest(gguf)[:32]}-v{VERSION}"
    if not _is_own(folder):
        with lock(folder):
            if not _is_own(folder):
                shutil.rmtree(folder, ignore_errors=True)
                convert(gguf, folder)
                seal_beside(folder, "model", _content(folder))
    return folder


def _is_own(folder: Path) -> bool:
    """Return whether a converted model is there and as this user's programs made it."""
    return folder.is_dir() and sealed_beside(folder, "model", _content(folder))


def _content(folder: Path) -> str:
    """Return a digest over the names and contents of all files of a folder."""
    return _digest_of(sorted(folder.iterdir()))


def _from_hub(ref: str) -> Path:
    """Return the folder of a snapshot; the hub library reads HF_HOME, HF_TOKEN and HF_HUB_OFFLINE."""
    from huggingface_hub import snapshot_download  # takes 0.1 s to import

    try:
        return Path(snapshot_download(ref, allow_patterns=HUB_FILES, ignore_patterns=["*/*"]))
    # Its errors, and those of the network library below it, inherit from OSError and ValueError.
    except (OSError, ValueError) as error:
        fault = str(error).strip().splitlines()
        raise ModelError(
            f"the model could not be fetched from the hub ({type(error).__name__})",
            got=ref,
            allowed=SYNTAX,
            next_step=f"{fault[0][:200] if fault else ''} Offline, use an embedded or local model.",
        ) from error
