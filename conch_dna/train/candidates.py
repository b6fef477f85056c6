"""The student's own answers, several a prompt, drawn in groups that are on disk as soon as they are there."""

from __future__ import annotations

import contextlib
import functools
import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from conch_dna.data.tokens import prompt_ids
from conch_dna.errors import CheckpointError
from conch_dna.kernels.patch import fast_ops
from conch_dna.records import Record, read_sound, to_json_line
from conch_dna.registry.aliases import BASE
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

STUDENT = "student"  # its name in the runtime
R = TypeVar("R", bound=Record)
T = TypeVar("T")


class Drawn(Record):
    """One answer that the student drew; a line of ``candidates.jsonl``."""

    prompt: str
    number: int
    text: str
    finished: bool


class Student(NamedTuple):
    """A runtime over the base, and the name in it of the student of a moment."""

    runtime: NeuronRuntime
    name: str


def groups_of(items: Sequence[T], rows: int, most: int = BATCH) -> list[Sequence[T]]:
    """Return the items, of so many rows each, in groups of at most ``most`` rows, or of one item."""
    size = max(1, most // rows)
    return [items[start : start + size] for start in range(0, len(items), size)]


def draw(
    context: RecipeContext[CandidateSettings], student: Student, number: int, prompts: Sequence[Prompt]
) -> list[Drawn]:
    """Draw the candidates of a few prompts, prompt by prompt.

    Seeds are a pure function of the run's seed, the round ``number``, and prompt and number of the candidate.
    """
    config, tokenizer = context.config, context.base.tokenizer
    repeated = [prompt for prompt in prompts for _ in range(context.settings.candidates)]
    ids = [prompt_ids(tokenizer, p.turns) for p in repeated]
    seeds = rollout_seeds(config.seed, number, [p.digest for p in repeated])
    with student.runtime.neuron(student.name):
        rollouts = roll_out(
            context.base.model, tokenizer, ids, seeds,
            max_tokens=context.domain.settings.max_tokens, temperature=context.settings.candidate_temperature,
            alora=student.runtime.alora,
        )  # fmt: skip
    return [
        Drawn(prompt=p.digest, number=place % context.settings.candidates, text=r.text(tokenizer), finished=r.finished)
        for place, (p, r) in enumerate(zip(repeated, rollouts, strict=True))
    ]


@contextlib.contextmanager
def student_of(context: RecipeContext[CandidateSettings], adapter: Path | None) -> Iterator[Student]:
    """Give a runtime over the base that knows the student of that adapter, with the CPU's operations, for a block."""
    runtime = NeuronRuntime(context.base, context.folder / "none")  # no neuron of a registry is asked for
    try:
        if adapter is not None:
            runtime.add(STUDENT, adapter)
        with fast_ops(context.base.model):
            yield Student(runtime, STUDENT if adapter else BASE)
    finally:
        runtime.close()


@contextlib.contextmanager
def by_student(
    context: RecipeContext[CandidateSettings], adapter: Path | None, make: Callable[[Student, Sequence[T]], list[R]]
) -> Iterator[Callable[[Sequence[T]], list[R]]]:
    """Give ``make`` its student, for :func:`in_groups`."""
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
    """Return the rows of all groups: those on disk, and those that are made now and appended group by group.

    The groups are the same whenever this goes on, so that what is made does not hang on where it was stopped. From the
    first group on that a kill cut short, or that was made of something else, all are made again.

    :param rows: how many each item of a group has.
    :param opened: gives what makes a group's rows; entered only where one is missing.
    :param advance: called with the number of rows that are there, group by group.
    :param made_of: tells whether a row on disk was made of an item.
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
    """Return the rows of the groups that are there whole, up to the first that is not."""
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


def drawn_for(row: Drawn, prompt: Prompt) -> bool:
    """Tell whether an answer was drawn for that prompt."""
    return row.prompt == prompt.digest


def digest_of_student(adapter: Path | None) -> str:
    """Return the identity of the student of that adapter."""
    return sha256_file(adapter / ADAPTER_FILE) if adapter else BASE


def check_origin(folder: Path, identity: dict[str, Any]) -> None:
    """Refuse what lies in ``folder`` from another origin; note this one's where there is nothing yet.

    :raises CheckpointError: it was made with another base, adapter, domain, data or settings.
    """
    file = folder / "origin.json"
    if file.is_file():
        try:
            found = dict(json.loads(file.read_bytes()))
        except (ValueError, TypeError) as error:
            raise CheckpointError(
                "is damaged", where=file, next_step=f"Remove {folder}, and what it holds is made again"
            ) from error
        refuse_other(folder, found, identity)
    else:
        write_atomic(file, json.dumps(identity, indent=2, default=list) + "\n")
