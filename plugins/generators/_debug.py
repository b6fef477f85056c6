"""Drafts of the ``debug`` generator: a program, one bug in it, a complaint about it, and the program as the answer."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from conch_dna.plugin.protocols import Draft
from conch_dna.records import Message, Prompt, Reference

from ._debug_bugs_expressions import EXPRESSIONS
from ._debug_bugs_statements import STATEMENTS
from ._debug_code import Code, Edit
from ._debug_kinds_data import KINDS
from ._debug_programs import Program, read_programs, renamed
from ._debug_prompts import Complaint, complaint
from ._debug_run import failures

Operator = Callable[[Code], Iterator[Edit]]
OPERATORS: tuple[Operator, ...] = (*EXPRESSIONS, *STATEMENTS)
RENAMED = 0.55  # chance of another name, for each name of a program
SINGLE = 0.2  # share of programs with single quotes
DOCUMENTED = 0.08  # share of programs with a docstring
ONE_LINE = 0.15  # share of the programs with one statement that stand on one line
LONGEST = 86  # pieces of an answer: more would pass the 96 tokens of the domain
_PIECE = re.compile(r"[A-Za-z]{1,7}|\d|_|[^\w\s]{1,2}|\n *")  # about a token of the student
SYNTAX = {"colon", "bracket", "indent"}  # bugs that depend on the lines


class _Stock(NamedTuple):
    """Programs by the kinds of bugs that they can have, and the kinds with cumulative weights for a draw.

    :param operators: the operators that make the bugs of each kind.
    """

    programs: dict[str, tuple[Program, ...]]
    weights: tuple[float, ...]
    operators: dict[str, tuple[Operator, ...]]


def drafts(seed: int, *, held_out: bool) -> Iterator[Draft]:
    """Yield drafts without end; equal arguments give equal drafts."""
    draw = random.Random(f"{seed}:debug:{held_out}")
    stock = _stock(held_out=held_out)
    while True:
        (kind,) = draw.choices(list(stock.programs), cum_weights=stock.weights)
        program = renamed(draw.choice(stock.programs[kind]), draw, RENAMED)
        edits = [edit for edit in bugs(program, stock.operators[kind]) if edit.kind == kind]
        draft = _draft(program, edits, draw, held_out=held_out)
        if draft is not None:
            yield draft


@lru_cache(maxsize=2)
def _stock(*, held_out: bool) -> _Stock:
    by_kind: dict[str, dict[Program, None]] = {kind: {} for kind in KINDS}
    operators: dict[str, dict[Operator, None]] = {kind: {} for kind in KINDS}
    for program in programs(held_out=held_out):
        for operator in OPERATORS:
            for edit in bugs(program, (operator,)):
                by_kind[edit.kind][program] = None
                operators[edit.kind][operator] = None
    found = {kind: tuple(having) for kind, having in by_kind.items() if having}
    # A kind that few programs can have is drawn less often, so that its programs do not repeat too much.
    weights = (min(KINDS[kind].weight, len(having)) for kind, having in found.items())
    return _Stock(found, tuple(accumulate(weights)), {kind: tuple(made) for kind, made in operators.items()})


@lru_cache(maxsize=2)
def programs(*, held_out: bool) -> tuple[Program, ...]:
    """Return all programs for training, or those for measurement."""
    if held_out:
        from ._debug_data_held_out import PROGRAMS

        return tuple(read_programs(PROGRAMS))
    from . import _debug_data_lists, _debug_data_more, _debug_data_numbers, _debug_data_texts

    files = (_debug_data_lists, _debug_data_texts, _debug_data_numbers, _debug_data_more)
    return tuple(program for file in files for program in read_programs(file.PROGRAMS))


def bugs(program: Program, operators: Sequence[Operator]) -> Iterator[Edit]:
    """Yield the bugs that the operators find for the program; some of them change nothing that its tests see."""
    code = Code(program.source, program.bugs)
    for operator in operators:
        yield from operator(code)


def _draft(program: Program, edits: Sequence[Edit], draw: random.Random, *, held_out: bool) -> Draft | None:
    """Return a draft with one of the bugs, or ``None`` if the tests see none or the answer would be too long."""
    code = Code(program.source)
    order = draw.sample(edits, len(edits))
    edit = next((edit for edit in order if failures(code.with_bug(edit), program.tests)), None)
    if edit is None:
        return None
    right, broken = _written(program, code.with_bug(edit), edit.kind, draw)
    words = KINDS[edit.kind]
    cause = edit.cause or draw.choice(words.causes).format(right=edit.right, wrong=edit.wrong)
    notice = edit.notice or (draw.choice(words.notices) if words.notices else "")
    told = Complaint(program, broken, failures(broken, program.tests), notice)
    if "'" in right and '"' not in right:
        cause = cause.replace('"', "'")
    answer = f"Bug: {cause}\n```python\n{right}\n```"
    if len(_PIECE.findall(answer)) > LONGEST:
        return None
    prompt = Prompt(
        messages=(Message(role="user", content=complaint(told, draw, held_out=held_out)),),
        reference=Reference(tests=program.asserts),
    )
    fault = "the right program fails its tests" if failures(right, program.tests) else ""
    return Draft(prompt, answer, edit.kind, fault)


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
