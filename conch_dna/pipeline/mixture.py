"""The examples of a run: written prompts with the teacher's answers, mixed with generated ones."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.data.tool_form import read_calls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.plugin.protocols import Draft
    from conch_dna.records import Prompt, Tool

ALL_TOOLS = 0.5  # share of examples that show every tool of a written prompt; the others show some of them


class Answered(NamedTuple):
    """A prompt as the student sees it, with the answer to train on."""

    prompt: Prompt
    text: str


def shares(total: int, share: float) -> tuple[int, int]:
    """Return the numbers of written and generated examples among ``total``."""
    generated = round(total * share)
    return total - generated, generated


def mixture(written: Sequence[Answered], drafts: Sequence[Draft], count: int, seed: int) -> list[Answered]:
    """Return ``count`` written examples and all drafts, in a random order.

    Written examples repeat if there are fewer, each time with other tools: the ones that the answer calls among others
    in another order, so that the order says nothing.

    :param written: not empty, unless ``count`` is 0.
    """
    draw = random.Random(f"mixture:{seed}")  # noqa: S311 - not for secrets
    found = [Answered(draft.prompt, draft.answer) for draft in drafts]
    order: list[Answered] = []
    for _ in range(count):
        if not order:
            order = draw.sample(list(written), len(written))
        prompt, text = order.pop()
        found.append(Answered(varied(prompt, text, draw), text))
    draw.shuffle(found)
    return found


def varied(prompt: Prompt, answer: str, draw: random.Random) -> Prompt:
    """Return a prompt with its tools in another order, and perhaps without some that the answer does not call."""
    tools = list(prompt.offered)
    if not tools:
        return prompt
    called = {call.name for call in read_calls(answer) or ()}
    needed: list[Tool] = [tool for tool in tools if tool.name in called]
    if needed and draw.random() >= ALL_TOOLS:
        others = [tool for tool in tools if tool.name not in called]
        tools = needed + draw.sample(others, draw.randint(min(1, len(others)), len(others)))
    draw.shuffle(tools)
    return prompt.model_copy(update={"tools": tuple(tools)})
