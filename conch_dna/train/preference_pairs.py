"""Preference pairs: train the student towards the answers that its teacher prefers (DPO, Rafailov et al. 2023).

Before training, the student answers each prompt several times, and the teacher compares these answers with its own
answer or, if it has none, with the first of them. Answers, verdicts and reference log-probabilities are written to disk
group by group, so that a resumed run repeats no paid request.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import structlog
from pydantic import Field

from conch_dna.data.batches import check_budget
from conch_dna.data.tokens import encode_answer
from conch_dna.errors import TeacherError, TrainingError
from conch_dna.evaluation.fit import fits
from conch_dna.losses.dpo import Pairs
from conch_dna.losses.fused import Objective
from conch_dna.models.head import split
from conch_dna.records import Record, digest_of
from conch_dna.teachers.capabilities import judge_of
from conch_dna.train.candidates import (
    Drawn,
    Student,
    by_student,
    draw,
    drawn_candidates,
    groups_of,
    in_groups,
)
from conch_dna.train.recipes.base import RecipeContext, RecipeResult, train_in
from conch_dna.train.sources import FixedSource
from conch_dna.train.stage import Stage
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.data.tokens import Example
    from conch_dna.records import Prompt
    from conch_dna.train.recipes.settings import PreferenceSettings

VERDICTS = (0, 1, None)
GROUP = 16  # comparisons requested and stored together; a killed run loses at most one group
log = structlog.get_logger()


class Judged(Record):
    """The teacher's verdict on two answers to a prompt; a line of ``verdicts.jsonl``.

    :param first, second: the numbers of the candidates; ``None`` is the teacher's own answer.
    :param texts: a digest of both answers, so that the verdict is not used for other answers.
    :param better: 0 for the first, 1 for the second, ``None`` for a tie or no verdict.
    """

    prompt: str
    first: int | None
    second: int
    texts: str
    better: int | None


class Pair(Record):
    """Two answers, the preferred one first; a line of ``pairs.jsonl``.

    :param references: log-probability of each under the student before training, in nats.
    """

    prompt: str
    preferred: str
    other: str
    references: tuple[float, float]


class Counts(Record):
    """Numbers of answers, comparisons and pairs; ``counts.json``."""

    prompts: int
    candidates: int
    unusable: int = Field(description="truncated or empty candidates")
    alike: int = Field(description="candidates with the text of another answer to the prompt")
    too_long: int = Field(description="other candidates that exceed max_length, prompt included")
    compared: int
    first_better: int = Field(description="verdicts for the teacher's own answer, or for the first candidate")
    second_better: int
    ties: int = Field(description="comparisons without a verdict")
    pairs: int = Field(description="training pairs")
    apart: int = Field(description="validation pairs")


class _Answer(NamedTuple):
    """An answer that can be compared; ``number`` is the candidate's, or ``None`` for the teacher's own answer."""

    number: int | None
    text: str
    example: Example


class _Match(NamedTuple):
    """Two answers to compare; the teacher's own answer is never the second."""

    prompt: Prompt
    first: _Answer
    second: _Answer

    def judged(self, better: int | None) -> Judged:
        """Return the verdict on this match as a record."""
        first, second = self.first, self.second
        return Judged(
            prompt=self.prompt.digest, first=first.number, second=cast("int", second.number),
            texts=digest_of([first.text, second.text]), better=better,
        )  # fmt: skip


class _Choice(NamedTuple):
    """The two answers of a verdict that prefers one of them."""

    prompt: str
    preferred: _Answer
    other: _Answer


