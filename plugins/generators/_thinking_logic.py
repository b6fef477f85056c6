"""Puzzles of ``thinking`` that are solved in words: orders, rules, odd ones out, turns, liars, and sequences.

Each puzzle is solved by trying all possibilities, so that an answer is the only one.
"""

from __future__ import annotations

from itertools import pairwise, permutations
from typing import TYPE_CHECKING

from . import _thinking_logic_data as said
from ._thinking_frames import Problem, Step, fill, words_for
from ._thinking_steps import SMALL, exact, result_of

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    Fact = tuple[str, str]  # the first stands before the second

WAYS = ("north", "east", "south", "west")
TURNS = {"turn right": 1, "turn left": -1, "turn around": 2}


def solutions(names: Sequence[str], facts: Sequence[Fact]) -> list[tuple[str, ...]]:
    """Return all orders of the names in which the first of each fact stands before the second."""
    return [order for order in permutations(names)
            if all(order.index(one) < order.index(other) for one, other in facts)]  # fmt: skip


def order(rng: random.Random, count: int, *, held_out: bool) -> Problem | None:
    """Order three or four people or things by what is said of pairs; ``count`` is the number of steps."""
    words, side = words_for(rng, held_out=held_out), int(held_out)
    if rng.random() < 0.25:
        return _race(rng, count, words, side)
    more, less, most, least, group = rng.choice(said.ORDERS[side])
    names = [words[letter] for letter in "ABCD"] if group == "people" else list(said.THINGS[group])
    line = rng.sample(names, count)
    facts = [(line[place], line[place + 1]) for place in range(count - 1)]
    told = [_told(rng, fact, more, less) for fact in facts]
    steps = [Step(_capital(f"{one} is {more} than {other}")) for one, other in facts]
    rng.shuffle(told)
    asks = rng.choice(("most", "least", "full", "most", "least", "middle", "yes")[: 7 if count == 3 else 3])
    if asks == "yes":
        one, other = rng.sample((line[0], line[-1]), 2)
        question = fill(rng.choice(said.YES_ASKS[side]), {"A": one, "B": other, "more": more})
        answer = "Yes" if one == line[0] else "No"
        steps.append(Step(_capital(f"so {line[0]} is {more} than {line[-1]}")))
    elif asks == "full":
        question = fill(rng.choice(said.FULL_ASKS[side]), {"most": most, "least": least})
        answer = ", ".join(_bare(name) for name in line)
        steps.append(Step(f"So the {most} comes first and the {least} last"))
    elif asks == "middle":
        question = rng.choice(said.MIDDLE_ASKS[side])
        answer = _bare(line[1])
        steps.append(Step(f"So {line[1]} is in the middle"))
    else:
        best, answer = (most, line[0]) if asks == "most" else (least, line[-1])
        question = fill(rng.choice(said.ASKS[side]), {"best": best, "count": SMALL[count]})
        steps.append(Step(f"So {answer} is the {best}"))
        answer = _bare(answer)
    if len(solutions(line, facts)) != 1:
        return None
    return Problem("order", " ".join([*told, question]), tuple(steps), answer)


def _race(rng: random.Random, count: int, words: dict[str, str], side: int) -> Problem:
    line = rng.sample([words[letter] for letter in "ABCD"], count)
    pairs = list(pairwise(line))
    told = [fill(rng.choice(said.RACES[side]), {"A": one, "B": other}) for one, other in pairs]
    rng.shuffle(told)
    question = rng.choice(said.RACE_ASKS[side])
    last = "last" in question
    answer = line[-1] if last else line[0]
    steps = [Step(f"{one} was before {other}") for one, other in pairs]
    steps.append(Step(f"So {answer} was {'last' if last else 'first'}"))
    return Problem("order", " ".join([*told, question]), tuple(steps), answer)


def _told(rng: random.Random, fact: Fact, more: str, less: str) -> str:
    one, other = fact
    return _capital(f"{one} is {more} than {other}." if rng.random() < 0.6 else f"{other} is {less} than {one}.")


