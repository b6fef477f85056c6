"""The soft targets of a domain's answers: a teacher's token choices, converted to the student's tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import structlog

from conch_dna.align.aligned_targets import align_answers, without_untrained
from conch_dna.align.byte_projection import Projection, as_bytes
from conch_dna.align.vocabulary import vocabulary_of
from conch_dna.align.vocabulary_map import vocabulary_map
from conch_dna.data.tokens import encode_answer
from conch_dna.losses.cross_tokenizer import CrossTargets
from conch_dna.records import CHOICES
from conch_dna.teachers.capabilities import BYTES, signal_of, text_scorer_of
from conch_dna.teachers.compatibility import EXACT, Party, check_compatibility
from conch_dna.teachers.references import RoutedTeacher
from conch_dna.teachers.target_cache import TargetCache, check_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from conch_dna.config import DistillConfig
    from conch_dna.data.tokens import Example
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.protocols import CrossTokenizerLoss, Targets, Teacher
    from conch_dna.records import Completion, Prompt, SoftToken
    from conch_dna.teachers.compatibility import Signal
    from conch_dna.util.progress import Progress

    Pairs = list[tuple[Prompt, Example]]
    Soft = tuple[Pairs, Sequence[Targets] | CrossTargets | None]

T = TypeVar("T")
log = structlog.get_logger()


def compare_tokenizers(
    teacher: Teacher, base: LoadedModel, config: DistillConfig, loss: CrossTokenizerLoss | None = None
) -> Signal | None:
    """Compare teacher and student before any question or step, log the findings, and return the signal.

    Each part of a routed teacher is compared. A teacher without a ``tokenizer`` is not: its choices come as bytes, or
    it guarantees that ids mean the same to both.

    :param loss: the plug-in loss that ``cross_tokenizer`` names, if it names one.
    :returns: how the teacher's distributions reach the student; ``None`` if only its text does.
    :raises ConchError: the training signal would be meaningless.
    """
    signal = signal_of(teacher.capabilities, config)
    if signal is None:
        return None
    shared_ids = loss is not None and loss.shared_ids
    parts = teacher.parts.values() if isinstance(teacher, RoutedTeacher) else (teacher,)
    found = [_checked(part, base, signal, shared_ids=shared_ids) for part in parts]
    return found[0] if len(found) == 1 else signal  # the signal that all parts support


def _checked(teacher: Teacher, base: LoadedModel, signal: Signal, *, shared_ids: bool) -> Signal:
    tokenizer = tokenizer_of(teacher)
    if tokenizer is None:
        log.info("compatibility_checked", signal=signal, findings=["the teacher offers no tokenizer to compare"])
        return signal
    student = Party("student", base.tokenizer, base.config)
    other = Party("teacher", tokenizer, getattr(teacher, "config", {}))
    found = check_compatibility(student, other, signal, shared_ids=shared_ids)
    log.info("compatibility_checked", signal=found.loss, same_tokenizer=found.same_tokenizer, widths=found.widths,
             ends=found.ends, contexts=found.contexts, findings=list(found.findings))  # fmt: skip
    return found.loss


def tokenizer_of(teacher: Teacher) -> Any | None:
    """Return a teacher's own tokenizer; ``None`` if it offers none, as a teacher behind an API does."""
    return getattr(teacher, "tokenizer", None)


