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
    from collections.abc import Mapping, Sequence
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

    A domain that extends another has the recorded answers of both, and its own count where both have one.

    :raises UnknownName: no recording has that name, or no name is given and a folder has several.
    :raises DataError: a line is faulty.
    """
    found = [_files(folder) for folder in domain.folders]
    names = sorted({one for files in found for one in files})
    several = name is None and any(len(files) > 1 for files in found)
    chosen = [path for files in found for one, path in files.items() if name in {None, one}]
    if several or not chosen:
        raise UnknownName(
            "no recording of that name" if name else "several recordings" if several else "no recording",
            where=f"domain {domain.name}", got=name, allowed=", ".join(names) or None,
            next_step=f"Name one: --teacher recorded:{names[0]}" if names else
            f"Record one: conch record {domain.name} --teacher llamacpp:embedded:qwen2.5-coder-1.5b",
        )  # fmt: skip
    return _joined([_read(path) for path in chosen])


def _files(folder: Path) -> dict[str, Path]:
    """Return the recordings in a domain's folder by name."""
    return {path.stem: path for path in sorted((folder / FOLDER).glob("*.jsonl"))}


def _joined(recordings: Sequence[Recording]) -> Recording:
    """Return recordings as one; the answers of the first ones count."""
    if len(recordings) == 1:
        return recordings[0]
    answers = {digest: answer for one in reversed(recordings) for digest, answer in one.answers.items()}
    return Recording(answers, digest_of([one.digest for one in recordings]))


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
    return domain.changed(scorers=dict.fromkeys(scorers, 1.0))
