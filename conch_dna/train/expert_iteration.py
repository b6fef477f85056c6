"""Best-of-N self-improvement: the student trains on the best of its own answers.

Repeated sampling, selection and fine-tuning is known as expert iteration and as rejection-sampling fine-tuning (RFT,
ReST, RAFT). It needs no teacher. Where the domain's verifier can check a prompt, the right answers are the best, and
rounds are compared by the share of right answers to validation prompts. Otherwise the domain's scorers rate the
answers. A student can please scorers with repeated answers, so a round that loses too much diversity is then rejected.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from pydantic import ValidationError

from conch_dna.data.tokens import encode_answer
from conch_dna.domains.generation import verifier_of
from conch_dna.errors import TrainingError
from conch_dna.evaluation.answers import answer_greedily, rate
from conch_dna.evaluation.right import verified
from conch_dna.evaluation.scoring import LEAST_DIVERSITY, distinct
from conch_dna.losses.fused import Objective
from conch_dna.records import Record, to_json_line
from conch_dna.train.candidates import (
    Drawn,
    Student,
    check_origin,
    digest_of_student,
    draw,
    drawn_candidates,
    student_of,
)
from conch_dna.train.recipes.base import RecipeContext, RecipeResult, train_in
from conch_dna.train.sources import FixedSource
from conch_dna.train.stage import Stage
from conch_dna.train.training_set import TrainingSet
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conch_dna.records import Prompt
    from conch_dna.train.recipes.settings import BestOfNSettings

NO_CANDIDATE = "no candidate was right or, where nothing verifies it, scored above the mean of its prompt"
log = structlog.get_logger()


class Candidate(Drawn):
    """A drawn answer with its scores; a line of ``candidates.jsonl``."""

    score: float
    scores: dict[str, float]
    right: bool | None = None
    kept: bool = False


class Validation(Record):
    """Figures and answers of one student on the validation prompts; ``validation.json``."""

    adapter: str
    right: float | None = None
    quality: float
    diversity: float
    words: float
    answers: dict[str, str]


class Round(Record):
    """The figures and the outcome of one round; a line of ``iterations.jsonl``."""

    iteration: int
    candidates: int
    kept: int
    right: float | None = None
    previous_right: float | None = None
    base_right: float | None = None
    quality: float
    previous_quality: float
    base_quality: float
    diversity: float
    base_diversity: float
    words: float
    accepted: bool
    reason: str


def best_of_n(context: RecipeContext[BestOfNSettings]) -> RecipeResult:
    """Run rounds of drawing, selection and fine-tuning while the answers to the validation prompts get better.

    Each round starts from the adapter of the previous round, with a fresh optimizer, and works in ``iteration-N``. It
    is accepted if its share of right answers is above that of the previous round. Without a verifier, its mean quality
    must be, and its answers must keep half of the base's diversity. The first rejected round ends the recipe. Results
    on disk are reused.

    :returns: the adapter of the last accepted round; if there is none, the recipe's start adapter, otherwise the
        adapter of the first round, which the gate then judges.
    :raises TrainingError: in the first round no candidate can be kept, and the recipe has no start adapter.
    :raises PluginError: a scorer or the verifier fails.
    :raises CheckpointError: the folder contains rounds with another identity, for example of other scorers or
        references.
    """
    # Texts, scores and validations depend on the domain's scorers, references and answer length.
    context = replace(context, identity=context.identity | {"domain": context.domain.digest})
    current = context.start
    check_origin(context.folder / "base", context.identity, current)
    base = _validated(context, None, context.folder / "base")
    previous = _validated(context, current, context.folder / "start") if current else base
    rounds: list[Round] = []
    reports = []
    first: Path | None = None
    for number in range(1, context.settings.iterations + 1):
        folder = context.folder / f"iteration-{number}"
        drawn = _candidates(context, number, current, folder)
        if not any(c.kept for c in drawn):
            log.info("best_of_n_stopped", domain=context.domain.name, iteration=number, reason=NO_CANDIDATE)
            break
        result = _fine_tuned(context, drawn, current, folder)
        reports += result.reports
        first = first or result.adapter
        now = _validated(context, result.adapter, folder)
        rounds.append(_judged(number, drawn, now, previous, base))
        write_atomic(context.folder / "iterations.jsonl", "".join(map(to_json_line, rounds)))
        log.info("best_of_n_round", domain=context.domain.name, **rounds[-1].model_dump())
        if not rounds[-1].accepted:
            break
        current, previous = result.adapter, now
    adapter = current or first
    if adapter is None:
        raise TrainingError(
            NO_CANDIDATE, where=f"domain {context.domain.name}, best_of_n",
            next_step="Raise candidates or candidate_temperature, or check candidates.jsonl and the scorers",
        )  # fmt: skip
    return RecipeResult(adapter, reports)


def choose(candidates: Sequence[Candidate], kept: int) -> list[Candidate]:
    """Mark the best candidates of one prompt: at most ``kept``, without duplicate texts.

    These are right ones, or where nothing verifies them those above their mean score. The better score wins, then the
    candidate drawn first. A truncated or empty candidate is never kept, but its score counts in the mean.
    """
    mean = sum(c.score for c in candidates) / len(candidates)
    seen: set[str] = set()
    chosen: set[int] = set()
    for candidate in sorted(candidates, key=lambda c: (-c.score, c.number)):
        text, good = candidate.text.strip(), candidate.score > mean if candidate.right is None else candidate.right
        if len(chosen) < kept and good and candidate.finished and text and text not in seen:
            seen.add(text)
            chosen.add(candidate.number)
    return [c.model_copy(update={"kept": c.number in chosen}) for c in candidates]


def _judged(number: int, drawn: Sequence[Candidate], now: Validation, previous: Validation, base: Validation) -> Round:
    """Accept or reject a round."""
    if now.right is not None and previous.right is not None:
        accepted = now.right > previous.right
        reason = f"right answers {'rose' if accepted else 'did not rise'}"
    elif now.diversity < LEAST_DIVERSITY * base.diversity:
        accepted = False
        reason = f"diversity fell to {now.diversity:.2f}, less than {LEAST_DIVERSITY:.0%} of the base's"
    else:
        accepted = now.quality > previous.quality
        reason = f"quality {'rose' if accepted else 'did not rise'}"
    return Round(
        iteration=number, candidates=len(drawn), kept=sum(c.kept for c in drawn), right=now.right,
        previous_right=previous.right, base_right=base.right, quality=now.quality,
        previous_quality=previous.quality, base_quality=base.quality, diversity=now.diversity,
        base_diversity=base.diversity, words=now.words, accepted=accepted, reason=reason,
    )  # fmt: skip


def _fine_tuned(
    context: RecipeContext[BestOfNSettings], drawn: Sequence[Candidate], start: Path | None, folder: Path
) -> RecipeResult:
    """Train on the kept candidates by cross-entropy."""
    prompts = {p.digest: p for p in context.training_set.prompts}
    tokenizer, processors = context.base.tokenizer, context.processors
    examples = [encode_answer(tokenizer, prompts[c.prompt], c.text, processors) for c in drawn if c.kept]
    training_set = TrainingSet(context.domain.name, [e for e in examples if len(e.ids) <= context.config.max_length])
    if not training_set.examples:
        raise TrainingError(
            "all kept candidates are too long", where=folder, allowed=f"max_length {context.config.max_length}"
        )
    objective = Objective()
    source = FixedSource(training_set.examples, None, context.config)
    stage = Stage(context.domain.name, "best_of_n", source, lambda _: objective, start=start)
    return train_in(replace(context, folder=folder, identity=context.identity | {"data": training_set.digest}), stage)


def _candidates(
    context: RecipeContext[BestOfNSettings], number: int, student: Path | None, folder: Path
) -> list[Candidate]:
    """Return the scored candidates of all prompts, those to keep marked."""
    settings = context.settings

    def make(one: Student, prompts: Sequence[Prompt]) -> list[Candidate]:
        """Draw the candidates of a group, score them and mark those to keep."""
        drawn = draw(context, one, number, prompts)
        repeated = [prompt for prompt in prompts for _ in range(settings.candidates)]
        texts, scorers = [d.text for d in drawn], context.host.catalog.all("scorers")
        scores = rate(one.runtime, context.domain, repeated, texts, scorers)
        found = [
            Candidate(**d.model_dump(), score=s.total, scores=s.parts, right=right)
            for d, s, right in zip(drawn, scores, _right(context, repeated, texts), strict=True)
        ]
        cuts = range(0, len(found), settings.candidates)
        return [c for cut in cuts for c in choose(found[cut : cut + settings.candidates], settings.kept)]

    return drawn_candidates(
        context, f"candidates {number}", folder, Candidate, student, context.training_set.prompts, make
    )


def _right(
    context: RecipeContext[BestOfNSettings], prompts: Sequence[Prompt], texts: Sequence[str]
) -> list[bool | None]:
    """Return whether each answer is right; ``None`` where the domain's verifier cannot tell, or there is none."""
    verifier = verifier_of(context.host.catalog, context.domain)
    if verifier is None:
        return [None] * len(texts)
    figures = verified(verifier, context.domain, prompts, texts)
    return [None if one is None else one["right"] == 1 for one in figures]


