"""Requests composed from the templates and clauses of a tool, in many forms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from ._action_grammar import chosen, slots_of
from ._action_phrases import HELD_OUT_JOINERS, HELD_OUT_WRAPPERS, JOINERS, WRAPPERS
from ._action_values import Value, date_value, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ._action_grammar import Argument, ToolSpec
    from ._action_values import Draws

START, END = "\x01", "\x02"  # around values, whose text no later step may change
WITH_COMMA = ("address", "us_place")  # kinds whose values a list in a sentence would blur
WEIGHTS = {"I": 34, "Q": 24, "L": 14, "N": 12, "F": 10, "S": 14}
_PARTS = re.compile(f"({START}.*?{END})", re.DOTALL)
# Free text at the end: what follows would be read as a part of it.
_OPEN = re.compile(f"[:>-] {START}[^{END}]*{END}$")
_PLURAL = re.compile(r"(?:[^ ]+ ){0,3}?[a-z-]*[a-rt-z]s (?:of|for|in|from|that|at|about|to|on)\b")
_QUOTED = re.compile(r"'\{([\w.]+)\}'")
_SLOT = re.compile(r"\{([\w.]+)\}")


@dataclass(frozen=True)
class Body:
    """A request without its wrapping: the kind of its core, the clause with its tails, and further sentences."""

    kind: str
    text: str
    sentences: tuple[str, ...] = ()


def fill(spec: ToolSpec, draws: Draws, given: Mapping[str, Value] | None = None) -> dict[str, Value]:
    """Return values for all required arguments and some optional ones, by slot.

    :param given: values that are settled already.
    """
    share = draws.random.choice((0.0, 0.25, 0.25, 0.6))
    filled: dict[str, Value] = {}
    for argument in spec.arguments:
        if not (argument.required or draws.chance(share) or argument.key in (given or {})):
            continue
        for slot, leaf in argument.leaves:
            filled[slot] = (given or {}).get(slot) or _distinct(leaf, draws, filled)
            if filled[slot].value == leaf.default and not leaf.required:
                del filled[slot]
    own = [slot for slot in filled if slot not in (given or {})]
    times = [slot for slot in own if _kind_of(spec, slot) == "time"]
    filled.update(zip(times, sorted((filled[slot] for slot in times), key=lambda time: time.said), strict=True))
    dates = [slot for slot in own if _kind_of(spec, slot) == "date"]
    for before, after in pairwise(dates):  # a stay or a leave ends soon after it starts
        day = date.fromisoformat(filled[before].value) + timedelta(days=draws.random.randint(1, 40))
        filled[after] = date_value(draws, day)
    return filled


def several(spec: ToolSpec, draws: Draws, filled: Mapping[str, Value]) -> tuple[str, list[Value]] | None:
    """Return an argument with two or three values for calls of their own, if the tool has such an argument."""
    slots = [a.key for a in spec.arguments if a.many and a.key in filled and a.kind not in WITH_COMMA]
    if not slots:
        return None
    slot = draws.random.choice(slots)
    argument = next(a for a in spec.arguments if a.key == slot)
    values: dict[str, Value] = {}
    count = 2 if draws.chance(0.75) else 3
    for _ in range(20):
        one = draws.value(argument.kind)
        values.setdefault(str(one.value), one)
        if len(values) == count:
            return slot, list(values.values())
    return None


def together(values: Sequence[Value], draws: Draws) -> Value:
    """Return the words for several values of one argument; its value is the words of each."""
    said = [value.said for value in values]
    return Value(tuple(said), draws.random.choice((listed(said), listed(said), ", ".join(said))))


def compose_together(
    spec: ToolSpec, draws: Draws, filled: dict[str, Value], slot: str, values: Sequence[Value]
) -> Body | None:
    """Return one request for several values of an argument; ``None`` if no template can say them."""
    filled[slot] = together(values, draws)
    body = compose(spec, draws, filled, "IQLNF")
    return body if slot in filled else None


def compose(
    spec: ToolSpec,
    draws: Draws,
    filled: dict[str, Value],
    kinds: str = "IQLNFS",
    templates: Mapping[str, Sequence[str]] | None = None,
    *,
    unsaid: Sequence[str] = (),
    flat: bool = False,
) -> Body | None:
    """Return a request that says the values; optional ones that it cannot say leave ``filled``.

    :param kinds: the kinds of templates to choose from.
    :param templates: templates to use instead of the tool's own.
    :param unsaid: slots that the conversation says already.
    :param flat: whether the request must be one clause, without further sentences.
    :returns: ``None`` if no template of these kinds can say them.
    """
    options = {
        kind: usable
        for kind, texts in (templates or spec.requests).items()
        if kind in kinds and (usable := [t for t in texts if _sayable(spec, t, kind, filled, unsaid)])
    }
    if not options:
        return None
    kind = draws.random.choices(list(options), [WEIGHTS[kind] for kind in options])[0]
    template = draws.random.choice(options[kind])
    core = _said(chosen(template, draws.random), filled, draws)
    tails: list[str] = []
    sentences: list[str] = []
    for slot, argument in _unsaid(spec, template, filled, unsaid, draws):
        clauses = [c for c in argument.clauses if _fits(c, kind, flat=flat)]
        if argument.kind == "bool":
            clauses = [c for c in clauses if c == filled[slot].said]
        if not clauses or (_OPEN.search(core) and not argument.required):
            del filled[slot]
            continue
        clause = draws.random.choice(clauses).removeprefix("t:").removeprefix("f:").strip()
        clause = _said(chosen(clause.replace("{}", f"{{{slot}}}"), draws.random), filled, draws)
        (sentences if clause[0].isupper() else tails).append(clause)
    return Body(kind, _joined(core, tails), tuple(sentences))


def wrapped(body: Body, draws: Draws) -> str:
    """Return the whole request, in one of many forms."""
    wrappers = HELD_OUT_WRAPPERS if draws.held_out else WRAPPERS
    options = wrappers[body.kind]
    if body.kind == "I" and not re.search(r"\b(me|us)\b", body.text):
        options += wrappers["I not me"]
    if "please" in body.text:
        options = tuple(option for option in options if not re.search(r"please|pls|thanks", option, re.IGNORECASE))
    if _OPEN.search(body.text) or (body.kind == "S" and body.text[-1] not in ".!?"):
        options = tuple(option for option in options if option.endswith("{}"))
    if body.kind == "L" and _PLURAL.match(body.text):
        options = tuple(option for option in options if not re.match(r"what( i|')s", option))
    text = draws.random.choice(options).replace("{}", body.text)
    for sentence in body.sentences:
        text = f"{text if _plain(text)[-1] in '.!?' else text + '.'} {sentence}."
    return _finished(text, draws)


def joined(first: Body, second: Body, draws: Draws) -> Body:
    """Return two imperative requests as one."""
    joiner = draws.random.choice(HELD_OUT_JOINERS if draws.held_out else JOINERS)
    return Body("I", first.text + joiner + second.text)


def plain_request(text: str, draws: Draws) -> str:
    """Return a request that is whole already, with its first letter and its spelling finished."""
    return _finished(text, draws)


def marked(value: str) -> str:
    """Return a value's words, marked so that nothing changes them."""
    return f"{START}{value}{END}"


