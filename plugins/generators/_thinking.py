"""The drafts of the ``thinking`` generator: their mixture, their wording as people write, and their check."""

from __future__ import annotations

import json
import random
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from conch_dna.plugin.protocols import Draft
from conch_dna.records import Message, Prompt, Reference
from conch_dna.util.files import bundled_dir

from . import _thinking_chains as chains
from . import _thinking_logic as logic
from ._thinking_frames import Problem, Step, fill, frames_with, from_frame, names_of, words_for, world_of
from ._thinking_steps import constants, exact, figures, plain, result_of, stated, unfounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Maker = Callable[[random.Random], Problem | None]

ROWS = "gsm8k_equations.jsonl"  # beside the prompts of the domain
STEPS = {1: 0.28, 2: 0.37, 3: 0.25, 4: 0.10}  # share of drafts by number of steps; the last stands for four to six
GSM8K = {1: 0.05, 2: 0.42, 3: 0.42, 4: 0.45}  # share of GSM8K among the training drafts with this many steps
FOLLOW_UPS = 0.05  # share of chats whose question goes on from an answer
FRAME_KINDS = 0.62  # share of templates among the other drafts; the rest are composed stories and puzzles
SIGNS = ("£", "€")
ASIDES = 0.25  # share of stories with a sentence that does not matter
PLAIN = {"ages", "facing", "letters", "liars", "order", "syllogism", "time", "weekday", "temperature"}  # have none
# Other makers by number of steps, each with its weight.
MAKERS: Mapping[int, Sequence[tuple[float, Any]]] = {
    1: ((2, chains.people), (2, chains.events), (1, chains.money), (0.7, logic.facing), (0.7, logic.letters)),
    2: ((3, chains.people), (3, chains.events), (2, chains.money), (0.7, logic.facing), (1.5, logic.sequence),
        (2, logic.rule), (1.5, logic.syllogism), (2, logic.odd_one_out)),
    3: ((3, chains.people), (3, chains.events), (2, chains.money), (3, logic.order), (0.3, logic.facing)),
    4: ((3, chains.people), (3, chains.events), (2, chains.money), (1.5, logic.order), (1, logic.liars)),
}  # fmt: skip


def drafts(seed: int, *, held_out: bool) -> Iterator[Draft]:
    """Yield drafts without end."""
    rng = random.Random(f"{seed}:thinking:{held_out}")
    queues = {} if held_out else _queues(rng)
    while True:
        problem = _problem(rng, queues, held_out=held_out)
        if problem is not None:
            yield _draft(problem)


def _problem(rng: random.Random, queues: Mapping[int, list[Problem]], *, held_out: bool) -> Problem | None:
    """Draw the number of steps, then where the problem comes from, then the problem."""
    (count,) = rng.choices(list(STEPS), list(STEPS.values()))
    if queues.get(count) and rng.random() < GSM8K[count]:
        return queues[count].pop()
    problem = _made(rng, count, held_out=held_out)
    if problem is None:
        return None
    if rng.random() < FOLLOW_UPS:
        return logic.follow_up(rng, problem, held_out=held_out)
    return _styled(problem, rng, held_out=held_out)


def _made(rng: random.Random, count: int, *, held_out: bool) -> Problem | None:
    if rng.random() < FRAME_KINDS:
        kinds = frames_with(count, held_out=held_out)
        return from_frame(rng.choice(kinds[rng.choice(list(kinds))]), rng, held_out=held_out)
    weights, makers = zip(*MAKERS[count], strict=True)
    (maker,) = rng.choices(makers, weights)
    exactly = rng.choices((4, 5, 6), (5, 3, 1))[0] if count == 4 else count
    problem: Problem | None = maker(rng, 4 if maker is logic.order and count == 4 else exactly, held_out=held_out)
    return problem


@cache
def gsm8k_rows() -> tuple[dict[str, Any], ...]:
    """Return the questions of GSM8K's training set with their labels and expressions."""
    lines = (bundled_dir("domains") / "thinking" / ROWS).read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


def _queues(rng: random.Random) -> dict[int, list[Problem]]:
    """Return GSM8K's problems by number of steps, shuffled; each is taken once."""
    queues: dict[int, list[Problem]] = {}
    for row in gsm8k_rows():
        steps = tuple(Step(label, expression, result_of(expression) or "") for label, expression in row["steps"])
        queues.setdefault(len(steps), []).append(Problem("gsm8k", row["question"], steps, row["answer"]))
    for queue in queues.values():
        rng.shuffle(queue)
    return queues


# --- wording ---


def _styled(problem: Problem, rng: random.Random, *, held_out: bool) -> Problem:
    """Return the problem as one of many people would write it: with asides, greetings, another currency, carelessly."""
    world, question = world_of(held_out=held_out), problem.question
    names = {name for name, _ in names_of(held_out=held_out)}
    named = [word for word in re.findall(r"\w+", question) if word in names]
    if rng.random() < ASIDES and named and question.count(". ") and problem.kind not in PLAIN:
        slots = words_for(rng, held_out=held_out) | {"A": named[0], "k": str(rng.randint(3, 60))}
        aside = fill(rng.choice(world.asides), slots)
        head, _, tail = question.rpartition(". ")
        question = f"{head}. {aside} {tail}"
    if "$" in question and "dollar" not in question and rng.random() < 0.2:
        question = question.replace("$", rng.choice(SIGNS))
    if rng.random() < 0.08:
        question = f"{rng.choice(world.openers)} {question}"
    if rng.random() < 0.08:
        question = f"{question} {rng.choice(world.closers)}"
    manner = rng.random()
    if manner < 0.07 and exact(problem.answer) is not None:
        question = question.lower()
    elif manner < 0.11:
        question = question.rstrip("?.")
    elif manner < 0.13:
        question = _mistyped(question, rng)
    return Problem(problem.kind, question, problem.steps, problem.answer, problem.known, problem.turns)


def _mistyped(text: str, rng: random.Random) -> str:
    """Swap two letters inside a long word in lower case."""
    places = [found.start() for found in re.finditer(r"(?<=[a-z]{2})[a-z]{2}(?=[a-z])", text)]
    if not places:
        return text
    place = rng.choice(places)
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _draft(problem: Problem) -> Draft:
    turns = (*problem.turns, ("user", problem.question))
    messages = tuple(Message.model_validate({"role": role, "content": text}) for role, text in turns)
    prompt = Prompt(messages=messages, reference=Reference(answer=problem.answer))
    return Draft(prompt, problem.text, problem.kind, fault_of(problem))


# --- check ---


def fault_of(problem: Problem) -> str:
    """Return what is wrong with a problem's answer; empty if each equation holds and each number has its origin."""
    asked = "\n".join(text for _, text in (*problem.turns, ("user", problem.question)))
    known = stated(asked) | constants(asked) | set(map(plain, problem.known))
    for step in problem.steps:
        if not step.expression:
            known |= stated(step.result)
            continue
        if result_of(step.expression) != step.result:
            return "an equation does not hold"
        if unfounded(step.expression, known):
            return "a number is neither in the question nor a result"
        known |= set(figures(step.result))
    last = problem.steps[-1]
    if last.expression and last.result.removesuffix(" min") != problem.answer:
        return "the last result is not the answer"
    return ""
