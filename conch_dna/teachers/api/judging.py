"""The prompt that asks a teacher which of two answers is better, and the parser of its verdict."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conch_dna.domains.domain import Domain
from conch_dna.records import Message, Prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

VERDICT_TOKENS = 16  # limit of a verdict: a letter, and what some models write around it
SYSTEM = """You compare two answers, A and B, to the last turn of a conversation. The better answer does what was \
asked, is right, and follows the instructions that its author was given. Length and politeness count for nothing. \
Reply with one letter: A or B; or T if neither is better. Write nothing else."""
_LETTER = re.compile(r"\b([ABT])\b")


def judging_domain(domain: Domain) -> Domain:
    """Return the domain with an empty context: each question contains everything that the judge needs."""
    bare = {"system_prompt": "", "examples": (), "tools": ()}
    return Domain(domain.settings.model_copy(update=bare), domain.prompts_file)


def comparison(context: Sequence[Message], prompt: Prompt, first: str, second: str) -> Prompt:
    """Return the question to the judge.

    :param context: the domain's instructions and examples, which the author of a good answer had.
    """
    instructions = "\n\n".join(f"[{m.role}]\n{m.text}" for m in context)
    asked = "\n\n".join(f"[{m.role}]\n{m.text}" for m in prompt.messages)
    parts = (("instructions", instructions), ("conversation", asked), ("answer A", first), ("answer B", second))
    text = "\n\n".join(f"<{name}>\n{part}\n</{name}>" for name, part in parts if part)
    return Prompt(messages=(Message(role="system", content=SYSTEM), Message(role="user", content=text)))


def verdict_in(text: str) -> int | None:
    """Return 0 for A, 1 for B, and ``None`` for a tie or a text without a single verdict."""
    letters = set(_LETTER.findall(text))
    return {"A": 0, "B": 1}.get(letters.pop()) if len(letters) == 1 else None


def agreed(one: int | None, swapped: int | None) -> int | None:
    """Return the common verdict of two questions on one pair, the second with the answers swapped, or ``None``."""
    return one if one is not None and swapped is not None and one != swapped else None