def _kind_of(spec: ToolSpec, slot: str) -> str:
    return next(leaf.kind for argument in spec.arguments for key, leaf in argument.leaves if key == slot)


def _distinct(argument: Argument, draws: Draws, filled: Mapping[str, Value]) -> Value:
    """Return a value that no other argument has."""
    if argument.kind == "bool":
        clause = draws.random.choice(argument.clauses)
        return Value(clause.startswith("t:"), clause)
    others = {str(value.value) for value in filled.values()}
    for _ in range(20):
        value = draws.value(argument.kind)
        if str(value.value) not in others:
            break
    return value


def _sayable(spec: ToolSpec, template: str, kind: str, filled: Mapping[str, Value], unsaid: Sequence[str]) -> bool:
    """Return whether a template, with clauses, says all required values, and no other."""
    slots = slots_of(template)
    return slots <= filled.keys() and all(
        slot in slots or slot in unsaid or any(_fits(c, kind, flat=kind == "S") for c in leaf.clauses)
        for argument in spec.arguments
        if argument.required
        for slot, leaf in argument.leaves
    )


def _fits(clause: str, kind: str, *, flat: bool) -> bool:
    """Return whether a clause can follow: after whole sentences only sentences, in a flat request none."""
    sentence = clause.removeprefix("t:").removeprefix("f:").strip()[0].isupper()
    return sentence if kind == "S" else not (flat and sentence)


