"""Rewrite questions of GSM8K's training set as labelled equations, for the generator ``thinking``.

    python tools/gsm8k_equations.py gsm8k_train.jsonl > domains/thinking/gsm8k_equations.jsonl

A question is taken if it is short, its solution has one to four annotated calculations that are exact, each number in
them is in the question, a result before it or a common constant, and the last result is the answer. Questions in
``domains/thinking/prompts.jsonl``, some of which are held out, and those that resemble them are left out.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conch_dna.domains.near_duplicates import Index, overlaps
from plugins.generators._thinking_steps import constants, exact, plain, result_of, stated, unfounded, written

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent
WORDS = 55  # of a question, at most
QUOTA = {1: 50, 2: 800, 3: 650, 4: 280}  # questions by number of steps
LIKE = 0.25  # similarity to a prompt of the domain from which a question is left out
_ANNOTATED = re.compile(r"<<([^<>=]+)=([^<>=]+)>>")
_PLAIN = r"\d+(?:\.\d+)?"
_OPENING = re.compile(
    r"^(?:so|thus|therefore|then|hence|and|this means|that means|in total|altogether|first|next|finally|since|"
    r"now|if|meaning|a total of|because|but|after that|in all|overall)\b[\s,]*(?:that\b\s*)?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")  # noqa: RUF001
# Words that do not end a label.
_TRAILING = (
    "a an the of in to per for and or at by on with from that is are was were be as her his their its each it "
    "this if so than which every has have had will would needs about into can could there he she they we meaning "
    "did does do"
)
_LOOSE = frozenset(_TRAILING.split())


def main(source: Path) -> None:
    """Print the rewritten questions."""
    index = Index(_turns(ROOT / "domains" / "thinking" / "prompts.jsonl"))
    found: list[dict[str, Any]] = []
    rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    for row in sorted(rows, key=lambda row: hashlib.sha256(row["question"].encode()).digest()):
        made = _rewritten(row)
        if made is not None and not overlaps(made["question"], index, LIKE):
            index.add(made["question"])
            found.append(made)
    for count, most in QUOTA.items():
        for made in [made for made in found if len(made["steps"]) == count][:most]:
            print(json.dumps(made, ensure_ascii=False, separators=(",", ":")))


def _turns(prompts: Path) -> Iterable[str]:
    for line in prompts.read_text(encoding="utf-8").splitlines():
        yield "\n".join(turn["content"] for turn in json.loads(line)["messages"])


def _rewritten(row: dict[str, str]) -> dict[str, Any] | None:
    """Return the question with its steps, or ``None`` if it cannot be used."""
    question = " ".join(row["question"].split())
    solution, _, answer = row["answer"].partition("\n#### ")
    answer, known, steps = answer.strip().replace(",", ""), stated(question) | constants(question), []
    for line in solution.splitlines():
        place = 0
        for found in _ANNOTATED.finditer(line):
            expression = _expression(found[1], question)
            label = _label(line[place : found.start()], line[found.end() :])
            result = result_of(expression)
            if result is None or not label or exact(_number(found[2])) != exact(result) or unfounded(expression, known):
                return None
            if not re.search(r"[-+*/]", expression):
                return None
            known.add(result)
            steps.append([label, expression])
            place = found.end()
    short = len(question.split()) <= WORDS and 1 <= len(steps) <= max(QUOTA)
    if not short or result_of(steps[-1][1]) != answer or len({label for label, _ in steps}) < len(steps):
        return None
    return {"question": question, "steps": steps, "answer": answer}


def _number(text: str) -> str:
    return re.sub(r"[$,%\s]", "", text)


def _expression(annotated: str, question: str) -> str:
    """Return an annotated expression with blanks; a percentage is written as it is in the question."""
    text = re.sub(r"[$,\s]", "", annotated).replace("x", "*").replace("\u00d7", "*")
    text = re.sub(r"(?<![\d.])\.(?=\d)", "0.", text)
    text = re.sub(r"(\d+(?:\.\d+)?)%", r"\1/100", text)
    for decimal in set(re.findall(r"0\.\d+", text)):
        percent = written(Fraction(decimal) * 100)
        if f"{percent}%" in question and decimal not in question:
            text = re.sub(rf"(?<![\d./]){re.escape(decimal)}(?![\d])", f"{percent}/100", text)
    text = re.sub(r"\d+\.\d+", lambda number: number[0] if number[0] in question else plain(number[0]), text)
    text = re.sub(r"(?<=[\d)])([-+*/])", r" \1 ", text)
    # The quantity comes first, then its share: "1 / 2 * 40" is "40 / 2", "20 / 100 * 50" is "50 * 20 / 100".
    text = re.sub(rf"^({_PLAIN}) / ({_PLAIN}) \* ({_PLAIN})$", r"\3 * \1 / \2", text)
    return re.sub(rf"^({_PLAIN}) \* 1 / ({_PLAIN})$", r"\1 / \2", text)


def _label(before: str, after: str) -> str:
    """Return two to five words of the sentence around a calculation, without numbers."""
    head = re.split(r"[.;:,]\s", before.strip())[-1]
    head = re.split(r"[\d$(=]|\bx\b", head)[0]
    for _ in range(2):
        head = _OPENING.sub("", head)
    tail = re.split(r"[.,;:(=]\s?|\bbecause\b|\bsince\b|\bx\b|[*/+]|<<", re.sub(r"^[$\s]*[\d.,]*\d%?", "", after))[0]
    words, more = _bare(_WORD.findall(head)), _WORD.findall(tail)
    if len(words) < 3 and more and more[0] not in words:
        words += more
    words = _bare(words[:5])
    label = " ".join(words)
    return label[:1].upper() + label[1:] if len(words) >= 2 else ""


def _bare(words: list[str]) -> list[str]:
    """Return words without those at the end that need another one after them."""
    while words and words[-1].casefold() in _LOOSE:
        words = words[:-1]
    return words


if __name__ == "__main__":
    main(Path(sys.argv[1]))
