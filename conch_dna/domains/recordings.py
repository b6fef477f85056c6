"""Recordings: a teacher's answers in a domain's ``recorded/`` folder, for training without the teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from conch_dna.domains.domain import Domain
from conch_dna.domains.soft_recordings import read_soft
from conch_dna.errors import DataError, UnknownName
from conch_dna.records import Completion, Record, Sampling, digest_of, to_json_line
from conch_dna.util.files import sha256_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER = "recorded"
SOFT = ".soft.safetensors"  # suffix of the soft targets beside NAME.jsonl


class RecordingCard(Record):
    """The card beside a recording: its origin, and the numbers of kept and dropped answers."""

    teacher: str = Field(description="teacher and model reference")
    fingerprint: str
    context: str = Field(description="digest of the context that the teacher saw")
    sampling: Sampling
    required: dict[str, float] = Field(description="minimum score by scorer")
    extract: dict[str, Any] | None = Field(None, description="extractor of the answers")
    prompts: int
    kept: int
    dropped: dict[str, int] = Field(default_factory=dict, description="by reason")


@dataclass(frozen=True)
class Recording:
    """Answers by prompt digest, with their tokens' choices if recorded, and the digest of all."""

    answers: Mapping[str, Completion]
    digest: str


def find_recording(domain: Domain, name: str | None = None) -> Recording:
    """Read a domain's recording by name; without a name, the only one.

    :raises UnknownName: no recording has that name, or no name is given and there are several.
    :raises DataError: a line is faulty.
    """
    folder = domain.folder / FOLDER if domain.folder else None
    found = {p.stem: p for p in sorted(folder.glob("*.jsonl"))} if folder and folder.is_dir() else {}
    if name is None and len(found) == 1:
        name = next(iter(found))
    if name is None or name not in found:
        raise UnknownName(
            "no recording of that name" if name else "no recording" if not found else "several recordings",
            where=f"domain {domain.name}", got=name, allowed=", ".join(found) or None,
            next_step=f"Name one: --teacher recorded:{next(iter(found))}" if found else
            f"Record one: conch record {domain.name} --teacher llamacpp:embedded:qwen2.5-coder-1.5b",
        )  # fmt: skip
    return _read(found[name])


def _read(path: Path) -> Recording:
    faults, found = [], {}
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            completion = Completion.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            faults.append(f"line {number}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
            continue
        found[completion.prompt] = completion
    if faults or not found:
        raise DataError("\n  ".join(["not a recording", *faults[:20]]) if faults else "contains no answer", where=path)
    digest = digest_of(sorted((c.prompt, c.text) for c in found.values()))
    soft = path.with_suffix(SOFT)
    if soft.is_file():
        tokens = read_soft(soft)
        found = {d: c.model_copy(update={"soft": tokens.get(d, ())}) for d, c in found.items()}
        digest = digest_of([digest, sha256_file(soft)])
    return Recording(found, digest)


def recorded_line(completion: Completion) -> str:
    """Return an answer as a line of a recording."""
    left_out = {"soft"} if completion.extracted else {"soft", "extracted"}
    return to_json_line(completion.model_dump(mode="json", exclude=left_out))


def domain_with(domain: Domain, scorers: Mapping[str, float]) -> Domain:
    """Return the domain with other scorers."""
    settings = domain.settings.model_copy(update={"scorers": dict.fromkeys(scorers, 1.0)})
    return Domain(settings, domain.prompts_file, domain.folder)