def _unsaid(
    spec: ToolSpec, template: str, filled: Mapping[str, Value], unsaid: Sequence[str], draws: Draws
) -> list[tuple[str, Argument]]:
    """Return the filled slots that the template does not say: required ones first."""
    slots = slots_of(template)
    left = [
        (slot, leaf, argument.required)
        for argument in spec.arguments
        for slot, leaf in argument.leaves
        if slot in filled and slot not in slots and slot not in unsaid
    ]
    needed = [(slot, leaf) for slot, leaf, required in left if required]
    others = [(slot, leaf) for slot, leaf, required in left if not required]
    draws.random.shuffle(others)
    if draws.chance(0.2):
        draws.random.shuffle(needed)
    return needed + others


def _said(template: str, filled: Mapping[str, Value], draws: Draws) -> str:
    """Return the template with the words of its values, quoted in one of two ways where it quotes them."""

    def quoted(match: re.Match[str]) -> str:
        value = filled[match[1]]
        double = "'" in value.said or draws.chance(0.35)
        if isinstance(value.value, tuple):
            mark = '"' if double else "'"
            return listed([f"{mark}{marked(said)}{mark}" for said in value.value])
        return f'"{{{match[1]}}}"' if double else match[0]

    return _SLOT.sub(lambda match: marked(filled[match[1]].said), _QUOTED.sub(quoted, template))


def _joined(core: str, tails: Sequence[str]) -> str:
    """Return the core with its tails; several that start with "with" become one list."""
    shared = [tail.removeprefix("with ") for tail in tails if tail.startswith("with ")]
    others = [tail for tail in tails if not tail.startswith("with ")]
    if len(others) > 2 and not any(tail.startswith(",") for tail in others):
        others = [listed(others)]
    text = core
    for tail in ([f"with {listed(shared)}"] if shared else []) + others:
        text += tail if tail.startswith(",") else f" {tail}"
    return text


def _plain(text: str) -> str:
    return text.replace(START, "").replace(END, "")


def _finished(text: str, draws: Draws) -> str:
    """Return the text as people type it: mostly with a capital, at times all in lower case or with a slip."""
    text = re.sub(rf"\ba (?={START}[aeiouAEIO])", "an ", text)
    for mark in (f"{END}. ", ". ", "! "):
        head, found, tail = text.partition(mark)
        if found and tail and tail[0] not in START:
            text = head + found + tail[0].upper() + tail[1:]
    manner = draws.random.random()
    if manner < 0.16:
        return _changed(text.rstrip("."), _careless, draws)
    text = text[0].upper() + text[1:]  # the mark of a value has no capital
    return _changed(text, _slip, draws) if manner < 0.2 else _plain(text)


def _changed(text: str, change: Callable[[str, Draws], str], draws: Draws) -> str:
    """Return the text with its words changed, and its values as they are."""
    parts = _PARTS.split(text)
    return _plain("".join(part if part.startswith(START) else change(part, draws) for part in parts))


def _careless(text: str, draws: Draws) -> str:
    text = text.lower()
    if draws.chance(0.6):
        text = re.sub(r"(?<=\w)'(?=(s|m|d|t|re|ve|ll)\b)", "", text)
    return re.sub(r"\bplease\b", "pls", text) if draws.chance(0.4) else text


def _slip(text: str, draws: Draws) -> str:
    """Return the text with two letters of one longer word swapped."""
    words = list(re.finditer(r"[a-z]{5,}", text))
    if not words:
        return text
    word = draws.random.choice(words)
    place = draws.random.randint(word.start() + 1, word.end() - 3)
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
