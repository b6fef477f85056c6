"""What a teacher tells beside its text, brought to the student's tokens: the soft targets of a domain's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from conch_dna.data.tokens import encode_answer
from conch_dna.losses.cross_tokenizer import CrossTargets
from conch_dna.records import CHOICES
from conch_dna.teachers.capabilities import signal_of
from conch_dna.teachers.compatibility import Party, check_compatibility
from conch_dna.teachers.references import RoutedTeacher
from conch_dna.teachers.target_cache import TargetCache, check_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from conch_dna.config import DistillConfig
    from conch_dna.data.tokens import Example
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.protocols import Targets, Teacher
    from conch_dna.records import Completion, Prompt, SoftToken
    from conch_dna.teachers.compatibility import Signal
    from conch_dna.util.progress import Progress

    Pairs = list[tuple[Prompt, Example]]

T = TypeVar("T")
log = structlog.get_logger()


def compare_tokenizers(teacher: Any, base: LoadedModel, config: DistillConfig) -> Signal | None:
    """Compare teacher and student before anything is asked or trained, say what was found, and return the signal.

    Of several teachers each is compared. Nothing is where a teacher's tokenizer is not at hand: its choices come as
    bytes, or its word is taken that ids mean the same to it.

    :returns: how its distributions reach the student; ``None`` where its text is all there is.
    :raises ConchError: training would teach nonsense.
    """
    signal = signal_of(teacher.capabilities, config)
    if signal is None:
        return None
    parts = teacher.parts.values() if isinstance(teacher, RoutedTeacher) else (teacher,)
    found = [_checked(part, base, signal) for part in parts]
    return found[0] if len(found) == 1 else signal  # what all parts of several can do


def _checked(teacher: Any, base: LoadedModel, signal: Signal) -> Signal:
    if getattr(teacher, "tokenizer", None) is None:
        log.info("hands_shaken", signal=signal, findings=["the teacher's tokenizer is not at hand to be compared"])
        return signal
    student = Party("student", base.tokenizer, base.config)
    taught = Party("teacher", teacher.tokenizer, getattr(teacher, "config", {}))
    hands = check_compatibility(student, taught, signal)
    log.info("hands_shaken", signal=hands.loss, same_tokenizer=hands.same_tokenizer, widths=hands.widths,
             ends=hands.ends, contexts=hands.contexts, findings=list(hands.findings))  # fmt: skip
    return hands.loss


def soft_targets(
    teacher: Any,
    pairs: Pairs,
    told: Mapping[str, Completion],
    signal: Signal | None,
    *,
    base: LoadedModel,
    config: DistillConfig,
    cache: Path,
    progress: Progress,
) -> tuple[Pairs, Sequence[Targets] | CrossTargets | None]:
    """Return the pairs that can be learnt from, and the soft targets of their answers, one a pair.

    An answer of which the teacher told no choices, or those of another text, is left out and counted in a warning.

    :param told: the teacher's answers by prompt.
    :param signal: what :func:`compare_tokenizers` returned; without one all pairs are kept, and there are no targets.
    :raises ConchError: teacher and student cannot be compared as ``cross_tokenizer`` asks.
    """
    if signal is None or not pairs:
        return pairs, None
    if signal == "exact":
        targets = _scored(teacher, pairs, [example.answer_ids for _, example in pairs], config, cache, progress)
        check_ids(targets, base.width, teacher.fingerprint)
        return pairs, targets
    if "own_top_k" in teacher.capabilities:
        return _in_its_own_tokens(teacher, pairs, told, signal, base, config, cache, progress)
    if "soft" in teacher.capabilities:
        return _projected(base, config, progress, pairs, [told[prompt.digest].soft for prompt, _ in pairs])
    prompts = [prompt for prompt, _ in pairs]
    return _projected(
        base, config, progress, pairs, teacher.score_text(prompts, [told[p.digest].text for p in prompts], CHOICES)
    )


def _scored(
    teacher: Teacher,
    pairs: Pairs,
    answers: Sequence[Sequence[int]],
    config: DistillConfig,
    cache: Path,
    progress: Progress,
) -> list[Targets]:
    found = TargetCache(cache / "targets")
    return found.fill(teacher, [p for p, _ in pairs], answers, config.top_k, progress.advance)


def _in_its_own_tokens(
    teacher: Any,
    pairs: Pairs,
    told: Mapping[str, Completion],
    signal: Signal,
    base: LoadedModel,
    config: DistillConfig,
    cache: Path,
    progress: Progress,
) -> tuple[Pairs, Sequence[Targets] | CrossTargets]:
    """Score the answers in the teacher's tokens and align these with the student's."""
    from conch_dna.align.aligned_targets import align_answers
    from conch_dna.align.byte_projection import as_bytes
    from conch_dna.align.vocabulary_map import vocabulary_map

    ours, theirs = base.tokenizer, teacher.tokenizer
    answers = [encode_answer(theirs, p, told[p.digest].text).answer_ids for p, _ in pairs]
    targets = _scored(teacher, pairs, answers, config, cache, progress)
    if signal == "bytes":
        return _projected(
            base, config, progress, pairs, [as_bytes(theirs, *each) for each in zip(answers, targets, strict=True)]
        )
    usable, aligned = _usable(pairs, align_answers([e for _, e in pairs], answers, targets, ours, theirs))
    return usable, CrossTargets(signal, aligned, vocabulary_map(ours, theirs))


def _projected(
    base: LoadedModel, config: DistillConfig, progress: Progress, pairs: Pairs, soft: Sequence[Sequence[SoftToken]]
) -> tuple[Pairs, Sequence[Targets]]:
    """Project the choices of each answer's tokens onto the student's."""
    from conch_dna.align.byte_projection import Projection
    from conch_dna.align.vocabulary import vocabulary_of

    projection = Projection(vocabulary_of(base.tokenizer), base.width)
    found = []
    for (_, example), tokens in zip(pairs, soft, strict=True):
        found.append(projection.targets(tokens, example.answer_ids, config.top_k) if tokens else None)
        progress.advance()
    return _usable(pairs, found)


def _usable(pairs: Pairs, found: Sequence[T | None]) -> tuple[Pairs, list[T]]:
    """Return the pairs for which something was found, and that; the others are counted in a warning."""
    kept = [(pair, one) for pair, one in zip(pairs, found, strict=True) if one is not None]
    if left_out := len(pairs) - len(kept):
        log.warning("examples_left_out", reason="their tokens' choices are not there, or are of another text",
                    count=left_out)  # fmt: skip
    return [pair for pair, _ in kept], [one for _, one in kept]
