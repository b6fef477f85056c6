"""Candidates: several answers of the student to each prompt, drawn in groups and written to disk group by group."""

from __future__ import annotations

import contextlib
import functools
import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from conch_dna.data.tokens import prompt_ids
from conch_dna.data.tool_form import student_turns
from conch_dna.errors import CheckpointError
from conch_dna.kernels.patch import fast_ops
from conch_dna.records import Record, read_sound, to_json_line
from conch_dna.registry.aliases import BASE
from conch_dna.runtime.computed import SpanProcessors
from conch_dna.runtime.generate import BATCH
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.train.checkpoint import refuse_other
from conch_dna.train.lora import ADAPTER_FILE
from conch_dna.train.rollouts import roll_out, rollout_seeds
from conch_dna.util.files import append, sha256_file, write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from conch_dna.records import Prompt
    from conch_dna.train.recipes.base import RecipeContext
    from conch_dna.train.recipes.settings import CandidateSettings

STUDENT = "student"  # name in the runtime of the adapter that draws
R = TypeVar("R", bound=Record)
T = TypeVar("T")


class Drawn(Record):
    """One answer drawn by the student; a line of ``candidates.jsonl``."""

    prompt: str
    number: int
    text: str
    finished: bool


D = TypeVar("D", bound=Drawn)


class Student(NamedTuple):
    """A runtime over the base, and the name of the student's adapter in it."""

    runtime: NeuronRuntime
    name: str