def soft_targets(
    teacher: Teacher,
    pairs: Pairs,
    responses: Mapping[str, Completion],
    signal: Signal | None,
    *,
    base: LoadedModel,
    config: DistillConfig,
    cache: Path,
    progress: Progress,
) -> Soft:
    """Return the pairs that can be trained on, and the soft targets of their answers, one per pair.

    An answer without token choices, or with those of a different text, is left out and counted in a warning.

    :param pairs: prompts with their tokenised conversation.
    :param responses: the teacher's answers by prompt digest.
    :param signal: what :func:`compare_tokenizers` returned; if ``None``, all pairs are kept and there are no targets.
    :param base: the student.
    :param cache: the cache folder; targets are in its sub-folder ``targets``.
    :param progress: advances by one per answer; the caller announces the stage.
    :raises ConchError: teacher and student cannot be compared as ``cross_tokenizer`` requires.
    """
    if signal is None or not pairs:
        return pairs, None
    if signal != EXACT and "own_top_k" not in teacher.capabilities:
        return _projected(pairs, _choices(teacher, pairs, responses), base, config, progress)
    own = None if signal == EXACT else tokenizer_of(teacher)
    answers = [
        example.answer_ids if own is None else encode_answer(own, prompt, responses[prompt.digest].text).answer_ids
        for prompt, example in pairs
    ]
    store = TargetCache(cache / "targets")
    targets = store.fill(teacher, [p for p, _ in pairs], answers, config.top_k, progress.advance)
    if own is None:
        check_ids(targets, base.width, teacher.fingerprint)
        return pairs, [at_trained(one, example) for one, (_, example) in zip(targets, pairs, strict=True)]
    if signal == BYTES:
        choices = [as_bytes(own, *each) for each in zip(answers, targets, strict=True)]
        return _projected(pairs, choices, base, config, progress)
    return _aligned(pairs, answers, targets, (base.tokenizer, own), signal)


def _choices(teacher: Teacher, pairs: Pairs, responses: Mapping[str, Completion]) -> Sequence[Sequence[SoftToken]]:
    """Return the choices of each answer's tokens as bytes: those in the answers, else those of their texts."""
    if "soft" in teacher.capabilities:
        return [responses[prompt.digest].soft for prompt, _ in pairs]
    prompts = [prompt for prompt, _ in pairs]
    return text_scorer_of(teacher).score_text(prompts, [responses[p.digest].text for p in prompts], CHOICES)


def _aligned(
    pairs: Pairs,
    answers: Sequence[Sequence[int]],
    targets: Sequence[Targets],
    tokenizers: tuple[Any, Any],
    signal: Signal,
) -> Soft:
    """Align targets in the teacher's tokens with the student's, for a plug-in's loss.

    :param tokenizers: the student's and the teacher's.
    """
    found = align_answers([example.answer_ids for _, example in pairs], answers, targets, *tokenizers)
    usable, aligned = _usable(pairs, found)
    aligned = [
        without_untrained(one, example.answer_trained) if example.computed else one
        for one, (_, example) in zip(aligned, usable, strict=True)
    ]
    return usable, CrossTargets(signal, aligned, vocabulary_map(*tokenizers))


def _projected(
    pairs: Pairs,
    choices: Sequence[Sequence[SoftToken]],
    base: LoadedModel,
    config: DistillConfig,
    progress: Progress,
) -> Soft:
    """Project the choices of each answer's tokens onto the student's tokens."""
    projection = Projection(vocabulary_of(base.tokenizer), base.width)
    found = []
    for (_, example), tokens in zip(pairs, choices, strict=True):
        targets = projection.targets(tokens, example.answer_ids, config.top_k) if tokens else None
        found.append(targets and at_trained(targets, example))
        progress.advance()
    return _usable(pairs, found)


def at_trained(targets: Targets, example: Example) -> Targets:
    """Return the targets of the answer's tokens that are trained; computed ones are not."""
    if not example.computed:
        return targets
    kept_T = np.array(example.answer_trained, bool)
    chosen = None if targets.chosen is None else targets.chosen[kept_T]
    return replace(
        targets, ids=targets.ids[kept_T], log_probs=targets.log_probs[kept_T], tail=targets.tail[kept_T], chosen=chosen
    )


def _usable(pairs: Pairs, found: Sequence[T | None]) -> tuple[Pairs, list[T]]:
    """Return the pairs that have targets, and these targets; count the other pairs in a warning."""
    kept = [(pair, one) for pair, one in zip(pairs, found, strict=True) if one is not None]
    if left_out := len(pairs) - len(kept):
        log.warning("examples_left_out", reason="their token choices are missing, or are those of another text",
                    count=left_out)  # fmt: skip
    return [pair for pair, _ in kept], [one for _, one in kept]
