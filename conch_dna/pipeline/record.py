"""Recording of a teacher's answers in a domain's folder."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING

from conch_dna.domains.extract import MISSING, NO_FINAL, as_answered
from conch_dna.domains.recordings import FOLDER, SOFT, RecordingCard, domain_with, recorded_line
from conch_dna.domains.soft_recordings import write_soft
from conch_dna.errors import DataError
from conch_dna.evaluation.scoring import score
from conch_dna.teachers.answers import final_answers
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from conch_dna.domains.domain import Domain
    from conch_dna.domains.extract import AnswerExtractor
    from conch_dna.plugin.protocols import Scorer, Teacher
    from conch_dna.records import Completion, Prompt, Sampling
    from conch_dna.teachers.answer_cache import CompletionCache


# The next step of the error if no answer was kept, by the most frequent reason.
_ADVICE = {MISSING: NO_FINAL, "cut off": "Raise max_tokens in the domain.toml"}


def record_answers(
    domain: Domain,
    teacher: Teacher,
    about: str,
    sampling: Sampling,
    scorers: Mapping[str, Scorer],
    required: Mapping[str, float],
    cache: CompletionCache,
    extractor: AnswerExtractor,
    on_answer: Callable[[], None],
) -> tuple[Path, RecordingCard]:
    """Ask ``teacher`` every prompt of ``domain`` and keep the good final answers under ``recorded/``.

    A second call after a kill resumes: answered prompts are in the cache.

    :param about: teacher and model reference, for the card; the file is named after the model.
    :param required: least score of each scorer. Answers below one, cut off or empty answers, and those without a final
        answer are dropped and counted.
    :param extractor: takes the final answers; ``cache`` has the whole answers.
    :raises DataError: the domain has no folder to write to, no answer was kept, or the recording of the same name has
        choices for each token, which this one would delete.
    """
    if domain.folder is None:
        raise DataError("has no folder to record into", where=f"domain {domain.name}")
    if not os.access(domain.folder, os.W_OK):
        raise DataError("cannot be written to", where=domain.folder, next_step="Extend it by a domain of your project")
    path = domain.folder / FOLDER / f"{about.rstrip('/').rsplit(':', 1)[-1].rsplit('/', 1)[-1]}.jsonl"
    if not sampling.top_log_probs or "soft" not in teacher.capabilities:
        _keep_choices(path)
    by_digest = {p.digest: p for p in domain.prompts}
    kept: dict[str, Completion] = {}
    dropped: Counter[str] = Counter()
    scored_domain = domain_with(as_answered(domain, extractor), required)
    for completion, fault in final_answers(teacher, domain, domain.prompts, sampling, cache, extractor):
        reason = fault or _fault(by_digest[completion.prompt], completion, scored_domain, scorers, required)
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
    if soft and len(soft) < len(kept):  # all answers of a recording have choices, or none has
        dropped["no choices"] = len(kept) - len(soft)
        kept = {digest: kept[digest] for digest in soft}
    if not soft:
        _keep_choices(path)
    card = RecordingCard(
        teacher=about, fingerprint=teacher.fingerprint, context=domain.context_digest, sampling=sampling,
        required=dict(required), extract=domain.settings.extract and domain.settings.extract.model_dump(mode="json"),
        prompts=len(by_digest), kept=len(kept), dropped=dict(sorted(dropped.items())),
    )  # fmt: skip
    # In the order of the prompts, so that a repeated recording has a small diff.
    ordered = [kept[d] for d in by_digest if d in kept]
    write_atomic(path, "".join(map(recorded_line, ordered)))
    if soft:
        write_soft(path.with_suffix(SOFT), {c.prompt: c.soft for c in ordered})
    write_atomic(path.with_suffix(".card.json"), json.dumps(card.model_dump(mode="json"), indent=2) + "\n")
    return path, card


def _keep_choices(path: Path) -> None:
    """Refuse to overwrite a recording with choices by one without them."""
    soft = path.with_suffix(SOFT)
    if soft.exists():
        raise DataError(
            "has the choices of each token, which this recording would delete", where=soft,
            next_step="Record with --top-log-probs N, from a teacher that returns them, or remove the file",
        )  # fmt: skip


def _fault(
    prompt: Prompt,
    completion: Completion,
    scored_domain: Domain,
    scorers: Mapping[str, Scorer],
    required: Mapping[str, float],
) -> str | None:
    """Return the reason why a requirement drops a final answer, or ``None``."""
    parts = score(prompt, completion.text, scored_domain, scorers).parts
    return next((f"{name} below {least:g}" for name, least in required.items() if parts[name] < least), None)
