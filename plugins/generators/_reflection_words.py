"""Drafts about words, code, notes, tone and advice for the ``reflection`` generator."""

from __future__ import annotations

from ._reflection_case import Case, Draw, has, of_value, sentence
from ._reflection_words_data import ADVICE, CODE, FRIENDLY, NOTED, RUDE, SCENES, SPOKEN

_ROMAN = ((100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))


def letters(draw: Draw) -> Case:
    """Return a case that counts the letters of a word, or names one."""
    word = draw.row(SPOKEN.split())
    kind = draw.any(("length", "count", "count", "first", "last"))
    if kind in {"length", "count"}:
        letter = draw.any(sorted(set(word)))
        number = len(word) if kind == "length" else word.count(letter)
        others = draw.any([n for n in (number - 1, number + 1, number + 2) if n > 0])
        what = "letters does the word" if kind == "length" else f"times does the letter {letter} occur in"
        question = draw.side(
            (f"How many {what} '{word}'{' have' * (kind == 'length')}?",),
            (f"Count, please: how many {what} '{word}'{' have' * (kind == 'length')}?",),
        )
        noun = "letter" if kind == "length" else "time"
        say = f"The word '{word}' has {{v}}" if kind == "length" else f"The letter {letter} occurs {{v}} in '{word}'"

        def truth() -> str:
            return _counted(sum(1 for one in word if kind == "length" or one == letter), noun)

        right, wrong = _counted(number, noun), _counted(others, noun)
        return of_value("letters", draw, question, say, right, wrong, bare=0.2, truth=truth)
    right, wrong_letter = (word[0], word[1]) if kind == "first" else (word[-1], word[-2])
    if right == wrong_letter:
        wrong_letter = "x"
    question = draw.side(
        (f"What is the {kind} letter of '{word}'?", f"{kind} letter of the word {word}?"),
        (f"Which letter comes {kind} in '{word}'?",),
    )
    say = f"The {kind} letter of '{word}' is {{v}}"
    topic = f"the {kind} letter of '{word}'"
    return of_value("letters", draw, question, say, right.upper(), wrong_letter.upper(), topic=topic)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}"


def roman(draw: Draw) -> Case:
    """Return a case of a number in Roman numerals."""
    number = draw.any(range(3, 101))
    while not draw.own(f"roman:{number}"):
        number = draw.any(range(3, 101))
    wrong = roman_of(number + draw.any((1, 2, 5, 10)) if draw.chance(0.5) else max(1, number - draw.any((1, 2, 5))))
    question = draw.side(
        (
            f"What is the Roman numeral for {number}?",
            f"{number} in Roman numerals?",
            f"Write {number} as a Roman numeral.",
        ),
        (f"How did the Romans write {number}?",),
    )
    values = {sign: value for value, sign in _ROMAN if len(sign) == 1}

    def truth() -> str:
        found = roman_of(number)
        signs = [values[sign] for sign in found]
        total = sum(-a if b > a else a for a, b in zip(signs, [*signs[1:], 0], strict=True))
        return found if total == number else ""

    say = f"The Roman numeral for {number} is {{v}}"
    return of_value("roman", draw, question, say, roman_of(number), wrong, topic=f"the Roman numeral for {number}",
                    truth=truth)  # fmt: skip


def roman_of(number: int) -> str:
    """Return a number up to 100 in Roman numerals."""
    found = ""
    for value, sign in _ROMAN:
        while number >= value:
            number, found = number - value, found + sign
    return found


def code(draw: Draw) -> Case:
    """Return a case of the value of a Python expression, which Python computes."""
    while True:
        form = draw.any(CODE)
        word, other = draw.row(SPOKEN.split()), draw.row(SPOKEN.split())
        numbers = draw.rng.sample(range(2, 20), 3)
        found = {"w": word, "o": other, "a": numbers[0], "b": numbers[1], "c": numbers[2], "n": draw.any((2, 3))}
        expression = form.expression.format(**found)
        right = _run(expression)
        wrongs = [w for slip in form.slips if (w := _run(slip.format(**found))) not in {right, f"{right}.0"}]
        if wrongs and len(right) < 30 and draw.own(f"code:{expression}"):
            break
    question = draw.side(
        (f"In Python, what does {expression} give?", f"What is the value of {expression} in Python?",
         f"What does print({expression}) show in Python 3?", f"python: {expression} = ?"),
        (f"Which value has {expression} in Python?",),
    )  # fmt: skip
    if "print(" in question:
        right, wrongs = right.strip("'"), [wrong.strip("'") for wrong in wrongs]
    say = f"{expression} gives {{v}}"
    made = of_value("code", draw, question, say, right, draw.any(wrongs), bare=0.3)
    # A statement begins with the expression, which has a case of its own.
    plain = expression[:1] + made.right[1:]
    flaw = made.flaw and expression[:1] + made.flaw[1:]
    draft = expression[:1] + made.draft[1:] if made.whole else made.draft
    contains = (f"gives {right}",) if has(expression, right) and right in expression else made.contains
    lacks = tuple(part for part in made.lacks if " " not in part)  # signs between words do not count in a comparison
    return Case("code", question, draft, plain, flaw, contains, lacks, truth=lambda: _run(expression).strip("'"))


def _run(expression: str) -> str:
    """Return the value of one of this module's own expressions, as Python writes it."""
    return repr(eval(expression, {}))  # noqa: S307 - made of the tables' own words and numbers


def notes(draw: Draw) -> Case:
    """Return a reply that contradicts one of the given facts, or keeps to them."""
    scene = draw.row(NOTED)
    names = list(scene.fields)
    values = {key: draw.any(scene.fields[key]) for key in names}
    changed = draw.any(scene.replied)
    wrong = draw.any([value for value in scene.fields[changed] if value != values[changed]])
    given = sentence(scene.notes.format(**values))
    right, false = scene.reply.format(**values), scene.reply.format(**{**values, changed: wrong})
    kept = tuple(values[key] for key in scene.replied)
    if draw.sound:
        return Case("notes", scene.question, right, right, "", kept, notes=given)
    others = [value for key, value in values.items() if key != changed]
    lacks = () if wrong in others else (wrong,)
    flaw = f"The notes say {values[changed]}, not {wrong}."
    return Case("notes", scene.question, false, right, flaw, kept, lacks, notes=given)


def tone(draw: Draw) -> Case:
    """Return a rude reply with a fact that the polite one keeps."""
    scene, rude = draw.row(SCENES), draw.row(RUDE)
    value = draw.any(scene.values)
    fact = scene.fact.format(v=value)
    polite = draw.row(FRIENDLY)
    mended = f"{polite}, {fact}." if polite.endswith("you") else f"{polite} {sentence(fact)}"
    draft = draw.any((f"{rude} {sentence(fact)}", f"{sentence(fact)} {rude}"))
    contains = tuple(part.format(v=value) for part in scene.contains)
    if draw.sound:
        return Case("tone", scene.asked, mended, mended, "", contains, task=True)
    return Case("tone", scene.asked, draft, mended, "The reply is rude.", contains, (rude.rstrip(".!?"),), task=True)


def advice(draw: Draw) -> Case:
    """Return unsafe, wrong or incomplete advice, or its good form."""
    row = draw.row(ADVICE)
    if draw.sound:
        return Case("advice", row.question, row.good, row.good, "", (row.key,), whole=False)
    lacks = () if has(row.good, row.bad.rstrip(".")) else (row.bad.rstrip("."),)
    return Case("advice", row.question, row.bad, row.good, row.flaw, (row.key,), lacks)