def _bare(name: str) -> str:
    return name.removeprefix("the ")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def rule(rng: random.Random, count: int, *, held_out: bool) -> Problem:  # noqa: ARG001 - always two steps
    """Apply a rule forwards or backwards, or fall for neither of the two fallacies."""
    one, other, ask_one, ask_other, is_one, is_other, not_one, not_other = rng.choice(said.RULES[int(held_out)])
    told = f"{rng.choice(('If', 'When', 'Whenever'))} {one}, {other}."
    told = f'"{told}"' if rng.random() < 0.2 else told
    form = rng.randrange(4)
    if form == 0:
        fact, asked, ends, answer = is_one, ask_other, f"so {is_other}", "Yes"
    elif form == 1:
        fact, asked, ends, answer = not_other, ask_one, f"so {not_one}", "No"
    elif form == 2:
        fact, asked, ends, answer = is_other, f"Can I be certain that {is_one}?", "there may be another cause", "No"
    else:
        fact, asked, ends, answer = not_one, f"Is it certain that {not_other}?", "there may be another cause", "No"
    question = f"{told} {_capital(fact)}. {asked}{rng.choice(('', '', ' Yes or no?'))}"
    return Problem("rule", question, (Step(_capital(fact)), Step(_capital(ends))), answer)


def syllogism(rng: random.Random, count: int, *, held_out: bool) -> Problem:  # noqa: ARG001 - always two steps
    """Conclude from a class to a member, or see that nothing follows."""
    words, side = words_for(rng, held_out=held_out), int(held_out)
    group, member, does = rng.choice(said.CLASSES[side])
    member = fill(member, words)
    of_them, form = f"{_capital(member)} is one of the {group}", rng.randrange(4)
    if form == 0:
        told, asked, answer = f"All {group} {does}. {of_them}.", f"Does {member} {does}?", "Yes"
        steps = (of_them, f"All {group} {does}")
    elif form == 1:
        told, asked, answer = f"No {group} {does}. {of_them}.", f"Does {member} {does}?", "No"
        steps = (of_them, f"No {group} {does}")
    elif form == 2:
        told, asked, answer = (f"All {group} {does}. {_capital(member)} does not {does}.",
                               f"Can {member} be one of the {group}?", "No")  # fmt: skip
        steps = (f"All {group} {does}", f"{_capital(member)} does not")
    else:
        told, asked, answer = (f"Some {group} {does}. {of_them}.",
                               f"Does it follow that {member} must {does}?", "No")  # fmt: skip
        steps = (f"Only some {group} {does}", f"{_capital(member)} may be another {group.removesuffix('s')}")
    question = f"{told} {asked}{rng.choice(('', ' Yes or no?', ''))}"
    return Problem("syllogism", question, tuple(map(Step, steps)), answer)


def odd_one_out(rng: random.Random, count: int, *, held_out: bool) -> Problem:  # noqa: ARG001 - always two steps
    """Find the member of another group among those of one."""
    side = int(held_out)
    (group, members), (others, strangers) = rng.sample(said.GROUPS[side], 2)
    known = rng.sample(members.split(), 3)
    stranger = rng.choice(strangers.split())
    shown = [*known, stranger]
    rng.shuffle(shown)
    question = fill(rng.choice(said.ODD_ASKS[side]), {"list": ", ".join(shown)})
    kept = [word for word in shown if word != stranger]
    steps = (Step(f"{_capital(kept[0])}, {kept[1]} and {kept[2]} are {group}"),
             Step(f"{_capital(stranger)} belongs to the {others}"))  # fmt: skip
    return Problem("odd one out", _capital(question), steps, stranger)


def facing(rng: random.Random, count: int, *, held_out: bool) -> Problem:
    """Turn right, left or around, ``count`` times."""
    words, place = words_for(rng, held_out=held_out), rng.randrange(4)
    turns = [rng.choice(list(TURNS)) for _ in range(count)]
    slots = {"way": WAYS[place], "turns": " and then ".join(turns)}
    slots["turns_s"] = slots["turns"].replace("turn ", "turns ")
    question = fill(rng.choice(said.FACING[int(held_out)]), words | slots)
    steps = []
    for turn in turns:
        start, place = place, (place + TURNS[turn]) % 4
        steps.append(Step(f"From {WAYS[start]}, {turn}: {WAYS[place]}"))
    return Problem("facing", question, tuple(steps), WAYS[place])


