"""Greedy answers to held-out prompts, and their scores."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from conch_dna.data.tokens import encode_answer
from conch_dna.data.tool_form import student_turns
from conch_dna.evaluation.fit import fits
from conch_dna.evaluation.scoring import Scores, needs_perplexity, score
from conch_dna.models.head import split
from conch_dna.records import Sampling
from conch_dna.registry.aliases import BASE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Scorer
    from conch_dna.records import Prompt
    from conch_dna.runtime.neurons import NeuronRuntime

FLOOR = 1e-12  # bits; keeps the perplexity of a text that the base predicts perfectly above 1


class Answerer(Protocol):
    """Answers prompts with a neuron of a runtime, as :func:`answer_greedily` does."""

    def __call__(
        self, runtime: NeuronRuntime, neuron: str, domain: Domain, prompts: Sequence[Prompt], *, held: bool = False
    ) -> list[str]:
        """Return an answer to each prompt."""


def greedy(domain: Domain) -> Sampling:
    """Return the sampling of greedy answers."""
    return Sampling(max_tokens=domain.settings.max_tokens)


def answer_greedily(
    runtime: NeuronRuntime,
    neuron: str,
    domain: Domain,
    prompts: Sequence[Prompt],
    *,
    held: bool = False,
    answered: Callable[[], None] = lambda: None,
) -> list[str]:
    """Return greedy answers to the prompts as a student sees them: with their tools, without the teacher's context.

    :param held: hold each answer to the grammar of its prompt's tools, as at run time: calls of them, or text.
    :param answered: called after each answer.
    """
    processors = [runtime.constraints(p.offered) for p in prompts] if held else ()
    form = runtime.tool_form(neuron)
    conversations = [student_turns(prompt, form) for prompt in prompts]
    return runtime.generate_many(conversations, neuron, greedy(domain), processors, answered)


def hold(
    free: Sequence[str],
    answer: Answerer,
    runtime: NeuronRuntime,
    neuron: str,
    domain: Domain,
    prompts: Sequence[Prompt],
) -> list[str]:
    """Return the answers held to the grammar of the tools; free greedy answers that keep to it are these already.

    :param free: the free greedy answers to the prompts.
    :param answer: answers the prompts whose free answers break the grammar.
    """
    again = [i for i, prompt in enumerate(prompts) if not runtime.allows(prompt.offered, free[i])]
    held = list(free)
    if again:
        answers = answer(runtime, neuron, domain, [prompts[i] for i in again], held=True)
        for i, text in zip(again, answers, strict=True):
            held[i] = text
    return held


def rate(
    runtime: NeuronRuntime,
    domain: Domain,
    prompts: Sequence[Prompt],
    answers: Sequence[str],
    scorers: Mapping[str, Scorer],
) -> list[Scores]:
    """Return the domain's scores of the answers, one for each prompt."""
    perplexities = _perplexities(runtime, domain, prompts, answers, scorers)
    return [
        score(prompt, answer, domain, scorers, perplexity)
        for prompt, answer, perplexity in zip(prompts, answers, perplexities, strict=True)
    ]


def _perplexities(
    runtime: NeuronRuntime,
    domain: Domain,
    prompts: Sequence[Prompt],
    answers: Sequence[str],
    scorers: Mapping[str, Scorer],
) -> list[float | None]:
    """Return each answer's perplexity under the base if a scorer may read it; ``None`` for empty answers."""
    if not needs_perplexity(domain, scorers):
        return [None] * len(answers)
    body, head = split(runtime.base_model.model)
    answered = [i for i, answer in enumerate(answers) if answer.strip()]
    # Without tools: a base that reads a list of tools first says nothing more about fluency, and takes longer.
    bare = [prompt.model_copy(update={"tools": (), "default_tools": ()}) for prompt in prompts]
    examples = [encode_answer(runtime.base_model.tokenizer, bare[i], answers[i]) for i in answered]
    found: list[float | None] = [None] * len(answers)
    with runtime.neuron(BASE):
        for i, fit in zip(answered, fits(body, head, examples), strict=True):
            found[i] = math.exp(min(80.0, max(FLOOR, fit.bits) * math.log(2) / fit.tokens))
    return found
