"""Right answers to validation prompts, by the model in training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from conch_dna.data.alora import invocation_tokens_of
from conch_dna.data.tokens import prompt_ids
from conch_dna.data.tool_form import student_turns
from conch_dna.domains.generation import verifier_of
from conch_dna.evaluation.right import checkable, verified
from conch_dna.runtime.computed import SpanProcessors
from conch_dna.runtime.generate import Alora
from conch_dna.runtime.grammar import Grammars
from conch_dna.train.lora import switched_off
from conch_dna.train.rollouts import roll_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.config import RecipeSettings
    from conch_dna.domains.domain import Domain
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.protocols import Verifier
    from conch_dna.records import Prompt
    from conch_dna.train.recipes.base import RecipeContext

MOST = 16  # prompts: they are answered at every checkpoint, while training waits


@dataclass(frozen=True)
class RightAnswers:
    """The share of right greedy answers, decoded as at run time: held to the grammar of their tools, spans computed.

    :param student: the base with the adapter attached.
    :param alora: the invocation tokens of an activated adapter.
    """

    student: LoadedModel
    domain: Domain
    prompts: Sequence[Prompt]
    verifier: Verifier
    grammars: Grammars
    spans: SpanProcessors
    alora: Alora | None = None

    def __call__(self) -> float:
        """Return the share of right answers with the present weights."""
        tokenizer, settings = self.student.tokenizer, self.domain.settings
        answers = roll_out(
            self.student.model, tokenizer, [prompt_ids(tokenizer, student_turns(prompt)) for prompt in self.prompts],
            [0] * len(self.prompts), max_tokens=settings.max_tokens, temperature=0.0, alora=self.alora,
            processors=[
                [*self.grammars.constraints(prompt.offered), *self.spans.named(settings.processors, self.domain.name)]
                for prompt in self.prompts
            ],
        )  # fmt: skip
        texts = [answer.text(tokenizer) for answer in answers]
        figures = verified(self.verifier, self.domain, self.prompts, texts)
        return sum(one["right"] for one in figures if one is not None) / len(figures)


def right_answers(context: RecipeContext[RecipeSettings]) -> RightAnswers | None:
    """Return the measure for a recipe that validates; ``None`` if no validation prompt has a verified answer."""
    domain, held = context.domain, context.training_set.validation
    verifier = verifier_of(context.host.catalog, domain)
    if not context.config.validates or verifier is None or held is None:
        return None
    prompts = checkable(verifier, domain, held.prompts)[:MOST]
    if not prompts:
        return None
    base, alora = context.base, None
    if context.config.activated:
        alora = Alora(invocation_tokens_of(base.tokenizer), partial(switched_off, base.model))
    spans = SpanProcessors(base.tokenizer, context.host.catalog.all("processors"))
    return RightAnswers(base, domain, prompts, verifier, Grammars(base), spans, alora)