def _validated(context: RecipeContext[BestOfNSettings], student: Path | None, folder: Path) -> Validation:
    """Return the figures of a student's greedy answers to the validation prompts; read them from disk if possible."""
    file, digest = folder / "validation.json", digest_of_student(student)
    apart = context.training_set.validation
    prompts = apart.prompts if apart else ()
    try:
        found = Validation.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        pass
    else:
        if found.adapter == digest and list(found.answers) == [p.digest for p in prompts]:
            return found
    context.progress.stage(context.domain.name, "validation", len(prompts))
    with student_of(context, student) as (runtime, name):
        held = any(prompt.offered for prompt in prompts)  # as the candidates are
        answers = answer_greedily(runtime, name, context.domain, prompts, held=held)
        scores = rate(runtime, context.domain, prompts, answers, context.host.catalog.all("scorers"))
    context.progress.advance(len(prompts))
    right = [one for one in _right(context, prompts, answers) if one is not None]
    found = Validation(
        adapter=digest,
        right=sum(right) / len(right) if right else None,
        quality=sum(s.total for s in scores) / len(scores),
        diversity=distinct(answers),
        words=sum(len(a.split()) for a in answers) / len(answers),
        answers={p.digest: answer for p, answer in zip(prompts, answers, strict=True)},
    )
    write_atomic(file, found.model_dump_json(indent=2) + "\n")
    return found
