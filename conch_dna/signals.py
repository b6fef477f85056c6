"""What a teacher tells beside its text, brought to the student's tokens: the soft targets of a domain's answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from conch_dna.data.targets import TargetCache
from conch_dna.data.tokens import encode_chat
from conch_dna.errors import ConfigError, TeacherError
from conch_dna.handshake import Party, shake_hands

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conch_dna.align.answers import Aligned
    from conch_dna.align.bridge import Bridge
    from conch_dna.config import DistillConfig
    from conch_dna.data.tokens import Example
    from conch_dna.domains import Domain
    from conch_dna.interfaces import Divergence, LogitLoss, Targets, Teacher
    from conch_dna.records import Completion, Prompt
    from conch_dna.session import Session

    Pairs = Sequence[tuple[Prompt, Example]]

log = structlog.get_logger()


@dataclass(frozen=True)
class CrossTargets:
    """Soft targets in a teacher's own tokens, for a loss that compares across tokenizers.

    :param kind: the loss: ``p_kl``, ``gold``, ``uld``, ``truncate`` or ``project``.
    :param aligned: one an example.
    """

    kind: str
    aligned: Sequence[Aligned]
    between: Bridge

    def loss_of(self, divergence: Divergence, config: DistillConfig) -> Callable[[Sequence[int]], LogitLoss]:
        """Return a function from picked examples to their loss."""
        from conch_dna.align.answers import collate_aligned
        from conch_dna.train.cross import cross_loss

        def of(picks: Sequence[int]) -> LogitLoss:
            return cross_loss(
                self.kind, collate_aligned([self.aligned[i] for i in picks]), self.between, divergence=divergence,
                temperature=config.temperature, beta=config.beta, t_squared=config.t_squared,
            )  # fmt: skip

        return of


def signal_of(capabilities: frozenset[str], config: DistillConfig) -> str | None:
    """Return how a teacher's distributions reach the student; ``None`` where its text is all there is.

    ``exact`` where it gives them in the student's tokens; ``cross_tokenizer`` where it gives them in its own; ``bytes``
    where it tells each token's choices as bytes.
    """
    if "top_k" in capabilities:
        return "exact"
    if "own_top_k" in capabilities and config.cross_tokenizer != "off":
        return config.cross_tokenizer
    return "bytes" if "soft" in capabilities and config.cross_tokenizer == "bytes" else None


def shake(session: Session, teacher: Any) -> None:
    """Compare teacher and student before anything is asked or trained, and say what was found.

    Nothing is compared where the teacher's tokenizer is not at hand: its choices come as bytes, or not at all.

    :raises ConchError: training would teach nonsense.
    """
    signal = signal_of(teacher.capabilities, session.config)
    if signal is None or getattr(teacher, "tokenizer", None) is None:
        return
    base = session.base
    student = Party("student", base.tokenizer, base.config)
    taught = Party("teacher", teacher.tokenizer, getattr(teacher, "config", {}))
    # Projecting bytes asks of two tokenizers what the loss by shared tokens asks.
    requested = {"bytes": "p_kl"}.get(signal, signal)
    hands = shake_hands(student, taught, requested)  # type: ignore[arg-type]
    log.info("hands_shaken", signal=signal, same_tokenizer=hands.same_tokenizer, widths=hands.widths, ends=hands.ends,
             contexts=hands.contexts, findings=list(hands.findings))  # fmt: skip


def soft_targets(
    session: Session, domain: Domain, teacher: Teacher, pairs: Pairs, told: Mapping[str, Completion]
) -> Sequence[Targets] | CrossTargets | None:
    """Return the soft targets of the answers, one a pair; ``None`` where the teacher gives text alone.

    :param told: the teacher's answers by prompt.
    :raises ConchError: teacher and student cannot be compared as ``cross_tokenizer`` asks.
    """
    signal = signal_of(teacher.capabilities, session.config)
    if signal is None or not pairs:
        return None
    session.progress.stage(domain.name, "soft targets", len(pairs))
    if signal == "exact":
        return _scored(session, teacher, pairs, [example.answer_ids for _, example in pairs])
    if "own_top_k" in teacher.capabilities:
        return _in_its_own_tokens(session, teacher, pairs, told, signal)
    return _projected(session, pairs, [told[prompt.digest].soft for prompt, _ in pairs])


def _scored(session: Session, teacher: Teacher, pairs: Pairs, answers: Sequence[Sequence[int]]) -> list[Targets]:
    cache = TargetCache(session.cache / "targets")
    return cache.fill(teacher, [p for p, _ in pairs], answers, session.config.top_k, session.progress.advance)


def _in_its_own_tokens(
    session: Session, teacher: Any, pairs: Pairs, told: Mapping[str, Completion], signal: str
) -> Sequence[Targets] | CrossTargets:
    """Score the answers in the teacher's tokens and align these with the student's."""
    from conch_dna.align.answers import align_answers
    from conch_dna.align.bridge import bridge
    from conch_dna.align.byte_projection import soft_tokens

    ours, theirs = session.base.tokenizer, teacher.tokenizer
    turns = [
        [*(m.as_dict() for m in p.messages), {"role": "assistant", "content": told[p.digest].text}] for p, _ in pairs
    ]
    answers = [encode_chat(theirs, t).answer_ids for t in turns]
    targets = _scored(session, teacher, pairs, answers)
    if signal != "bytes":
        if session.config.beta_end is not None:
            raise ConfigError("beta stays as it is between tokenizers", where="beta_end", got=session.config.beta_end,
                              next_step="Leave it out, or set cross_tokenizer to bytes")  # fmt: skip
        aligned = align_answers([e for _, e in pairs], answers, targets, ours, theirs)
        return CrossTargets(signal, aligned, bridge(ours, theirs))
    told_as_bytes = map(partial(soft_tokens, theirs), answers, targets)
    return _projected(session, pairs, list(told_as_bytes))


def _projected(session: Session, pairs: Pairs, soft: Sequence[Any]) -> list[Targets]:
    """Project the choices of each answer's tokens onto the student's."""
    from conch_dna.align.byte_projection import Projection
    from conch_dna.align.vocabulary import vocabulary_of

    projection = Projection(vocabulary_of(session.base.tokenizer), session.base.width)
    found = []
    for (prompt, example), tokens in zip(pairs, soft, strict=True):
        targets = projection.targets(tokens, example.answer_ids, session.config.top_k)
        if targets is None:
            raise TeacherError(
                "told the choices of another text than its answer", where=f"prompt {prompt.digest[:12]}",
                next_step="Record the domain again, or set cross_tokenizer to off",
            )  # fmt: skip
        found.append(targets)
        session.progress.advance()
    return found
