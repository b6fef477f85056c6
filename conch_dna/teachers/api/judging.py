"""How a teacher is asked which of two answers is better, and how its verdict is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conch_dna.domains.domain import Domain
from conch_dna.records import Message, Prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

VERDICT_TOKENS = 16  # most in a verdict: a letter, and what some models write around it
SYSTEM = """You compare two answers, A and B, to the last turn of a conversation. The better answer does what was \
asked, is right, and follows the instructions that its author was given. Length and politeness count for nothing. \
Reply with one letter: A or B; or T if neither is better. Write nothing else."""
_LETTER = re.compile(r"\b([ABT])\b")


def judging_domain(domain: Domain) -> Domain:
    """Return the domain of the same name whose context says nothing: what the judge must know is in each question."""
    bare = {"system_prompt": "", "examples": (), "tools": ()}
    return Domain(domain.settings.model_copy(update=bare), domain.prompts_file)


def comparison(context: Sequence[Message], prompt: Prompt, first: str, second: str) -> Prompt:
    """Return what the judge is asked.

    :param context: what the author of a good answer was told: the domain's instructions and examples.
    """
    told = "\n\n".join(f"[{m.role}]\n{m.text}" for m in context)
    asked = "\n\n".join(f"[{m.role}]\n{m.text}" for m in prompt.messages)
    parts = (("instructions", told), ("conversation", asked), ("answer A", first), ("answer B", second))
    text = "\n\n".join(f"<{name}>\n{part}\n</{name}>" for name, part in parts if part)
    return Prompt(messages=(Message(role="system", content=SYSTEM), Message(role="user", content=text)))


def verdict_in(text: str) -> int | None:
    """Return 0 for A, 1 for B, and ``None`` for a tie or where no single verdict can be read."""
    letters = set(_LETTER.findall(text))
    return {"A": 0, "B": 1}.get(letters.pop()) if len(letters) == 1 else None


def agreed(one: int | None, swapped: int | None) -> int | None:
    """Return the verdict of two questions about one pair, the second with the answers swapped: they must agree."""
    return one if one is not None and swapped is not None and one != swapped else None