def preference(context: RecipeContext[PreferenceSettings]) -> RecipeResult:
    """Draw candidates, request verdicts, and train on the pairs; results on disk are reused.

    The reference of DPO is the recipe's start: the adapter of the previous recipe, or the base.

    :raises TrainingError: there is no training pair, or no validation pair although the settings ask for validation.
    :raises TeacherError: the teacher's verdicts do not match the request.
    :raises CheckpointError: the folder contains answers or verdicts with another identity.
    """
    # Texts and verdicts also depend on the domain: the maximum length of the answers is in no other identity.
    context = replace(context, identity=context.identity | {"domain": context.domain.digest})
    config, held, answers = context.config, context.training_set.validation, context.training_set.answers
    apart = held.prompts if held and config.validates else ()
    prompts = [p for p in (*context.training_set.prompts, *apart) if p.digest in answers or not answers]
    drawn = _drawn(context, prompts)
    usable = [d for d in drawn if d.finished and d.text.strip()]
    matches, left_out = _matches(context, prompts, usable)
    judged = _judged(context, matches)
    choices = _choices(matches, judged)
    digests = {p.digest for p in apart}
    trained, validation = ([c for c in choices if (c.prompt in digests) is side] for side in (False, True))
    verdicts = Counter(j.better for j in judged)
    counts = Counts(
        prompts=len(prompts), candidates=len(drawn), unusable=len(drawn) - len(usable),
        alike=left_out["alike"], too_long=left_out["too_long"], compared=len(judged), first_better=verdicts[0],
        second_better=verdicts[1], ties=verdicts[None], pairs=len(trained), apart=len(validation),
    )  # fmt: skip
    write_atomic(context.folder / "counts.json", counts.model_dump_json(indent=2) + "\n")
    log.info("answers_compared", domain=context.domain.name, **counts.model_dump())
    if not trained or (config.validates and not validation):
        raise TrainingError(
            "no verdict on the validation prompts" if trained else "no verdict to train on",
            where=f"domain {context.domain.name}, preference", got=_main_loss(counts)[0],
            next_step=f"{_main_loss(counts)[1]}; see counts.json in {context.folder}",
        )  # fmt: skip
    return _trained(context, trained, validation)


def _main_loss(counts: Counts) -> tuple[str, str]:
    """Return the main reason why answers gave no pair, and the advice against it."""
    if counts.compared:
        return f"{counts.ties} of {counts.compared} comparisons without a verdict", "Check verdicts.jsonl"
    reasons = {
        "truncated or empty": (counts.unusable, "Raise the domain's max_tokens, or train with sft first"),
        "duplicate": (counts.alike, "Raise candidates or candidate_temperature"),
        "longer than max_length": (counts.too_long, "Raise max_length"),
    }
    worst = max(reasons, key=lambda reason: reasons[reason][0])
    count, advice = reasons[worst]
    return f"{count} of {counts.candidates} candidates are {worst}, and none was compared", advice


def _drawn(context: RecipeContext[PreferenceSettings], prompts: Sequence[Prompt]) -> list[Drawn]:
    """Return the candidates of all prompts."""

    def make(student: Student, group: Sequence[Prompt]) -> list[Drawn]:
        return draw(context, student, 0, group)

    return drawn_candidates(context, "candidates", context.folder, Drawn, context.start, prompts, make)


def _matches(
    context: RecipeContext[PreferenceSettings], prompts: Sequence[Prompt], usable: Sequence[Drawn]
) -> tuple[list[_Match], Mapping[str, int]]:
    """Return the matches, and the number of candidates left out, by the fields of :class:`Counts`.

    The first answer to a prompt (the teacher's, if it has one) is compared with each of the others.

    :raises ConfigError: an answer exceeds ``token_budget``; this is checked before any verdict is requested.
    """
    config, answers, processors = context.config, context.training_set.answers, context.processors
    drawn: dict[str, list[Drawn]] = {prompt.digest: [] for prompt in prompts}
    for one in usable:
        drawn[one.prompt].append(one)
    found: list[_Match] = []
    left_out: Counter[str] = Counter()
    lengths: dict[str, int] = {}
    for prompt in prompts:
        teachers = [(None, answers[prompt.digest])] if answers else []
        texts: set[str] = set()
        kept: list[_Answer] = []
        for number, text in (*teachers, *((d.number, d.text) for d in drawn[prompt.digest])):
            if text.strip() in texts:
                left_out["alike"] += 1
                continue
            texts.add(text.strip())
            example = encode_answer(context.base.tokenizer, prompt, text, processors)
            if len(example.ids) > config.max_length:
                left_out["too_long"] += 1
                continue
            kept.append(_Answer(number, text, example))
        if len(kept) > 1:
            found += [_Match(prompt, kept[0], other) for other in kept[1:]]
            lengths[f"an answer to the prompt {prompt.digest[:12]}"] = max(len(one.example.ids) for one in kept)
    check_budget(lengths, config, together=2)
    return found, left_out


