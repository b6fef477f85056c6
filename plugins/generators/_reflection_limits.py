"""Drafts that break a limit of the request, for the ``reflection`` generator; code checks draft and mended answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._reflection_case import Case, Draw, has, sentence
from ._reflection_general import Fact, facts_of
from ._reflection_limits_data import (
    ABROAD,
    EXCLUDED,
    LINES,
    LOUD,
    ORDERS,
    PADDED,
    PRODUCTS,
    SETS,
    SMALLER,
    SUMMARIES,
    WORDS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")


def _case(
    kind: str, draw: Draw, question: str, draft: str, right: str, flaw: str, contains: Sequence[str],
    lacks: Sequence[str] = (), meets: Callable[[str], bool] | None = None,
) -> Case:  # fmt: skip
    """Return the case of a limit: with the draft that breaks it, or with the right answer as the draft."""
    if draw.sound:
        return Case(kind, question, right, right, "", tuple(contains), tuple(lacks), task=True, meets=meets)
    return Case(kind, question, draft, right, flaw, tuple(contains), tuple(lacks), task=True, meets=meets)


def excluded(draw: Draw) -> Case:
    """Return a list with one item that the request excludes."""
    row = draw.any(EXCLUDED)
    fine, broken = _side(draw, row.fine), _side(draw, row.broken)
    count = min(draw.any((2, 3, 3, 4)), len(fine))
    items, bad = draw.rng.sample(fine, count), draw.any(broken)
    place = draw.any(range(count))
    listed = [bad if n == place else item for n, item in enumerate(items)]
    form = draw.side(
        ("List {n} {what}, {rule}.", "{n} {what}, {rule}", "Name {n} {what}, {rule}.", "Give me {n} {what}, {rule}."),
        ("I need {n} {what}, {rule}.", "Suggest {n} {what}; {rule}."),
    )
    question = sentence(form.format(n=_COUNTS[count], what=row.what, rule=row.rule))
    kept = [item for n, item in enumerate(items) if n != place]
    flaw = f"The list has {bad}, which {row.breaks}."
    return _case("excluded", draw, question, _listed(listed), _listed(items), flaw, items if draw.sound else kept,
                 () if draw.sound else (bad,), lambda text: not any(has(text, item) for item in broken))  # fmt: skip


def _side(draw: Draw, items: str) -> list[str]:
    """Return every third item for measurement, the others for training."""
    return [item for n, item in enumerate(items.split(", ")) if (n % 3 == 2) == draw.held_out]


def _listed(items: Sequence[str]) -> str:
    return sentence(", ".join(items))


def too_many(draw: Draw) -> Case:
    """Return a list with more items than were asked for; the first ones stay."""
    row = draw.any(EXCLUDED)
    fine, count = _side(draw, row.fine), draw.any((1, 2, 2))
    more = draw.any(range(1, min(3, len(fine) - count + 1)))
    items = draw.rng.sample(fine, count + more)
    noun = f"{_COUNTS[count]} {row.what}" if count > 1 else f"one of the {row.what}"
    form = draw.side(
        ("List exactly {n}, {rule}.", "Name exactly {n}, {rule}.", "exactly {n} please, {rule}"),
        ("Just {n}, no more, {rule}.",),
    )
    question, first, extra = sentence(form.format(n=noun, rule=row.rule)), items[:count], items[count:]
    are, only = ("is" if count == 1 else "are"), _COUNTS[count]
    flaw = f"The draft has {_COUNTS[count + more]} items, but only {only} {are} asked for."
    return _case("too many", draw, question, _listed(items), _listed(first), flaw, first, () if draw.sound else extra,
                 lambda text: text.count(",") == count - 1)  # fmt: skip


def missing(draw: Draw) -> Case:
    """Return a complete list of which one item is missing."""
    what, listed = draw.row(SETS)
    items = listed.split(", ")
    gone = draw.any(range(len(items)))
    form = draw.side(
        ("List {x}.", "Name {x}.", "list all of {x}", "What are {x}?", "Give the full list: {x}."),
        ("Write down {x}, all of them.",),
    )
    question = sentence(form.replace("{x}", what)) if not form.endswith("?") else form.replace("{x}", what)
    left = [item for n, item in enumerate(items) if n != gone]
    flaw = f"The list leaves out {items[gone]}."
    return _case("missing item", draw, question, _listed(left), _listed(items), flaw, items,
                 meets=lambda text: text.count(",") == len(items) - 1)  # fmt: skip


def too_long(draw: Draw) -> Case:
    """Return an answer with more words than allowed."""
    question, long, short, key, padding = draw.row(PADDED)
    least, most = len(short.split()), len(long.split())
    limit = draw.any([n for n in (3, 4, 5, 6, 8, 10, 12) if least <= n < most])
    form = draw.side(
        ("In at most {n} words: {q}", "{q} Use {n} words or fewer.", "No more than {n} words please: {q}",
         "Must be {n} words or fewer: {q}", "{q} ({n} words at most)"),
        ("Keep it within {n} words. {q}",),
    )  # fmt: skip
    flaw = f"The draft is longer than {limit} words."
    return _case("too long", draw, form.format(n=limit, q=question), long, short, flaw, (key,), (padding,),
                 lambda text: len(text.split()) <= limit)  # fmt: skip


def sentences(draw: Draw) -> Case:
    """Return an answer with too many or too few sentences."""
    what, texts, keys = draw.row(SUMMARIES)
    wanted, given = draw.any(((1, 2), (1, 3), (2, 1), (2, 3), (3, 2)))
    form = draw.side(
        ("Write {n} about {x}.", "{n} about {x}, please.", "Describe {x} in exactly {n}.", "In {n}: what about {x}?"),
        ("Tell me about {x} in {n}, not more, not less.",),
    )
    names = [f"{_COUNTS[n]} sentence{'s' * (n > 1)}" for n in (wanted, given)]
    question = sentence(form.format(n=names[0], x=what))
    flaw = f"The draft has {names[1]}, not {_COUNTS[wanted]}."
    return _case("sentences", draw, question, " ".join(texts[:given]), " ".join(texts[:wanted]), flaw, keys[:wanted],
                 () if draw.sound else keys[wanted:given],
                 lambda text: len(re.findall(r"[.!?](?:\s|$)", text)) == wanted)  # fmt: skip


def loud(draw: Draw) -> Case:
    """Return a text with an exclamation mark that the request forbids."""
    what, text, key = draw.row(LOUD)
    form = draw.side(
        ("Write {x} without an exclamation mark.", "{x}, no exclamation marks.", "No exclamation mark, please: {x}."),
        ("Draft {x}; leave out any exclamation mark.",),
    )
    flaw = "The draft has an exclamation mark."
    question, draft = sentence(form.replace("{x}", what)), f"{text[:-1]}!"
    return _case("exclamation mark", draw, question, draft, text, flaw, (key,), ("!",), lambda given: "!" not in given)


def cased(draw: Draw) -> Case:
    """Return an answer in another case than the request asks for."""
    relation, upper = draw.any(("capital", "opposite", "continent", "currency", "plural")), draw.chance(0.5)
    subject, _, value, _ = draw.row(facts_of(relation))
    ask = {
        "capital": "what is the capital of {x}?", "opposite": "what is the opposite of {x}?",
        "continent": "in which continent is {x}?", "currency": "what is the currency of {x}?",
        "plural": "what is the plural of {x}?",
    }[relation].replace("{x}", subject)  # fmt: skip
    name = "upper" if upper else "lower"
    form = draw.side(
        ("Answer in {n} case only: {q}", "Reply in {n} case. {q}", "{n} case only, {q}", "{q} Answer in {n} case."),
        ("Use nothing but {n} case letters: {q}",),
    )
    question = form.format(n=name, q=ask)
    right = value.upper() if upper else value.lower()
    draft = value if value != right else value.title() if not upper else value
    flaw = f"The draft is not in {name} case."
    return _case("case", draw, _capitals(question), draft, right, flaw, (right,), (draft,),
                 lambda text: text == (text.upper() if upper else text.lower()))  # fmt: skip


def wordy(draw: Draw) -> Case:
    """Return a sentence where one word, one number or yes or no was asked for."""
    kind = draw.any(("word", "number", "yes"))
    if kind == "yes":
        relation = draw.any(("place", "country", "continent"))
        subject, _, value, wrong = draw.row(facts_of(relation))
        true = draw.chance(0.5)
        asked, right = f"is {subject} in {value if true else draw.any(wrong)}?", "Yes." if true else "No."
        long = sentence(f"{'well, ' * (not true)}{subject} is in fact in {value}")
        only, flaw = draw.side(("yes or no only", "just yes or no"), ("a plain yes or no",)), "yes or no"
    elif kind == "word":
        relation = draw.any(("opposite", "capital", "past tense", "translation", "currency"))
        subject, say, value, _ = _fact(draw, relation, lambda value: " " not in value)
        asked = {"translation": "what is {x}?", "capital": "what is the capital of {x}?"}.get(
            relation, "what is the " + relation + " of {x}?"
        ).replace("{x}", subject)
        right, long = sentence(value), sentence("of course, " + _inside(say).replace("{v}", value))
        only, flaw = draw.side(("one word only", "just one word", "a single word"), ("one word",)), "one word"
    else:
        subject, say, value, _ = _fact(draw, "count", str.isdigit)
        asked, right, long = (
            f"how many {subject}?",
            f"{value}.",
            sentence("of course, " + _inside(say).replace("{v}", value)),
        )
        only, flaw = draw.side(("the number only", "just the number"), ("nothing but the number",)), "a number"
    form = draw.side(("Answer with {n}: {q}", "{q} ({n})", "{n}: {q}"), ("Reply with {n}. {q}",))
    question = form.format(n=only, q=asked)
    first = "fact" if kind == "yes" else "course"
    return _case("only", draw, _capitals(question), long, right, f"The draft is a sentence, not {flaw}.",
                 (right.rstrip("."),), (first,), lambda text: len(text.split()) <= 1)  # fmt: skip


def _capitals(text: str) -> str:
    """Return a text with a capital at the beginning of each sentence."""
    return re.sub(r"(^|[.?] )(\w)", lambda begun: begun[1] + begun[2].upper(), text)


def _fact(draw: Draw, relation: str, fits: Callable[[str], bool]) -> Fact:
    """Return a fact with a value that fits."""
    while True:
        if fits((fact := draw.row(facts_of(relation)))[2]):
            return fact


def _inside(statement: str) -> str:
    """Return a statement without the capital of its article, as it stands after other words."""
    return re.sub(r"^(?:The|An?) ", lambda article: article[0].lower(), statement)


def forbidden(draw: Draw) -> Case:
    """Return a text with a word that the request forbids."""
    if draw.chance(0.4):
        item, (look, price) = draw.row(PRODUCTS), (draw.row(LINES), draw.any(range(4, 60)))
        question = draw.side(
            (f"Describe our {item}, but do not mention the price.", f"Must not mention price. Describe our {item}."),
            (f"A line about our {item}; leave the price out.",),
        )
        right = sentence(f"a {look} {item}")
        draft = right[:-1] + draw.any((f", only ${price}!", f" for ${price}.", f" at just ${price}."))
        return _case("forbidden", draw, question, draft, right, "The draft mentions the price.", (look, item),
                     ("$", str(price)), lambda text: "$" not in text)  # fmt: skip
    what, word, used, mended, key = draw.row(WORDS)
    form = draw.side(
        ("{x}, without the word '{w}'.", "Write {x}. Do not use the word '{w}'.", "{x}; avoid the word '{w}'."),
        ("{x}, but '{w}' must not occur.",),
    )
    question = sentence(form.replace("{x}", what).replace("{w}", word))
    return _case("forbidden", draw, question, used, mended, f"The draft uses the word '{word}'.", (key,), (word,),
                 lambda text: not has(text, word))  # fmt: skip


def abroad(draw: Draw) -> Case:
    """Return an answer in English where another language was asked for."""
    asked, language, english, foreign = draw.row(ABROAD)
    form = draw.side(
        ("Answer in {l}: {q}", "{q} Reply in {l}.", "In {l}, please. {q}"), ("The answer has to be in {l}. {q}",)
    )
    question, flaw = form.format(l=language, q=asked), f"The draft is not in {language}."
    return _case("asked language", draw, question, english, foreign, flaw,
                 (foreign.rstrip(".!"),), (english.rstrip("."),), lambda text: text != english)  # fmt: skip


def demanded_unit(draw: Draw) -> Case:
    """Return a quantity in another unit than the request asks for."""
    row = draw.any(SMALLER)
    number = draw.any(row.numbers)
    while not draw.own(f"{row.small}:{number}"):
        row = draw.any(SMALLER)
        number = draw.any(row.numbers)
    right = f"{number / row.factor:.3f}".rstrip("0").rstrip(".")
    form = draw.side(
        ("Answer in {u}: how {h} is a {x} of {n} {s}?", "In {u}, please: a {x} of {n} {s} is how {h}?"),
        ("State in {u} how {h} a {x} of {n} {s} is.",),
    )
    question = form.format(u=row.larges, h=row.how, x=draw.row(row.things.split(", ")), n=number, s=row.small)
    given, mended = f"{number} {row.small}.", f"{right} {row.larges}."
    flaw = f"The answer is in {row.small}, not in {row.larges}."
    return _case("unit asked for", draw, question, given, mended, flaw, (right,), (row.small,),
                 lambda text: has(text, row.larges))  # fmt: skip


def order(draw: Draw) -> Case:
    """Return a list in the wrong order."""
    kind = draw.any(("numbers", "words", "known", "known"))
    if kind == "numbers":
        items = [str(n) for n in draw.rng.sample(range(1, 100), draw.any((3, 3, 4, 5)))]
        down = draw.chance(0.3)
        ranked = sorted(items, key=int, reverse=down)
        how = "from largest to smallest" if down else "from smallest to largest"
    elif kind == "words":
        items = draw.rng.sample(_side(draw, draw.any(EXCLUDED).fine), 3)
        ranked, how = sorted(items), "in alphabetical order"
    else:
        how, listed = draw.row(ORDERS)
        known = listed.split(", ")
        places = sorted(draw.rng.sample(range(len(known)), min(len(known), draw.any((3, 3, 4)))))
        ranked = [known[place] for place in places]
    one = draw.any(range(len(ranked) - 1))
    wrong = [*ranked]
    wrong[one], wrong[one + 1] = ranked[one + 1], ranked[one]
    mixed = draw.rng.sample(ranked, len(ranked))
    while mixed == ranked:
        mixed = draw.rng.sample(ranked, len(ranked))
    form = draw.side(
        ("Sort {x} {how}.", "Put {x} {how}.", "Arrange {x} {how}.", "Order these {how}: {x}"),
        ("List {x} again, {how}.",),
    )
    question = sentence(form.format(x=", ".join(mixed), how=how))
    flaw = f"{ranked[one]} comes before {ranked[one + 1]}."
    return _case("order", draw, question, _listed(wrong), _listed(ranked), flaw[:1].upper() + flaw[1:],
                 (", ".join(ranked),))  # fmt: skip


BUILDERS = (
    (excluded, 4), (too_many, 2), (missing, 3), (too_long, 3), (sentences, 2), (loud, 1), (cased, 2), (wordy, 2),
    (forbidden, 2), (abroad, 1), (demanded_unit, 1), (order, 3),
)  # fmt: skip
