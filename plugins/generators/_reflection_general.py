"""Drafts about well-known facts for the ``reflection`` generator: stated, claimed, or two at once."""

from __future__ import annotations

from functools import cache

from ._reflection_case import Case, Draw, of_value, sentence, without_article
from ._reflection_facts import RELATIONS, Relation

Fact = tuple[str, str, str, tuple[str, ...]]  # subject, statement with {v}, right value, wrong values


@cache
def facts_of(name: str) -> tuple[Fact, ...]:
    """Return the facts of a relation."""
    relation = next(relation for relation in RELATIONS if relation.name == name)
    found = []
    for line in relation.lines.strip().splitlines():
        subject, *said, right, wrong = (part.strip() for part in line.split("|"))
        say = said[0] if said else relation.said.replace("{x}", subject)
        found.append((subject, say, right, tuple(part.strip() for part in wrong.split(", "))))
    return tuple(found)


def _drawn(draw: Draw) -> tuple[Relation, Fact]:
    relation = draw.any(RELATIONS)
    return relation, draw.row(facts_of(relation.name))


def facts(draw: Draw) -> Case:
    """Return a case of one fact with its value, or a plausible wrong one."""
    relation, (subject, say, right, wrong) = _drawn(draw)
    question = sentence_case(draw.side(relation.asked, relation.held).replace("{x}", subject), draw)
    topic = relation.topic.replace("{x}", subject)
    return of_value(relation.name, draw, question, say, right, draw.any(wrong), topic=topic)


def sentence_case(question: str, draw: Draw) -> str:
    """Return a question with a capital, or seldom as it is typed in haste."""
    return question if draw.chance(0.1) else question[:1].upper() + question[1:]


def claims(draw: Draw) -> Case:
    """Return a case of a yes-or-no question; a wrong draft says yes to a false claim, or no to a true one."""
    relation, (subject, _, right, wrongs) = _drawn(draw)
    while not relation.topic or relation.name in {"place", "country", "spelling", "young animal", "plural"}:
        relation, (subject, _, right, wrongs) = _drawn(draw)
    topic, true = relation.topic.replace("{x}", subject), draw.chance(0.5)
    value = right if true else draw.any(wrongs)
    form = draw.side(("Is {v} {t}?", "Is it true that {v} is {t}?", "is {v} {t}"), ("{v} is {t}, isn't it?",))
    question = form.replace("{v}", value).replace("{t}", topic)
    yes, no = f"Yes, {topic} is {right}.", f"No, {topic} is {right}."
    mended = yes if true else no
    if draw.sound:
        return Case("claim", question, mended, mended, "", (without_article(right),))
    draft = f"No, {topic} is {draw.any(wrongs)}." if true else f"Yes, {topic} is {value}."
    said = draft.rstrip(".").rpartition(" is ")[2]
    flaw = sentence(f"{topic} is {right}, not {said}")
    return Case("claim", question, draft, mended, flaw, (without_article(right),), ("no" if true else "yes",))


def pairs(draw: Draw) -> Case:
    """Return a case of two questions at once; a wrong draft answers only the first."""
    relation, one = _drawn(draw)
    while not relation.topic or relation.name == "pioneer":
        relation, one = _drawn(draw)
    two = draw.row(facts_of(relation.name))
    while two[2] == one[2]:
        two = draw.row(facts_of(relation.name))
    topics = [relation.topic.replace("{x}", fact[0]) for fact in (one, two)]
    first, second = (sentence(fact[1].replace("{v}", fact[2])) for fact in (one, two))
    form = draw.side(
        ("What is {a} and what is {b}?", "Two things: {a}, and {b}?", "I need {a} and {b}."), ("{a}? And {b}?",)
    )
    question = form.replace("{a}", topics[0]).replace("{b}", topics[1])
    both, parts = f"{first} {second}", (without_article(one[2]), without_article(two[2]))
    if draw.sound:
        return Case("two parts", question, both, both, "", parts)
    return Case("two parts", question, first, both, f"The draft leaves out {topics[1]}.", parts)