def liars(rng: random.Random, count: int, *, held_out: bool) -> Problem:  # noqa: ARG001 - always four steps
    """Find who did it, if only one of three statements is true."""
    words, side = words_for(rng, held_out=held_out), int(held_out)
    names, act = [words[letter] for letter in "ABC"], rng.choice(said.ACTS[side])
    true: dict[str, int] = {}
    while list(true.values()).count(1) != 1:
        claims = [(rng.choice(names), rng.random() < 0.5) for _ in names]  # who, and whether it was that one
        true = {name: sum((who == name) == was for who, was in claims) for name in names}
    answer = next(name for name in names if true[name] == 1)
    spoken = [_claim(speaker, who, was=was) for speaker, (who, was) in zip(names, claims, strict=True)]
    slots = {"list": f"{names[0]}, {names[1]} and {names[2]}", "act": act, "statements": " ".join(spoken)}
    question = fill(rng.choice(said.LIARS[side]), slots)
    tried = [Step(f"If it was {name}, {SMALL[true[name]]} {'is' if true[name] == 1 else 'are'} true") for name in names]
    return Problem("liars", question, (*tried, Step(f"So it was {answer}")), answer)


def _claim(speaker: str, who: str, *, was: bool) -> str:
    subject = "me" if who == speaker else who
    return f'{speaker} says: "It was{"" if was else " not"} {subject}."'


# --- sequences ---


def sequence(rng: random.Random, count: int, *, held_out: bool) -> Problem | None:  # noqa: ARG001 - always two steps
    """Continue numbers that grow by a sum, a factor or a growing sum."""
    words, side = words_for(rng, held_out=held_out), int(held_out)
    form = rng.choice(("sum", "sum", "factor", "down", "growing"))
    start, step = rng.randint(1, 30), rng.randint(2, 12)
    if form == "factor":
        start, step = rng.randint(1, 6), rng.randint(2, 4)
        shown = [start * step**place for place in range(4)]
    elif form == "growing":
        shown = [start + step * place + place * (place - 1) // 2 for place in range(4)]
    else:
        sign = -1 if form == "down" else 1
        start += 4 * step if form == "down" else 0
        shown = [start + sign * step * place for place in range(4)]
    question = fill(rng.choice(said.SEQUENCE_ASKS[side]), words | {"list": ", ".join(map(str, shown))})
    return Problem("sequence", _capital(question), *_continued(form, shown))


def _continued(form: str, shown: list[int]) -> tuple[tuple[Step, ...], str]:
    *_, before, last = shown
    if form == "factor":
        drafts = [("Factor", f"{last} / {before}"), ("Next number", f"{last} * {last // before}")]
    elif form == "down":
        drafts = [("Step down", f"{before} - {last}"), ("Next number", f"{last} - {before - last}")]
    else:
        drafts = [("Last step", f"{last} - {before}")]
        step = last - before
        if form == "growing":
            drafts.append(("Next step", f"{step} + 1"))
            step += 1
        drafts.append(("Next number", f"{last} + {step}"))
    steps = tuple(Step(label, expression, result_of(expression) or "") for label, expression in drafts)
    return steps, steps[-1].result


def letters(rng: random.Random, count: int, *, held_out: bool) -> Problem:  # noqa: ARG001 - always one step
    """Continue letters that skip the same number of letters each time."""
    step, start = rng.randint(1, 4), rng.randint(0, 8)
    shown = [chr(ord("A") + start + step * place) for place in range(5)]
    question = fill(rng.choice(said.LETTER_ASKS[int(held_out)]), {"list": ", ".join(shown[:4])})
    passed = ", ".join(chr(ord(shown[3]) + place) for place in range(1, step + 1))
    return Problem("letters", question, (Step(f"{SMALL[step].capitalize()} on from {shown[3]}: {passed}"),), shown[4])


# --- chats ---


def follow_up(rng: random.Random, first: Problem, *, held_out: bool) -> Problem | None:
    """Go on from the answer of a problem with a second question; ``None`` if no follow-up fits."""
    value = exact(first.answer)
    if value is None or not first.steps[-1].expression or first.turns or value <= 0:
        return None
    words, label, expression = rng.choice(said.FOLLOW_UPS[int(held_out)])
    slots = {"k": str(rng.randint(2, 9)), "p": rng.choice(("10", "20", "25", "50"))}
    filled = fill(expression, slots).replace("#", first.answer)
    result = result_of(filled)
    if result is None or len(result.partition(".")[2]) > 2 or (exact(result) or 0) <= 0:
        return None
    step = Step(fill(label, slots), filled, result)
    turns = (("user", first.question), ("assistant", first.text))
    return Problem("follow-up", fill(words, slots), (step,), result, first.known | {first.answer}, turns)