def _judged(context: RecipeContext[PreferenceSettings], matches: Sequence[_Match]) -> list[Judged]:
    """Return the teacher's verdict on each match; request those that are not on disk."""
    teacher = judge_of(context.teacher)

    def ask(group: Sequence[_Match]) -> list[Judged]:
        found = teacher.prefer([m.prompt for m in group], [m.first.text for m in group], [m.second.text for m in group])
        if len(found) != len(group) or not all(better in VERDICTS for better in found):
            raise TeacherError("returned invalid verdicts", where=context.teacher.fingerprint,
                               got=found, allowed=f"0, 1 or None for each of {len(group)} comparisons")  # fmt: skip
        return [match.judged(better) for match, better in zip(group, found, strict=True)]

    context.progress.stage(context.domain.name, "verdicts", len(matches))
    return in_groups(
        context.folder / "verdicts.jsonl", Judged, groups_of(matches, 1, GROUP), 1,
        lambda: contextlib.nullcontext(ask), context.progress.advance, lambda row, m: row == m.judged(row.better),
    )  # fmt: skip


def _choices(matches: Sequence[_Match], judged: Sequence[Judged]) -> list[_Choice]:
    """Return the verdicts that prefer one of the answers."""
    found = []
    for match, verdict in zip(matches, judged, strict=True):
        if verdict.better is None:
            continue
        sides = (match.first, match.second)
        found.append(_Choice(match.prompt.digest, *(sides if verdict.better == 0 else sides[::-1])))
    return found


def _trained(
    context: RecipeContext[PreferenceSettings], trained: Sequence[_Choice], validation: Sequence[_Choice]
) -> RecipeResult:
    """Add the reference log-probabilities to the pairs, and train on them."""
    pairs = _with_references(context, [*trained, *validation])
    source = _source(context, trained, pairs[: len(trained)])
    held = _source(context, validation, pairs[len(trained) :]).passes(range(len(validation)))
    objective = Objective()  # required by Stage; pairs use the DPO loss
    stage = Stage(context.domain.name, "preference", source, lambda _: objective, held, context.start)
    data = digest_of([pair.model_dump(mode="json") for pair in pairs])
    return train_in(replace(context, identity=context.identity | {"data": data}), stage)


def _with_references(context: RecipeContext[PreferenceSettings], choices: Sequence[_Choice]) -> list[Pair]:
    """Return the choices as pairs with log-probabilities under the reference; read from disk if possible."""

    def make(student: Student, group: Sequence[_Choice]) -> list[Pair]:
        body, head = split(context.base.model)
        with student.runtime.neuron(student.name):
            found = fits(body, head, _examples(group), over=student.runtime.over)
        nats = [-fit.bits * math.log(2) for fit in found]
        return [
            Pair(prompt=c.prompt, preferred=c.preferred.text, other=c.other.text, references=both)
            for c, both in zip(group, zip(nats[::2], nats[1::2], strict=True), strict=True)
        ]

    context.progress.stage(context.domain.name, "reference", len(choices))
    return in_groups(
        context.folder / "pairs.jsonl", Pair, groups_of(choices, 1, GROUP), 1,
        lambda: by_student(context, context.start, make), context.progress.advance,
        lambda pair, c: (pair.prompt, pair.preferred, pair.other) == (c.prompt, c.preferred.text, c.other.text),
    )  # fmt: skip


def _source(
    context: RecipeContext[PreferenceSettings], choices: Sequence[_Choice], pairs: Sequence[Pair]
) -> FixedSource:
    """Return the source of batches of pairs, the preferred answer of each first."""
    references = np.array([pair.references for pair in pairs], np.float32).reshape(-1)

    def targets(picks: Sequence[int]) -> Pairs:
        return Pairs(references[list(picks)], context.settings.dpo_beta)

    return FixedSource(_examples(choices), targets, context.config, together=2)


def _examples(choices: Sequence[_Choice]) -> list[Example]:
    """Return both answers of each choice as examples, the preferred one first."""
    return [answer.example for choice in choices for answer in (choice.preferred, choice.other)]
