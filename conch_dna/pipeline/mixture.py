"""The examples of a run: written prompts with the teacher's answers, mixed with generated ones."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import structlog

from conch_dna.data.batches import of_like_length
from conch_dna.data.tool_form import read_calls
from conch_dna.domains.generation import generate
from conch_dna.records import Message
from conch_dna.util.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.data.tokens import Example
    from conch_dna.domains.domain import Domain
    from conch_dna.domains.generation import NamedGenerator
    from conch_dna.plugin.protocols import Draft, Plugins
    from conch_dna.records import Prompt, Tool

ROW = 5  # requests in one conversation of written prompts
ALL_TOOLS = 0.5  # share of examples that show every tool of a written prompt; the others show some of them
PASSES = 4  # over written and over rewritten examples, at most, where generated ones can stand for the rest
MOST = 20_000  # examples; further steps go over them again
log = structlog.get_logger()


class Answered(NamedTuple):
    """A prompt as the student sees it, with the answer to train on."""

    prompt: Prompt
    text: str


@dataclass(frozen=True)
class Mix:
    """Answered prompts and a generator, of which the examples of any number of steps are made.

    :param host: blames the plug-in of a generator that fails.
    :param encode: returns the tokens of a prompt and its answer.
    :param avoid: texts that no generated or rewritten prompt may have: those of the domain's prompts and of the gate's.
    """

    host: Plugins
    written: Sequence[Answered]
    generator: NamedGenerator | None
    domain: Domain
    encode: Callable[[Prompt, str], Example]
    avoid: Sequence[str]
    config: DistillConfig

    def examples(self, steps: int) -> list[Example]:
        """Return the examples of so many steps in their order, at most :data:`MOST`."""
        config = self.config
        total = min(MOST, steps * config.batch_size * config.accumulation)
        draw = random.Random(f"mixture:{config.seed}")  # noqa: S311 - not for secrets
        rewritten = self._rewritten(total)
        written = self._written(total, draw)
        drafts = self._drafts(total - len(written) - len(rewritten))
        mixed = [*(Answered(draft.prompt, draft.answer) for draft in drafts), *rewritten, *written]
        draw.shuffle(mixed)
        log.info(
            "examples_mixed", domain=self.domain.name, written=len(written), generated=len(drafts),
            rewritten=len(rewritten),
        )  # fmt: skip
        encoded = [self.encode(prompt, text) for prompt, text in mixed]
        found = [example for example in encoded if len(example.ids) <= config.max_length]
        log_left_out("with their tools and answer", len(encoded) - len(found), config)
        places = of_like_length([len(example.ids) for example in found], config.batch_size, config.seed)
        return [found[place] for place in places]

    def _written(self, total: int, draw: random.Random) -> list[Answered]:
        """Return the rows of written examples among ``total``, none taken more than :data:`PASSES` times.

        Generated examples, of which none repeats, stand for the rest; without a generator there is no bound.
        """
        settings = self.domain.settings.generate
        if settings is None:
            return written_rows(self.written, total, None, draw)
        count = total - round(total * settings.share) - round(total * settings.rewritten)
        return written_rows(self.written, count, PASSES * len(self.written), draw)

    def _rewritten(self, total: int) -> list[Answered]:
        """Return the rewritten examples among ``total``, none more than :data:`PASSES` times."""
        settings = self.domain.settings.generate
        if settings is None or not settings.rewritten:
            return []
        avoided = {plain(text) for text in self.avoid}
        known = [
            Answered(one.prompt, one.answer)
            for one in self.domain.rewritten
            if plain(one.prompt.messages[-1].content) not in avoided
        ]
        draw = random.Random(f"rewritten:{self.config.seed}")  # noqa: S311 - not for secrets
        passes = [one for _ in range(PASSES) for one in draw.sample(known, len(known))]
        return passes[: round(total * settings.rewritten)]

    def _drafts(self, count: int) -> list[Draft]:
        """Return generated examples."""
        if self.generator is None or not count:
            return []
        with self.host.blaming("generators", self.generator.name):
            return generate(self.domain, self.generator, count, seed=self.config.seed, avoid=self.avoid).drafts


def log_left_out(what: str, count: int, config: DistillConfig) -> None:
    """Log how many examples are longer than ``max_length``, if any is."""
    if count:
        reason = f"{what} longer than max_length {config.max_length}"
        log.warning("examples_left_out", reason=reason, count=count)


def written_rows(written: Sequence[Answered], count: int, most: int | None, draw: random.Random) -> list[Answered]:
    """Return up to ``count`` rows of written examples, which repeat if there are fewer.

    Those that offer the domain's tools are joined to conversations of up to :data:`ROW` requests, so that several
    answers are trained for one list of tools. Each time the tools are others: the ones that the answers call, among
    some of the rest, in another order, so that the order says nothing.

    :param written: not empty, unless ``count`` is 0.
    :param most: the most examples in all rows; ``None`` for no bound.
    """
    rows: list[Answered] = []
    order: list[Answered] = []
    left = count * ROW if most is None else most
    while len(rows) < count and left:
        while len(order) < ROW:
            order = [*draw.sample(list(written), len(written)), *order]
        some = [order.pop()]
        for _ in range(min(draw.randint(1, ROW), left) - 1):
            if _joins(some[0].prompt) and _joins(order[-1].prompt):
                some.append(order.pop())
        left -= len(some)
        rows.append(varied(_joined(some), [text for _, text in some], draw))
    return rows


def _joins(prompt: Prompt) -> bool:
    """Return whether a prompt is a single request with the domain's tools."""
    return len(prompt.messages) == 1 and bool(prompt.default_tools) and not prompt.tools


def _joined(some: Sequence[Answered]) -> Answered:
    """Return one conversation of several requests, each but the last with its answer."""
    *earlier, (prompt, text) = some
    turns = [turn for one, said in earlier for turn in (*one.messages, Message(role="assistant", content=said))]
    return Answered(prompt.model_copy(update={"messages": (*turns, *prompt.messages)}), text)


def varied(example: Answered, answers: Sequence[str], draw: random.Random) -> Answered:
    """Return an example with its tools in another order, and perhaps without some that no answer in it calls."""
    tools = list(example.prompt.offered)
    if not tools:
        return example
    called = {call.name for answer in answers for call in read_calls(answer) or ()}
    needed: list[Tool] = [tool for tool in tools if tool.name in called]
    if needed and draw.random() >= ALL_TOOLS:
        others = [tool for tool in tools if tool.name not in called]
        tools = needed + draw.sample(others, draw.randint(min(1, len(others)), len(others)))
    draw.shuffle(tools)
    return Answered(example.prompt.model_copy(update={"tools": tuple(tools)}), example.text)
