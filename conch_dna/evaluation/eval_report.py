"""The report of an evaluation: right answers by model and set, and the answers that are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from conch_dna.data.tool_form import signature
from conch_dna.records import Record, Share
from conch_dna.util.intervals import paired_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.domains.figures import Figures
    from conch_dna.records import Prompt


class Difference(Record):
    """The difference of two shares of right answers to the same prompts, with its 95 % interval (Bonett and Price)."""

    against: str = Field(description="the other model")
    right: float = Field(description="share of right answers of the other model")
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, against: str, before: Sequence[Figures | None], after: Sequence[Figures | None]) -> Difference | None:
        """Return the difference between two models' answers to the same prompts; ``None`` if no pair is verified."""
        both = zip(before, after, strict=True)
        pairs = [(b["right"], a["right"]) for b, a in both if b is not None and a is not None]
        if not pairs:
            return None
        gained, lost, count = sum(a > b for b, a in pairs), sum(a < b for b, a in pairs), len(pairs)
        low, high = paired_difference(gained, lost, count)
        right, value = sum(b for b, _ in pairs) / count, (gained - lost) / count
        return cls(against=against, right=right, value=value, low=low, high=high)


class EvalRow(Record):
    """The figures of one model on one set."""

    neuron: str
    domain: str
    set: str
    held: bool = Field(description="whether the answers are held to the grammar of the prompts' tools")
    right: Share
    difference: Difference | None = None
    tokens: int | None = Field(None, description="tokens of the answers that were decoded; none of kept answers")
    seconds: float = Field(description="of decoding")

    @property
    def tokens_per_second(self) -> float | None:
        """The speed of decoding; ``None`` if every answer was kept from an earlier time."""
        return self.tokens / self.seconds if self.tokens and self.seconds > 0 else None


class WrongAnswer(Record):
    """One wrong answer, for people to read."""

    neuron: str
    domain: str
    set: str
    held: bool
    prompt: list[dict[str, Any]]
    tools: list[str] = Field(default_factory=list, description="signatures of the tools that the answer may call")
    reference: dict[str, Any]
    answer: str
    figures: dict[str, float]
    against: str | None = Field(None, description="the answer of the model that it is compared with")

    @classmethod
    def of(cls, row: EvalRow, prompt: Prompt, answer: str, figures: Figures, against: str | None) -> WrongAnswer:
        """Return the answer to a prompt in the set of a row."""
        return cls(
            neuron=row.neuron, domain=row.domain, set=row.set, held=row.held, prompt=prompt.turns,
            tools=[signature(tool) for tool in prompt.offered],
            reference=prompt.reference.model_dump(mode="json", exclude_defaults=True),
            answer=answer, figures=dict(figures), against=against,
        )  # fmt: skip


class EvalReport(Record):
    """Everything that an evaluation found."""

    on: str
    rows: tuple[EvalRow, ...]
    wrong: tuple[WrongAnswer, ...]
    left_out: tuple[str, ...] = Field((), description="what was not evaluated, and why")
    seconds: float
