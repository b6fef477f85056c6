"""Conversations with facts, and what to remember of them.

A draft takes one or two subjects, draws their values, and says some of their facts, with chatter around them, in one of
several ways of writing. The answer has one line a fact, in the order of the message.
"""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.plugin.protocols import Draft
from conch_dna.records import Message, Prompt, Reference

from ..verifiers._facts import NOTHING, invented_in  # noqa: TID252 - plug-in files are loaded under another name
from ._memory_slots import SLOT, Values
from ._memory_templates import kinds, phrases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._memory_templates import Fact, Kind

MOST_LINES, MOST_WORDS = 4, 10  # of an answer, and of each of its lines


class Told(NamedTuple):
    """A part of a message, its lines of the answer, the texts that these must have, and those that they must lack."""

    text: str
    lines: tuple[str, ...]
    keys: tuple[str, ...]
    lacks: tuple[str, ...] = ()


def drafts(seed: int, *, held_out: bool = False) -> Iterator[Draft]:
    """Yield drafts without end; each depends on the seed and its own place alone."""
    place = 0
    while True:
        yield _Writer(Random(f"{seed}:memory:{held_out}:{place}"), held_out=held_out).draft()
        place += 1


class _Writer:
    """One draft in the making: its style, its values and its random draws."""

    def __init__(self, rng: Random, *, held_out: bool) -> None:
        self.rng, self.held_out = rng, held_out
        self.used: set[str] = set()
        self.lower = rng.random() < 0.2
        self.careless = self.lower and rng.random() < 0.6  # leaves apostrophes out
        self.slips = rng.random() < 0.04
        self.exclaims = rng.random() < 0.1

    def draft(self) -> Draft:
        forms = {
            self.facts: 40, self.invited: 9, self.asked: 7, self.corrected: 9, self.corrected_talk: 7, self.updated: 6,
            self.forgotten: 7, self.nothing: 11, self.nothing_talk: 6,
        }  # fmt: skip
        (form,) = self.rng.choices(list(forms), list(forms.values()))
        turns, told = form()
        lines = told.lines or (NOTHING,)
        keys, lacks = tuple(dict.fromkeys(told.keys)) or (NOTHING,), told.lacks
        roles = ("user", "assistant") * len(turns)
        messages = tuple(Message(role=role, content=turn) for role, turn in zip(roles, turns, strict=False))
        prompt = Prompt(messages=messages, reference=Reference(contains=keys, lacks=lacks), source="generated")
        answer = "\n".join(f"- {line}" for line in lines)
        return Draft(prompt, answer, form.__name__.replace("_", " "), fault(prompt, answer))

    # The forms: each returns the turns and what is told in the last one.

    def facts(self) -> tuple[list[str], Told]:
        told = self._statements(self._count())
        return [self._message(told)], told

    def invited(self) -> tuple[list[str], Told]:
        told = self._statements(self._count())
        first, second = self._turns(self._pick("INVITATIONS"))
        return [first, second, self._message(told, alone=True)], told

    def asked(self) -> tuple[list[str], Told]:
        kind, fact = self._choose(lambda fact: fact.by_topic)
        values = self._values()
        turns = self._talk("ASKED", fact, values, values)
        told = self._told(fact, values, "")
        more = self._statements(self.rng.choice((0, 0, 1, 2)), kind, values, without=fact)
        return [*turns[:-1], self._joined(turns[-1], more)], self._both(told, more)

    def corrected(self) -> tuple[list[str], Told]:
        topical = self.rng.random() < 0.4
        kind, fact = self._choose(lambda fact: fact.by_topic if topical else bool(fact.value))
        old = self._values()
        new = old.replaced(fact.value)
        if topical:
            text = self._framed("TOPIC_CORRECTIONS", fact, old, new)
        elif self.rng.random() < 0.3 and (ending := self._ending(fact)):
            text = self._framed("SLIPS", fact, old, new, ending)
        else:
            text = self._framed("CORRECTIONS", fact, old, new)
        told = self._told(fact, new, self._sentence(text), lacks=(old[fact.value],))
        more = self._statements(self.rng.choice((0, 0, 1, 1, 2)), kind, new, without=fact)
        both = self._both(told, more)
        return [self._message(both._replace(text=self._joined(told.text, more)), plain=True)], both

    def corrected_talk(self) -> tuple[list[str], Told]:
        kind, fact = self._choose(lambda fact: fact.by_topic and bool(self._ending(fact)))
        old = self._values()
        new = old.replaced(fact.value)
        turns = self._talk("TALKS_OF_CORRECTION", fact, old, new)
        told = self._told(fact, new, "", lacks=(old[fact.value],))
        more = self._statements(self.rng.choice((0, 0, 1)), kind, new, without=fact)
        return [*turns[:-1], self._joined(turns[-1], more)], self._both(told, more)

    def updated(self) -> tuple[list[str], Told]:
        kind, fact = self._choose(lambda fact: bool(fact.value))
        old = self._values()
        new = old.replaced(fact.value)
        told = self._told(fact, new, "", lacks=(old[fact.value],))
        if self.rng.random() < 0.5:
            text = self._framed("UPDATES", fact, old, new)
            return [self._message(told._replace(text=self._sentence(text)), plain=True)], told
        others = [other for other in kind.facts if other is not fact]
        stored = [fact, *self.rng.sample(others, min(len(others), self.rng.choice((1, 2))))]
        listed = "".join(f"\n- {_capital(old.fill(each.line))}" for each in stored)
        turns = self._talk("TALKS_OF_UPDATE", fact, old, new, listed)
        return turns, told

    def forgotten(self) -> tuple[list[str], Told]:
        kind, fact = self._choose(lambda fact: bool(fact.topic))
        values = self._values()
        topic = values.fill(fact.topic)
        line = f"User wants {'' if fact.topic.startswith('{name') else 'the '}{topic} forgotten"
        told = Told("", (line,), (topic,))
        if self.rng.random() < 0.35:
            return self._talk("TALKS_OF_FORGETTING", fact, values, values), told
        text = self._sentence(self._framed("FORGETTING", fact, values, values))
        other, _ = self._choose(lambda _: True)
        more = self._statements(self.rng.choice((0, 1, 1)), other if other is not kind else None)
        both = self._both(told, more)
        return [self._message(both._replace(text=self._joined(text, more)), plain=True)], both

    def nothing(self) -> tuple[list[str], Told]:
        plans = (
            ("QUESTIONS", "MOMENTS"), ("QUESTIONS", "MOMENTS", "BYES"), ("MOMENTS", "QUESTIONS"), ("ASIDES", "MOMENTS"),
            ("THANKS", "MOMENTS", "BYES"), ("OPENINGS", "ASIDES", "BYES"), ("ASIDES", "QUESTIONS"), ("QUESTIONS",),
            ("OPENINGS", "MOMENTS", "ASIDES"), ("MOMENTS", "ASIDES", "BYES"), ("THANKS", "BYES"), ("ASIDES", "ASIDES"),
        )  # fmt: skip
        return [self._small_talk(self.rng.choice(plans))], Told("", (), ())

    def nothing_talk(self) -> tuple[list[str], Told]:
        plans = (("THANKS", "MOMENTS"), ("THANKS", "BYES"), ("MOMENTS", "BYES"), ("THANKS", "QUESTIONS"),
                 ("MOMENTS", "THANKS"), ("THANKS", "ASIDES", "BYES"))  # fmt: skip
        first, second = self._turns(self._pick("EXCHANGES"))
        return [first, second, self._small_talk(self.rng.choice(plans))], Told("", (), ())

    # Their parts.

    def _count(self) -> int:
        return self.rng.choices((1, 2, 3, 4), (14, 28, 34, 24))[0]

    def _values(self) -> Values:
        return Values(self.rng, self.used, held_out=self.held_out)

    def _kind(self) -> Kind:
        every = kinds(held_out=self.held_out)
        new = [kind for kind in every if kind.name not in {k.name for k in kinds(held_out=False)}]
        return self.rng.choice(new if new and self.rng.random() < 0.3 else every)

    def _choose(self, fits: Callable[[Fact], bool]) -> tuple[Kind, Fact]:
        """Return a kind with a fact that fits."""
        while True:
            kind = self._kind()
            facts = [fact for fact in kind.facts if fits(fact)]
            if facts:
                return kind, self.rng.choice(facts)

    def _statements(
        self, count: int, kind: Kind | None = None, values: Values | None = None, without: Fact | None = None
    ) -> Told:
        """Say ``count`` facts, of one kind or of two."""
        parts: list[Told] = []
        kind, values = kind or self._kind(), values or self._values()
        while len(parts) < count:
            left = [fact for fact in kind.facts if fact is not without]
            most = min(count - len(parts), len(left))
            size = most if self.rng.random() < 0.7 else self.rng.randint(1, most)
            chosen = self.rng.sample(left, size)
            if kind.facts[0] in chosen or self.rng.random() < 0.5:
                chosen.sort(key=kind.facts.index)
            parts += [self._said(fact, values, later=fact is not kind.facts[0] and kind.facts[0] in chosen[:place])
                      for place, fact in enumerate(chosen)]  # fmt: skip
            named = kind.name
            while kind.name == named:
                kind = self._kind()
            values, without = self._values(), None
        text = self._linked([part.text for part in parts])
        return Told(text, tuple(line for part in parts for line in part.lines),
                    tuple(key for part in parts for key in part.keys))  # fmt: skip

    def _said(self, fact: Fact, values: Values, *, later: bool) -> Told:
        says = fact.says + (fact.later * 2 if later else ())
        return self._told(fact, values, values.fill(self.rng.choice(says), self._style))

    def _told(self, fact: Fact, values: Values, text: str, lacks: tuple[str, ...] = ()) -> Told:
        keys = tuple(values[slot[2] + slot[3]] for slot in SLOT.finditer(fact.line))
        return Told(text, (_capital(values.fill(fact.line)),), keys, lacks)

    def _linked(self, clauses: list[str]) -> str:
        """Join clauses as sentences, with commas or with words between them."""
        if len(clauses) > 1 and self.rng.random() < 0.25:
            mark = self.rng.choice((", ", ", ", "; ", "\n"))
            ending = f"{mark if mark != ', ' else ', and '}{clauses[-1]}"
            return self._sentence(mark.join(clauses[:-1]) + ending)
        clauses = [clause + self._style(self._tail()) for clause in clauses]
        sentences = []
        for place, clause in enumerate(clauses):
            link = f"{self._pick('LINKS')} " if place and self.rng.random() < 0.25 else ""
            if place and self.rng.random() < 0.1:
                sentences.append(self._chat("ASIDES", "MOMENTS"))
            sentences.append(self._sentence(link + clause))
        return " ".join(sentences)

    def _tail(self) -> str:
        return self._pick("TAILS") if self.rng.random() < 0.1 else ""

    def _message(self, told: Told, *, alone: bool = False, plain: bool = False) -> str:
        """Put chatter around what is told.

        :param alone: without an opening.
        :param plain: without a lead such as "for the record".
        """
        parts = [told.text]
        if not plain and self.rng.random() < 0.2:
            parts = [self._sentence(f"{self._pick('LEADS')} {_uncapital(told.text)}", ends=False)]
        if self.rng.random() < 0.35:
            parts.append(self._chat("ASIDES", "MOMENTS", "BYES"))
        for _ in range(0 if alone else self.rng.choice((0, 0, 0, 1, 1, 2))):
            parts.insert(0, self._chat("ASIDES", "ASIDES", "MOMENTS"))
        if not alone and self.rng.random() < 0.2:
            parts.insert(0, self._chat("OPENINGS"))
        return " ".join(parts)

    def _small_talk(self, plan: tuple[str, ...]) -> str:
        return " ".join(self._chat(part) for part in plan)

    def _chat(self, *names: str) -> str:
        return self._sentence(self._values().fill(self._pick(self.rng.choice(names)), self._style))

    def _turns(self, talk: str) -> list[str]:
        """Return the turns of a talk; the assistant's are always written with care."""
        turns = talk.split(" || ")
        values = self._values()
        return [
            self._sentence(values.fill(turn, self._style)) if place % 2 == 0 else values.fill(turn)
            for place, turn in enumerate(turns)
        ]

    def _talk(self, name: str, fact: Fact, old: Values, new: Values, listed: str = "") -> list[str]:
        turns = self._pick(name).split(" || ")
        ending = self._ending(fact) or (fact.says[0] if fact.says else "")
        return [
            self._sentence(self._filled(turn, fact, old, new, ending)) if place % 2 == 0
            else _capital(self._filled(turn, fact, old, new, ending, careful=True).replace("{listed}", listed))
            for place, turn in enumerate(turns)
        ]  # fmt: skip

    def _framed(self, name: str, fact: Fact, old: Values, new: Values, ending: str = "") -> str:
        return self._filled(self._pick(name), fact, old, new, ending or self.rng.choice(fact.says))

    def _filled(self, frame: str, fact: Fact, old: Values, new: Values, says: str, *, careful: bool = False) -> str:
        """Fill a frame of a correction, request or update."""
        own = fact.topic.startswith("{name")
        topic = old.fill(fact.topic)
        parts = {
            "{s}": lambda: new.fill(says, self._style),
            "{before}": lambda: old.fill(says, self._style),
            "{t}": lambda: topic if own else f"my {topic}",
            "{your}": lambda: topic if own else f"your {topic}",
            "{memory}": lambda: _capital(old.fill(fact.line)),
            "{new}": lambda: new[fact.value],
            "{old}": lambda: old[fact.value],
        }
        pieces = re.split(r"(\{[a-z]+\})", frame)
        change = str if careful else self._style
        return "".join(parts[piece]() if piece in parts else change(piece) for piece in pieces)

    def _ending(self, fact: Fact) -> str:
        """Return a phrasing that ends with the value, so that a new value can follow it; or an empty text."""
        ends = [says for says in fact.says if says.endswith(f"{{{fact.value}}}")]
        return self.rng.choice(ends) if ends else ""

    def _joined(self, text: str, more: Told) -> str:
        return f"{text} {more.text}" if more.text else text

    def _both(self, told: Told, more: Told) -> Told:
        return Told("", told.lines + more.lines, told.keys + more.keys, told.lacks)

    def _pick(self, name: str) -> str:
        return self.rng.choice(phrases(name, held_out=self.held_out))

    def _style(self, text: str) -> str:
        if self.lower:
            text = text.lower()
        if self.slips and (found := re.search(r"[a-z]{5,}", text)):
            place = found.end() - 2
            text, self.slips = text[: place - 1] + text[place] + text[place - 1] + text[place + 1 :], False
        return text.replace("'", "") if self.careless else text

    def _sentence(self, text: str, *, ends: bool = True) -> str:
        """Return sentences with capitals and a full stop, unless the writer leaves capitals out."""
        if ends and text[-1] not in ".!?":
            text += "!" if self.exclaims and self.rng.random() < 0.5 else "."
        if self.lower:
            return text
        return re.sub(r"(?:^|(?<=[.!?] )|(?<=\.\.\. ))([a-z])", lambda m: m[1].upper(), text)


def fault(prompt: Prompt, answer: str) -> str:
    """Return why an answer is not the right one for its conversation, or an empty text."""
    told, said, lines = prompt.text.casefold(), answer.casefold(), answer.split("\n")
    wanted = prompt.reference
    if wanted.contains != (NOTHING,) and any(key.casefold() not in told for key in wanted.contains):
        return "a fact is not in the conversation"
    if any(key.casefold() not in said for key in wanted.contains):
        return "a fact is not in the answer"
    if any(re.search(rf"(?<!\w){re.escape(old.casefold())}(?!\w)", said) for old in wanted.lacks):
        return "the answer has an old value"
    if len(lines) > MOST_LINES or any(len(line.split()) - 1 > MOST_WORDS for line in lines):
        return "the answer is too long"
    if len(set(lines)) < len(lines):
        return "the answer repeats a line"
    return "the answer invents something" if invented_in(answer, prompt.text) else ""


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _uncapital(text: str) -> str:
    """Return a text that goes on inside a sentence, unless it begins with "I" or a name."""
    first = re.match(r"(?:My|The|We|Our|No|On|It|From|Please|Never|Don't|Always|Only|For)\b", text)
    return text[0].lower() + text[1:] if first else text
