"""Drafts of the ``debug`` generator: a program, one bug in it, a complaint about it, and the program as the answer."""

from __future__ import annotations

import random
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.plugin.protocols import Draft
from conch_dna.records import Message, Prompt, Reference

from ._debug_bugs_expressions import EXPRESSIONS
from ._debug_bugs_statements import STATEMENTS
from ._debug_code import Change, Code, Edit
from ._debug_kinds_data import KINDS
from ._debug_programs import Program, read_programs, renamed
from ._debug_prompts import Complaint, complaint
from ._debug_run import failures

if TYPE_CHECKING:
    from collections.abc import Iterator

RENAMED = 0.55  # chance of another name, for each name of a program
SINGLE = 0.2  # share of programs with single quotes
DOCUMENTED = 0.08  # share of programs with a docstring
ONE_LINE = 0.15  # share of the programs with one statement that stand on one line
SYNTAX = {"colon", "bracket", "indent"}  # bugs that depend on the lines


class _Stock(NamedTuple):
    """Programs by the kinds of bugs that they can have, and the kinds with cumulative weights for a draw."""

    programs: dict[str, tuple[Program, ...]]
    weights: tuple[float, ...]


def drafts(seed: int, *, held_out: bool) -> Iterator[Draft]:
    """Yield drafts without end; equal arguments give equal drafts."""
    draw = random.Random(f"{seed}:debug:{held_out}")
    stock = _stock(held_out=held_out)
    while True:
        (kind,) = draw.choices(list(stock.programs), cum_weights=stock.weights)
        draft = _draft(renamed(draw.choice(stock.programs[kind]), draw, RENAMED), kind, draw, held_out=held_out)
        if draft is not None:
            yield draft


@lru_cache(maxsize=2)
def _stock(*, held_out: bool) -> _Stock:
    by_kind: dict[str, list[Program]] = {kind: [] for kind in KINDS}
    for program in programs(held_out=held_out):
        for kind in dict.fromkeys(edit.kind for edit in bugs(program)):
            by_kind[kind].append(program)
    found = {kind: tuple(having) for kind, having in by_kind.items() if having}
    # A kind that few programs can have is drawn less often, so that its programs do not repeat too much.
    weights = (min(KINDS[kind].weight, len(having)) for kind, having in found.items())
    return _Stock(found, tuple(accumulate(weights)))


@lru_cache(maxsize=2)
def programs(*, held_out: bool) -> tuple[Program, ...]:
    """Return all programs for training, or those for measurement."""
    if held_out:
        from ._debug_data_held_out import PROGRAMS

        return tuple(read_programs(PROGRAMS))
    from . import _debug_data_lists, _debug_data_more, _debug_data_numbers, _debug_data_texts

    files = (_debug_data_lists, _debug_data_texts, _debug_data_numbers, _debug_data_more)
    return tuple(program for file in files for program in read_programs(file.PROGRAMS))


def bugs(program: Program) -> Iterator[Edit]:
    """Yield all bugs that the program can have; some of them change nothing that its tests see."""
    code = Code(program.source)
    for operator in (*EXPRESSIONS, *STATEMENTS):
        yield from operator(code)
    for bug in program.bugs:
        start = program.source.index(bug.right)
        change = Change(start, start + len(bug.right), bug.wrong)
        yield Edit("own", (change,), bug.right, bug.wrong, bug.cause, bug.notice)


def _draft(program: Program, kind: str, draw: random.Random, *, held_out: bool) -> Draft | None:
    """Return a draft with a bug of the kind, or ``None`` if the tests see none of them."""
    code = Code(program.source)
    edits = [edit for edit in bugs(program) if edit.kind == kind]
    draw.shuffle(edits)
    edit = next((edit for edit in edits if failures(code.with_bug(edit), program.tests)), None)
    if edit is None:
        return None
    right, broken = _written(program, code.with_bug(edit), kind, draw)
    words = KINDS[kind]
    cause = edit.cause or draw.choice(words.causes).format(right=edit.right, wrong=edit.wrong)
    notice = edit.notice or (draw.choice(words.notices) if words.notices else "")
    told = Complaint(program, broken, failures(broken, program.tests), notice)
    if "'" in right and '"' not in right:
        cause = cause.replace('"', "'")
    prompt = Prompt(
        messages=(Message(role="user", content=complaint(told, draw, held_out=held_out)),),
        reference=Reference(tests=program.asserts),
    )
    fault = "the right program fails its tests" if failures(right, program.tests) else ""
    return Draft(prompt, f"Bug: {cause}\n```python\n{right}\n```", kind, fault)


def _written(program: Program, broken: str, kind: str, draw: random.Random) -> tuple[str, str]:
    """Return the right and the broken text in one of the ways in which people write code."""
    right = program.source
    if draw.random() < DOCUMENTED:
        right, broken = _documented(right, program.purpose), _documented(broken, program.purpose)
    elif draw.random() < ONE_LINE and kind not in SYNTAX and right.count("\n") == broken.count("\n") == 1:
        right, broken = right.replace("\n   ", ""), broken.replace("\n   ", "")
    if draw.random() < SINGLE and "'" not in right and "\\" not in right:
        right, broken = right.replace('"', "'"), broken.replace('"', "'")
    return right, broken


def _documented(source: str, purpose: str) -> str:
    """Return the source with the purpose as a docstring of its only function; as it is if there are more."""
    head, line_end, body = source.partition("\n")
    if not head.startswith("def ") or source.count("def ") > 1 or "'" in purpose:
        return source
    return f'{head}\n    """{purpose[0].upper()}{purpose[1:]}."""{line_end}{body}'
