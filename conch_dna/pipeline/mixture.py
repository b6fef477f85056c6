"""The examples of a run: written prompts with the teacher's answers, mixed with generated ones."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import structlog

from conch_dna.data.batches import of_like_length
from conch_dna.data.tool_form import read_calls
from conch_dna.domains.generation import generate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.data.tokens import Example
    from conch_dna.domains.domain import Domain
    from conch_dna.domains.generation import NamedGenerator
    from conch_dna.plugin.protocols import Draft
    from conch_dna.records import Prompt, Tool

ALL_TOOLS = 0.5  # share of examples that show every tool of a written prompt; the others show some of them
MOST = 20_000  # examples; further steps go over them again
log = structlog.get_logger()


class Answered(NamedTuple):
    """A prompt as the student sees it, with the answer to train on."""

    prompt: Prompt
    text: str


@dataclass(frozen=True)
class Mix:
    """Answered prompts and a generator, of which the examples of any number of steps are made.

    :param encode: returns the tokens of a prompt and its answer.
    :param avoid: texts of prompts that no generated one may have: those of the domain, and those of the gate.
    """

    written: Sequence[Answered]
    generator: NamedGenerator | None
    domain: Domain
    encode: Callable[[Prompt, str], Example]
    avoid: Sequence[str]
    config: DistillConfig

    def examples(self, steps: int) -> list[Example]:
        """Return the examples of so many steps in their order, at most :data:`MOST`."""
        config, settings = self.config, self.domain.settings
        share = settings.generate.share if settings.generate else 0.0
        count, generated = shares(min(MOST, steps * config.batch_size * config.accumulation), share)
        drafts = self._drafts(generated)
        mixed = mixture(self.written, drafts, count, config.seed)
        log.info("examples_mixed", domain=self.domain.name, written=count, generated=len(drafts))
        encoded = [self.encode(prompt, text) for prompt, text in mixed]
        found = [example for example in encoded if len(example.ids) <= config.max_length]
        log_left_out("with their tools and answer", len(encoded) - len(found), config)
        places = of_like_length([len(example.ids) for example in found], config.batch_size, config.seed)
        return [found[place] for place in places]

    def _drafts(self, count: int) -> list[Draft]:
        """Return generated examples."""
        if self.generator is None or not count:
            return []
        return generate(self.domain, self.generator, count, seed=self.config.seed, avoid=self.avoid).drafts


def log_left_out(what: str, count: int, config: DistillConfig) -> None:
    """Log how many examples are longer than ``max_length``, if any is."""
    if count:
        reason = f"{what} longer than max_length {config.max_length}"
        log.warning("examples_left_out", reason=reason, count=count)


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