def groups_of(items: Sequence[T], rows: int, most: int = BATCH) -> list[Sequence[T]]:
    """Return the items, of ``rows`` rows each, in groups of at most ``most`` rows, and of at least one item."""
    size = max(1, most // rows)
    return [items[start : start + size] for start in range(0, len(items), size)]


def drawn_candidates(
    context: RecipeContext[CandidateSettings],
    stage: str,
    folder: Path,
    kind: type[D],
    adapter: Path | None,
    prompts: Sequence[Prompt],
    make: Callable[[Student, Sequence[Prompt]], list[D]],
) -> list[D]:
    """Return the candidates of all prompts in ``folder``; draw those that are missing, group by group.

    :param stage: their name in the progress.
    :param adapter: of the student that draws, or ``None`` for the base.
    :param make: returns the candidates of a group of prompts, in their order.
    :raises CheckpointError: the folder's content has another identity.
    """
    count = context.settings.candidates
    check_origin(folder, context.identity, adapter)
    context.progress.stage(context.domain.name, stage, len(prompts) * count)
    return in_groups(
        folder / "candidates.jsonl", kind, groups_of(prompts, count), count,
        lambda: by_student(context, adapter, make), context.progress.advance,
        lambda row, prompt: row.prompt == prompt.digest,
    )  # fmt: skip


def draw(
    context: RecipeContext[CandidateSettings], student: Student, number: int, prompts: Sequence[Prompt]
) -> list[Drawn]:
    """Return the candidates of ``prompts``, in their order; where tools are offered, held to their grammar.

    Seeds are a pure function of the run's seed, the round ``number``, the prompt and the candidate's number.
    """
    config, tokenizer = context.config, context.base.tokenizer
    repeated = [prompt for prompt in prompts for _ in range(context.settings.candidates)]
    ids = [prompt_ids(tokenizer, student_turns(p)) for p in repeated]
    seeds = rollout_seeds(config.seed, number, [p.digest for p in repeated])
    spans = SpanProcessors(tokenizer, context.host.catalog.all("processors"))
    processors = context.domain.settings.processors
    with student.runtime.neuron(student.name):
        rollouts = roll_out(
            context.base.model, tokenizer, ids, seeds,
            max_tokens=context.domain.settings.max_tokens, temperature=context.settings.candidate_temperature,
            alora=student.runtime.alora,
            processors=[
                [*student.runtime.constraints(p.offered), *spans.named(processors, context.domain.name)]
                for p in repeated
            ],
        )  # fmt: skip
    return [
        Drawn(prompt=p.digest, number=row % context.settings.candidates, text=r.text(tokenizer), finished=r.finished)
        for row, (p, r) in enumerate(zip(repeated, rollouts, strict=True))
    ]


@contextlib.contextmanager
def student_of(context: RecipeContext[CandidateSettings], adapter: Path | None) -> Iterator[Student]:
    """Yield a runtime over the base with that adapter, or without one, under the fast CPU operations."""
    processors = context.host.catalog.all("processors")
    registry = context.folder / "none"  # never used
    runtime = NeuronRuntime(context.base, registry, span_processors=processors)
    try:
        if adapter is not None:
            runtime.add(STUDENT, adapter, context.domain.settings.processors)
        with fast_ops(context.base.model, cached=True):
            yield Student(runtime, STUDENT if adapter else BASE)
    finally:
        runtime.close()


@contextlib.contextmanager
def by_student(
    context: RecipeContext[CandidateSettings], adapter: Path | None, make: Callable[[Student, Sequence[T]], list[R]]
) -> Iterator[Callable[[Sequence[T]], list[R]]]:
    """Yield ``make`` with the student bound, as :func:`in_groups` opens it."""
    with student_of(context, adapter) as student:
        yield functools.partial(make, student)


def in_groups(
    file: Path,
    kind: type[R],
    groups: Sequence[Sequence[T]],
    rows: int,
    opened: Callable[[], AbstractContextManager[Callable[[Sequence[T]], list[R]]]],
    advance: Callable[[int], object],
    made_of: Callable[[R, T], bool],
) -> list[R]:
    """Return the rows of all groups: read those on disk, make the missing ones and append them group by group.

    The groups do not depend on where an earlier call stopped, so neither does the result. The first group that is
    incomplete, or was made from other items, is made again, and so are all groups after it.

    :param rows: number of rows for each item of a group.
    :param opened: returns the context of the function that makes a group's rows; entered only if a group is missing.
    :param advance: called with the number of rows read or made, group by group.
    :param made_of: returns whether a row on disk was made from an item.
    """
    found = _whole(read_sound(file, kind), groups, rows, made_of)
    write_atomic(file, "".join(to_json_line(row) for group in found for row in group))
    advance(sum(map(len, found)))
    if len(found) < len(groups):
        with opened() as make:
            for group in groups[len(found) :]:
                found.append(make(group))
                append(file, "".join(map(to_json_line, found[-1])))
                advance(len(found[-1]))
    return [row for group in found for row in group]


def _whole(
    stored: Sequence[R], groups: Sequence[Sequence[T]], rows: int, made_of: Callable[[R, T], bool]
) -> list[list[R]]:
    """Return the rows of the complete groups up to the first one that is incomplete or from other items."""
    found: list[list[R]] = []
    start = 0
    for group in groups:
        items = [item for item in group for _ in range(rows)]
        part = list(stored[start : start + len(items)])
        if len(part) < len(items) or not all(map(made_of, part, items)):
            break
        found.append(part)
        start += len(part)
    return found


def digest_of_student(adapter: Path | None) -> str:
    """Return the identity of the student with that adapter."""
    return sha256_file(adapter / ADAPTER_FILE) if adapter else BASE


def check_origin(folder: Path, identity: dict[str, Any], adapter: Path | None) -> None:
    """Compare identity and student with ``origin.json`` in ``folder``, or write that file if it does not exist.

    :param adapter: of the student that draws, or ``None`` for the base.
    :raises CheckpointError: the folder's content was made with another base, adapter, domain, data or settings.
    """
    file, identity = folder / "origin.json", {**identity, "start": digest_of_student(adapter)}
    if file.is_file():
        try:
            found = dict(json.loads(file.read_bytes()))
        except (ValueError, TypeError) as error:
            raise CheckpointError(
                "is damaged", where=file, next_step=f"Remove {folder} and run again; its content is made anew"
            ) from error
        refuse_other(folder, found, identity)
    else:
        write_atomic(file, json.dumps(identity, indent=2, default=list) + "\n")
