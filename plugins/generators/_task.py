"""Drafts of the ``task`` generator: prompts, references and plans, each checked for order, count and mentions."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.plugin.protocols import Draft
from conch_dna.records import Message, Plan, Prompt, Reference

from . import _task_phrases as phrases
from ._task_goals import LIMITS, goals_of
from ._task_plan import (
    Sketch,
    bare,
    choose,
    draw_limit,
    draw_values,
    hosts,
    lowered,
    mentioned,
)
from ._task_wording import (
    DIGITS,
    chain_request,
    conditions,
    gerund,
    raised,
    request,
    rough,
    spoken,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ._task_goals import Goal

LONGEST = 14  # words of a step
MOST = 5  # steps, if the user asks for no number
_PRONOUN = re.compile(r"\b(?:it|them)\b")
_UNCLEAR = re.compile(r"\b(?:and|it|them)\b")  # two actions, or something that another step names
SHAPES = (
    ("goal", 74),
    ("change", 7),
    ("remaining", 5),
    ("asked back", 5),
    ("shorter", 2),
    ("added", 3),
    ("dropped", 4),
)
DEMANDS = ("change", "done", "first", "last", "order", "most", "exact")


class Case(NamedTuple):
    """A chat, the sketch of the right plan, and demands on the plan beyond those of the sketch."""

    turns: list[str]
    sketch: Sketch
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    order: tuple[tuple[str, str], ...] = ()
    kind: str = ""


def drafts(seed: int, *, held_out: bool = False) -> Iterator[Draft]:
    """Yield drafts without end; each goal of the table comes once in a round."""
    if held_out:
        from ._task_held_out import GOALS
    else:
        from ._task_data import GOALS
    rng, goals = Random(f"task:{seed}:{held_out}"), list(goals_of(GOALS))
    while True:
        rng.shuffle(goals)
        for goal in goals:
            case = None
            while case is None:
                case = _case(rng, goal, int(held_out))
            yield _draft(case)


def _case(rng: Random, goal: Goal, side: int) -> Case | None:
    sketch = Sketch(goal, draw_values(rng, goal, side))
    if goal.chain:
        return _chain(rng, sketch, side)
    shapes: dict[str, Callable[[Random, Sketch, int], Case | None]] = {
        "goal": _single, "change": _changed, "remaining": _remaining, "asked back": _asked_back,
        "shorter": _shorter, "added": _added, "dropped": _dropped,
    }  # fmt: skip
    names, weights = zip(*SHAPES, strict=True)
    return shapes[rng.choices(names, weights)[0]](rng, sketch, side)


# --- shapes ---


def _single(rng: Random, sketch: Sketch, side: int) -> Case | None:
    """Make one request with up to three limits and demands."""
    kinds = _kinds(rng, sketch, rng.choice((0, 0, 1, 1, 1, 1, 2, 2, 3)))
    demanded = _demanding(rng, sketch, kinds, side)
    plan = demanded and choose(rng, demanded)
    if not plan:
        return None
    told = [kind for kind in kinds if kind not in ("change", "done")]
    return Case([rough(rng, request(rng, plan, told, side))], plan, kind=_name(kinds))


def _chain(rng: Random, sketch: Sketch, side: int) -> Case | None:
    """Make a request that names its steps, or two of them around which the plan adds others."""
    goal = sketch.goal
    kinds = [kind for kind in LIMITS if hosts(sketch, kind) and rng.random() < 0.3][:1]
    sketch = replace(sketch, limits={kind: draw_limit(rng, goal, kind, side) for kind in kinds})
    keyed = [name for name in goal.steps if sketch.step_key(name)]
    named = sorted(rng.sample(keyed, min(len(keyed), rng.choice((2, 3, 3, 3, 4, 4, 5)))))
    # The first command stands alone, so it cannot speak of "it" or "them".
    if any(before not in goal.before[name] for before, name in pairwise(named)) or _PRONOUN.search(
        sketch.step(named[0])
    ):
        return None
    hosting = {host for kind in kinds for host in hosts(sketch, kind)[:1]}
    others = [name for name in goal.steps if name not in named and name not in hosting]
    rng.shuffle(others)
    names = {*named, *hosting}
    names |= set(others[: max(0, 3 - len(names))])
    if len(names) > MOST:
        return None
    commands = [lowered(sketch.step(name).rstrip(".")) for name in named]
    sayings = [spoken(rng, kind, sketch, side)[1] for kind in kinds if not hosting <= set(named)]
    keys = tuple(sketch.step_key(name) for name in named)
    plan = replace(sketch, names=tuple(name for name in goal.steps if name in names))
    text = rough(rng, chain_request(rng, commands, sayings, side))
    return Case([text], plan, keys, order=tuple(pairwise(keys)), kind="named steps")


def _changed(rng: Random, sketch: Sketch, side: int) -> Case | None:
    """Make a chat whose last turn adds a condition or a limit to a plan."""
    kinds = _kinds(rng, sketch, 1)
    if not kinds or kinds[0] in ("first", "last", "order", "most", "exact"):
        return None
    before = choose(rng, sketch)
    changed = _demanding(rng, sketch, kinds, side)
    if before is None or changed is None:
        return None
    if changed.done and changed.done.name not in before.names:
        return None
    plan = choose(rng, changed, before.names, len(before.names) - bool(changed.done))
    if plan is None:
        return None
    said = conditions(rng, plan) or [spoken(rng, kinds[0], plan, side)[1]]
    turn = rng.choice(phrases.CHANGES[side])
    text = turn.format(x=raised(said[0]) if turn.startswith("{x}") else lowered(said[0]))
    return Case([*_opening(rng, before, (), side), rough(rng, text)], plan, kind="chat: a change")


def _remaining(rng: Random, sketch: Sketch, side: int) -> Case | None:
    """Make a chat in which the first steps of a plan are done and the rest is asked for."""
    kinds = [kind for kind in _kinds(rng, sketch, rng.choice((0, 0, 1))) if kind in LIMITS]
    limited = _demanding(rng, sketch, kinds, side)
    before = limited and choose(rng, limited, count=rng.choice((4, 5, 5)))
    if not before or len(before.names) < 4:
        return None
    count = rng.choice((1, 2) if len(before.names) == 4 else (1, 2, 2))
    places = "step 1" if count == 1 else rng.choice(("steps 1 and 2", "the first two steps", "1 and 2"))
    form = rng.choice(phrases.REMAINING[side])
    done = f"{places} {'is' if count == 1 else 'are'}"
    text = form.format(done=raised(done) if form.startswith("{") else done, list=places)
    over, left = before.names[:count], before.names[count:]
    hosted = {kind: one for kind, one in before.limits.items() if any(host in left for host in hosts(before, kind))}
    plan = replace(before, names=left, limits=hosted)
    keys = tuple(key for name in left if (key := before.step_key(name)))
    lacks = tuple(key for name in over if (key := before.step_key(name)) and not mentioned(plan.answer, key))
    return Case([*_opening(rng, before, kinds, side), rough(rng, text)], plan, keys, lacks, kind="chat: the rest")


def _asked_back(rng: Random, sketch: Sketch, side: int) -> Case | None:
    """Make a chat in which one or two limits are asked for."""
    possible = [kind for kind in LIMITS if hosts(sketch, kind)]
    kinds = rng.sample(possible, min(len(possible), rng.choice((1, 2, 2))))
    limited = _demanding(rng, sketch, kinds, side)
    plan = limited and choose(rng, limited)
    if not plan:
        return None
    questions = [rng.choice(phrases.QUESTIONS[kind]) for kind in kinds]
    asked = f"{rng.choice(('', 'Sure. ', 'Gladly. '))}{raised(', and '.join(questions))}?"
    replies = [rng.choice(phrases.BRIEF[kind]).format(x=plan.limits[kind].said) for kind in kinds]
    text = rough(rng, raised(rng.choice((", ", ", and ")).join(replies)) + ".")
    return Case([rough(rng, request(rng, sketch, (), side)), asked, text], plan, kind="chat: asked back")


def _shorter(rng: Random, sketch: Sketch, side: int) -> Case | None:
    """Make a chat that asks for a shorter plan."""
    before = choose(rng, sketch, count=rng.choice((4, 5, 5)))
    if before is None or len(before.names) < 4:
        return None
    count = rng.randint(3, len(before.names) - 1)
    plan = choose(rng, replace(sketch, bounds=(count, count)), before.names)
    if plan is None:
        return None
    number = rng.choice((str(count), DIGITS[str(count)]))
    text = raised(rng.choice(phrases.SHORTER[side]).format(x=number))
    return Case([*_opening(rng, before, (), side), rough(rng, text)], plan, kind="chat: shorter")


def _added(rng: Random, sketch: Sketch, side: int) -> Case | None:
    """Make a chat that adds a step to a plan."""
    before = choose(rng, sketch, count=rng.choice((3, 4)))
    if before is None or len(before.names) > 4:
        return None
    name = rng.choice([name for name in sketch.goal.steps if name not in before.names])
    key = sketch.step_key(name)
    plan = choose(rng, replace(sketch, order=None), (*before.names, name), len(before.names) + 1)
    if not key or plan is None or name not in plan.names:
        return None
    text = raised(rng.choice(phrases.ADDED[side]).format(do=sketch.command(name)))
    return Case([*_opening(rng, before, (), side), rough(rng, text)], plan, (key,), kind="chat: a step more")


def _dropped(rng: Random, sketch: Sketch, side: int) -> Case | None:
    """Make a chat that drops a step of a plan."""
    before = choose(rng, sketch, count=rng.choice((4, 5)))
    optional = [name for name in before.names if not sketch.goal.steps[name].must] if before else []
    if before is None or len(before.names) < 4 or not optional:
        return None
    name = rng.choice(optional)
    key, command = sketch.step_key(name), sketch.command(name)
    if not key:
        return None
    plan = replace(before, names=tuple(other for other in before.names if other != name))
    text = raised(rng.choice(phrases.DROPPED[side]).format(do=command, ing=gerund(command)))
    return Case([*_opening(rng, before, (), side), rough(rng, text)], plan, lacks=(key,), kind="chat: a step less")


def _opening(rng: Random, before: Sketch, kinds: Sequence[str], side: int) -> list[str]:
    """Return the request and the plan with which a chat begins."""
    return [rough(rng, request(rng, before, kinds, side)), before.answer]


# --- demands ---


def _kinds(rng: Random, sketch: Sketch, count: int) -> list[str]:
    """Draw the kinds of limits and demands of a request; of those that bind the order or the number, one."""
    limits = [kind for kind in LIMITS if hosts(sketch, kind)]
    bag = [*limits, *limits, *DEMANDS, "change", "change", "done"]
    found: list[str] = []
    while len(found) < count:
        kind = rng.choice(bag)
        groups = (("first", "last", "order"), ("most", "exact"), ("change", "done"))
        group = next((group for group in groups if kind in group), (kind,))
        if not any(other in group for other in found):
            found.append(kind)
    return found


def _demanding(rng: Random, sketch: Sketch, kinds: Sequence[str], side: int) -> Sketch | None:
    """Return a sketch with demands of these kinds; ``None`` if the goal has no place for one."""
    goal = sketch.goal
    if "change" in kinds:
        sketch = replace(sketch, change=rng.choice(goal.changes))
    if "done" in kinds:
        able = [step for step in goal.steps.values() if step.done]
        sketch = replace(sketch, done=rng.choice(able))
    if not all(hosts(sketch, kind) for kind in kinds if kind in LIMITS):
        return None
    sketch = replace(sketch, limits={kind: draw_limit(rng, goal, kind, side) for kind in kinds if kind in LIMITS})
    if "exact" in kinds:
        count = rng.choice((3, 3, 4, 4, 5))
        sketch = replace(sketch, bounds=(count, count))
    if "most" in kinds:
        sketch = replace(sketch, bounds=(2, rng.choice((3, 4, 4, 5, 6))))
    return _ordered(rng, sketch, kinds)


def _ordered(rng: Random, sketch: Sketch, kinds: Sequence[str]) -> Sketch | None:
    """Demand a first step, a last step, or two steps in order."""
    goal = sketch.goal
    texts = {name: sketch.step(name, limits=False) for name in sketch.open}
    able = [name for name, text in texts.items() if sketch.step_key(name) and not _UNCLEAR.search(text)]
    if sketch.change:
        able = [name for name in able if name != sketch.change.step]
    if "first" in kinds:
        able = [name for name in able if not goal.before[name]]
        return replace(sketch, first=rng.choice(able)) if able else None
    if "last" in kinds:
        able = [name for name in able if not any(name in before for before in goal.before.values())]
        return replace(sketch, last=rng.choice(able)) if able else None
    if "order" in kinds:
        pairs = [(a, b) for a in able for b in able if a != b and b not in goal.before[a]]
        return replace(sketch, order=rng.choice(pairs)) if pairs else None
    return sketch


def _name(kinds: Sequence[str]) -> str:
    """Return the kind of a single request, for the report."""
    if not kinds:
        return "a goal alone"
    if len(kinds) > 1:
        return f"{len(kinds)} demands"
    names = {"change": "condition", "done": "done already", "most": "count", "exact": "count"}
    return names.get(kinds[0], "order" if kinds[0] in ("first", "last", "order") else "limit")


# --- drafts ---


def _draft(case: Case) -> Draft:
    sketch = case.sketch
    roles = ("user", "assistant")
    turns = tuple(Message(role=roles[place % 2], content=text) for place, text in enumerate(case.turns))
    reference = _reference(case, "\n".join(case.turns))
    prompt = Prompt(messages=turns, reference=reference, source="generated")
    return Draft(prompt, sketch.answer, case.kind, _fault(sketch, reference))


def _reference(case: Case, said: str) -> Reference:
    """Return the demands that follow from the prompt."""
    sketch = case.sketch
    keys = [key for kind in sketch.limits if (key := sketch.limits[kind].key)]
    keys += _goal_keys(sketch) if "rest" not in case.kind else []
    if sketch.change:
        keys.append(sketch.key(sketch.change.text))
    if sketch.done:
        keys.append(sketch.key(sketch.done.text))
    keys = [key for key in (*case.contains, *keys) if key in case.contains or mentioned(said, key)]
    contains = tuple(dict.fromkeys(key for key in keys if mentioned(sketch.answer, key)))
    order = (*case.order, *((_pair(sketch, sketch.order),) if sketch.order else ()))
    plan = Plan(
        steps=sketch.bounds,
        order=order,
        first=sketch.step_key(sketch.first) if sketch.first else "",
        last=sketch.step_key(sketch.last) if sketch.last else "",
        lacks=(*case.lacks, *sketch.lacks),
    )
    return Reference(contains=contains, plan=plan if plan != Plan() else None)


def _pair(sketch: Sketch, order: tuple[str, str]) -> tuple[str, str]:
    return sketch.step_key(order[0]), sketch.step_key(order[1])


def _goal_keys(sketch: Sketch) -> list[str]:
    """Return the things that a goal names and that every plan for it must mention."""
    goal = sketch.goal
    must = [name for name in sketch.names if goal.steps[name].must]
    text = "\n".join(sketch.step(name) for name in must)
    keys = [sketch.key(ask) for ask in goal.asks[:1]]
    used = "".join(sketch.template(name).lower() for name in must)
    keys += [bare(value) for slot, value in sketch.values.items() if f"{{{slot}}}" in used]
    return [key for key in keys if key and mentioned(text, key)]


def _fault(sketch: Sketch, reference: Reference) -> str:
    """Check order, count and mentions; return the reason against a draft, if any."""
    goal, names, steps = sketch.goal, sketch.names, sketch.steps
    plan = reference.plan or Plan()
    places = {name: place for place, name in enumerate(names)}
    least, most = plan.steps or (2, MOST)
    checks = {
        "a step stands before one that it needs": any(
            places[other] > places[name] for name in names for other in goal.before[name] if other in places
        ),
        "the number of steps is wrong": not least <= len(steps) <= most,
        "a step is too long": any(len(step.split()) > LONGEST for step in steps),
        "a demand is not mentioned": not all(mentioned(sketch.answer, part) for part in reference.contains),
        "a limit is not mentioned": not all(mentioned(sketch.answer, one.key) for one in sketch.limits.values()),
        "a step mentions what the plan lacks": any(part.casefold() in sketch.answer.casefold() for part in plan.lacks),
        "the prompt demands nothing": not reference.contains and reference.plan is None,
    }
    return next((reason for reason, wrong in checks.items() if wrong), "")
