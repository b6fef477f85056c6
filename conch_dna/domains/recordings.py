"""Recordings: a teacher's answers as data in a domain's ``recorded/`` folder, made once and replayed anywhere."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from conch_dna.domains.extract import MISSING, NO_FINAL, as_answered, final_answers
from conch_dna.domains.soft_recordings import read_soft, write_soft
from conch_dna.errors import DataError, UnknownName
from conch_dna.evaluation.scoring import score
from conch_dna.records import Completion, Record, Sampling, digest_of, to_json_line
from conch_dna.util.files import sha256_file, write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from conch_dna.domains.domain import Domain
    from conch_dna.domains.extract import Taker
    from conch_dna.plugin.protocols import Scorer, Teacher
    from conch_dna.records import Prompt
    from conch_dna.teachers.answer_cache import CompletionCache

FOLDER = "recorded"
_ADVICE = {MISSING: NO_FINAL, "cut off": "Raise max_tokens in the domain.toml"}  # where that dropped the most
SOFT = ".soft.safetensors"  # beside the text of the same name


class RecordingCard(Record):
    """What stands beside a recording: how it was made, and how many answers were kept and dropped."""

    teacher: str = Field(description="teacher and model reference")
    fingerprint: str
    context: str = Field(description="digest of the context that the teacher saw")
    sampling: Sampling
    required: dict[str, float] = Field(description="least score of each scorer")
    extract: dict[str, Any] | None = Field(None, description="what took the answers from longer texts")
    prompts: int
    kept: int
    dropped: dict[str, int] = Field(default_factory=dict, description="by reason")


@dataclass(frozen=True)
class Recording:
    """Answers by prompt digest, with their tokens' choices where these were kept, and the digest of them all."""

    answers: Mapping[str, Completion]
    digest: str


def find_recording(domain: Domain, name: str | None = None) -> Recording:
    """Read a domain's recording: the one named, or the only one.

    :raises UnknownName: there is none, or there are several and none was named.
    :raises DataError: a line of it is wrong.
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
        raise DataError("\n  ".join(["not a recording", *faults[:20]]) if faults else "holds no answer", where=path)
    digest = digest_of(sorted((c.prompt, c.text) for c in found.values()))
    soft = path.with_suffix(SOFT)
    if soft.is_file():
        tokens = read_soft(soft)
        found = {d: c.model_copy(update={"soft": tokens.get(d, ())}) for d, c in found.items()}
        digest = digest_of([digest, sha256_file(soft)])
    return Recording(found, digest)


def record(
    domain: Domain,
    teacher: Teacher,
    about: str,
    sampling: Sampling,
    scorers: Mapping[str, Scorer],
    required: Mapping[str, float],
    cache: CompletionCache,
    taker: Taker,
    on_answer: Callable[[], None],
) -> tuple[Path, RecordingCard]:
    """Ask ``teacher`` every prompt of ``domain`` and keep the good final answers under ``recorded/``.

    A killed recording goes on where it was: answered prompts are in the cache.

    :param about: teacher and model reference, for the card; the file is named after the model.
    :param required: least score of each scorer; answers below any, cut off or empty ones, and those without a final
        answer, are dropped and counted.
    :param taker: takes the final answers; what the teacher said as a whole stays in ``cache``.
    :raises DataError: the domain has no folder to write to, no answer was kept, or its tokens' choices, which another
        recording of the same name has, would be lost.
    """
    if domain.folder is None:
        raise DataError("has no folder to record into", where=f"domain {domain.name}")
    if not os.access(domain.folder, os.W_OK):
        raise DataError("cannot be written to", where=domain.folder, next_step="Copy the domain into your project")
    path = domain.folder / FOLDER / f"{about.rstrip('/').rsplit(':', 1)[-1].rsplit('/', 1)[-1]}.jsonl"
    if not sampling.top_log_probs or "soft" not in teacher.capabilities:
        _keep_choices(path)
    by_digest = {p.digest: p for p in domain.prompts}
    kept: dict[str, Completion] = {}
    dropped: Counter[str] = Counter()
    weighed = domain_with(as_answered(domain, taker), required)
    for completion, fault in final_answers(teacher, domain, domain.prompts, sampling, cache, taker):
        reason = fault or _fault(by_digest[completion.prompt], completion, weighed, scorers, required)
        if reason:
            dropped[reason] += 1
        else:
            kept[completion.prompt] = completion
        on_answer()
    if not kept:
        (commonest, _), *_ = dropped.most_common(1) or [("no prompt", 0)]
        raise DataError("no answer passed the filter", where=f"domain {domain.name}", got=dict(dropped.most_common()),
                        next_step=_ADVICE.get(commonest, "Read the answers, or lower --require"))  # fmt: skip
    soft = {d: c.soft for d, c in kept.items() if c.soft and sampling.top_log_probs}
    if soft and len(soft) < len(kept):  # one kind of answer a recording: what teaches by its choices has them
        dropped["no choices"] = len(kept) - len(soft)
        kept = {digest: kept[digest] for digest in soft}
    if not soft:
        _keep_choices(path)
    card = RecordingCard(
        teacher=about, fingerprint=teacher.fingerprint, context=domain.context_digest, sampling=sampling,
        required=dict(required), extract=domain.settings.extract and domain.settings.extract.model_dump(mode="json"),
        prompts=len(by_digest), kept=len(kept), dropped=dict(sorted(dropped.items())),
    )  # fmt: skip
    # In the order of the prompts, so that a recording made again shows as few changed lines as it has.
    ordered = [kept[d] for d in by_digest if d in kept]
    write_atomic(path, "".join(map(recorded_line, ordered)))
    if soft:
        write_soft(path.with_suffix(SOFT), {c.prompt: c.soft for c in ordered})
    write_atomic(path.with_suffix(".card.json"), json.dumps(card.model_dump(mode="json"), indent=2) + "\n")
    return path, card


def recorded_line(completion: Completion) -> str:
    """Return the line of a recording that holds an answer."""
    left_out = {"soft"} if completion.extracted else {"soft", "extracted"}
    return to_json_line(completion.model_dump(mode="json", exclude=left_out))


def _keep_choices(path: Path) -> None:
    """Refuse to write answers without choices over some that have them."""
    soft = path.with_suffix(SOFT)
    if soft.exists():
        raise DataError(
            "holds the choices of each token, which this recording would lose", where=soft,
            next_step="Record with --top-log-probs N, from a teacher that tells them, or remove the file",
        )  # fmt: skip


def _fault(
    prompt: Prompt,
    completion: Completion,
    weighed: Domain,
    scorers: Mapping[str, Scorer],
    required: Mapping[str, float],
) -> str | None:
    """Return why the scorers drop a final answer, or ``None``."""
    parts = score(prompt, completion.text, weighed, scorers).parts
    return next((f"{name} below {least:g}" for name, least in required.items() if parts[name] < least), None)


def domain_with(domain: Domain, scorers: Mapping[str, float]) -> Domain:
    """Return the domain with these scorers in place of its own."""
    from conch_dna.domains.domain import Domain

    settings = domain.settings.model_copy(update={"scorers": dict.fromkeys(scorers, 1.0)})
    return Domain(settings, domain.prompts_file, domain.folder)
