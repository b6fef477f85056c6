"""Cost estimates of API teachers before any request: calls, tokens and USD, low and high."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field, field_serializer

from conch_dna.domains.recordings import FOLDER, find_recording
from conch_dna.records import Prompt, Record, Sampling
from conch_dna.teachers.api.judging import VERDICT_TOKENS
from conch_dna.teachers.api.money import exact, usd
from conch_dna.teachers.api.prices import FREE, Price, Usage
from conch_dna.teachers.references import parts_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Teacher
    from conch_dna.teachers.answer_cache import CompletionCache

FREE_HERE = "free: endpoint on this machine"
BYTES_A_TOKEN = 4  # roughly, of English text; for the low end only, the high end is an upper bound
CACHEABLE = 1024  # tokens: no provider's prompt cache accepts a shorter prefix


class Terms(NamedTuple):
    """The properties of an API teacher's calls that need no request: its attribute ``terms``.

    :param model: ``PROVIDER:MODEL``, as in the ledger.
    :param bound: an upper bound of the input tokens of a call for a prompt, context included.
    :param compared: the same for a call that compares two answers to a prompt, both with the given text.
    :param batch: its calls use the provider's batch endpoint.
    :param prompt_caching: it marks the domain's context for the provider's prompt cache.
    """

    model: str
    price: Price
    bound: Callable[[Prompt], int]
    compared: Callable[[Prompt, str], int]
    batch: bool = False
    prompt_caching: bool = False


class Estimate(Record):
    """The estimated cost of one domain and model; tokens are totals, amounts are in nano-USD."""

    domain: str
    model: str
    asked: Literal["answers", "verdicts"] = "answers"
    prompts: int
    cached: int = Field(description="prompts already answered: they cost nothing")
    calls: int
    input_low: int
    input_high: int
    output_low: int
    output_high: int
    low: int
    high: int = Field(description="no run can cost more, unless lost answers are requested again")
    batch: bool
    prompt_caching: bool
    free: bool = Field(description="the endpoint is on this machine, and no price of the model is known")

    @field_serializer("low", "high", when_used="json")
    def _decimal(self, amount: int) -> str:
        """Serialise amounts as decimal USD."""
        return exact(amount)

    @property
    def options(self) -> list[str]:
        """The enabled options that lower the price, in words."""
        named = {"batch": self.batch, "prompt caching": self.prompt_caching}
        return [name for name, chosen in named.items() if chosen]


def estimates(
    teacher: Teacher, domain: Domain, prompts: Sequence[Prompt], cache: CompletionCache, choices: int = 0
) -> list[Estimate]:
    """Return the estimated cost of answers to ``prompts``, one per API teacher; nothing is sent.

    :param choices: top choices of each token, requested from a teacher that returns them; part of the cache key.
    """
    found = []
    for part, places in parts_for(teacher, prompts):
        terms: Terms | None = getattr(part, "terms", None)
        if terms is None:
            continue
        own = [prompts[i] for i in places]
        top = choices if "soft" in part.capabilities else 0
        sampling = Sampling(max_tokens=domain.settings.max_tokens, top_log_probs=top)
        missing = [p for p in own if cache.get(cache.key(part, domain, p, sampling)) is None]
        found.append(_estimate(terms, domain, len(own), missing))
    return found


def verdict_estimates(teacher: Teacher, domain: Domain, prompts: Sequence[Prompt], comparisons: int) -> list[Estimate]:
    """Return the estimated cost of the verdicts of the recipe ``preference``, one per API teacher; nothing is sent.

    Both ends count every candidate of the ``prompts``, in both orders; in a run, truncated and equal ones are not
    compared. The student's answers are not known: the high end takes ``max_tokens`` tokens of :data:`BYTES_A_TOKEN`
    bytes.

    :param comparisons: pairs of answers per prompt, each compared in both orders.
    """
    calls = 2 * comparisons
    found = []
    for part, places in parts_for(teacher, prompts):
        terms: Terms | None = getattr(part, "terms", None)
        if terms is not None:
            found.append(_verdicts(terms, domain, [prompts[i] for i in places], calls))
    return found


def _verdicts(terms: Terms, domain: Domain, prompts: Sequence[Prompt], calls: int) -> Estimate:
    """Return the estimated cost of ``calls`` comparisons per prompt."""
    usual, longest = ("x" * BYTES_A_TOKEN * tokens for tokens in (_usual(domain), domain.settings.max_tokens))
    inputs = [math.ceil(terms.compared(p, usual) / BYTES_A_TOKEN) for p in prompts]
    bounds = [terms.compared(p, longest) for p in prompts]
    return Estimate(
        domain=domain.name, model=terms.model, asked="verdicts", prompts=len(prompts), cached=0,
        calls=calls * len(prompts), input_low=calls * sum(inputs), input_high=calls * sum(bounds),
        output_low=calls * len(prompts), output_high=calls * len(prompts) * VERDICT_TOKENS,
        low=calls * sum(terms.price.cost(Usage(input=tokens, output=1), batch=terms.batch) for tokens in inputs),
        high=calls * sum(terms.price.worst(bound, VERDICT_TOKENS, batch=terms.batch) for bound in bounds),
        batch=terms.batch, prompt_caching=False, free=terms.price is FREE,
    )  # fmt: skip


def _usual(domain: Domain) -> int:
    """Return the expected tokens of an answer: the mean of the recorded ones, or half of the maximum."""
    most = domain.settings.max_tokens
    return min(most, recorded_length(domain) or math.ceil(most / 2))


def _estimate(terms: Terms, domain: Domain, prompts: int, missing: Sequence[Prompt]) -> Estimate:
    """Return the estimated cost of answers to ``missing``, of ``prompts`` in total."""
    most = domain.settings.max_tokens
    bounds = [terms.bound(p) for p in missing]
    inputs = [min(bound, _tokens(_written(domain, p))) for bound, p in zip(bounds, missing, strict=True)]
    answer = _usual(domain)
    context = _tokens("\n".join(m.text for m in domain.context))
    shared = context if terms.prompt_caching and context >= CACHEABLE else 0
    usages = [_usage(tokens, shared, answer, first=number == 0) for number, tokens in enumerate(inputs)]
    return Estimate(
        domain=domain.name, model=terms.model, prompts=prompts, cached=prompts - len(missing), calls=len(missing),
        input_low=sum(inputs), input_high=sum(bounds),
        output_low=answer * len(missing), output_high=most * len(missing),
        low=sum(terms.price.cost(usage, batch=terms.batch) for usage in usages),
        high=sum(terms.price.worst(bound, most, batch=terms.batch) for bound in bounds),
        batch=terms.batch, prompt_caching=terms.prompt_caching, free=terms.price is FREE,
    )  # fmt: skip


def _usage(tokens: int, shared: int, answer: int, *, first: bool) -> Usage:
    """Return the tokens of one call; the shared prefix is written to the prompt cache once, then read from it."""
    kept = min(shared, tokens)
    where = {"cache_write" if first else "cached_input": kept}
    return Usage(input=tokens - kept, output=answer, **where)


def _written(domain: Domain, prompt: Prompt) -> str:
    """Return the teacher's input as one text."""
    return "\n".join(turn["content"] for turn in domain.with_context(prompt))


def _tokens(text: str) -> int:
    return math.ceil(len(text.encode()) / BYTES_A_TOKEN)


def recorded_length(domain: Domain) -> int | None:
    """Return the approximate mean length of the domain's recorded answers in tokens; ``None`` if there are none."""
    files = sorted((domain.folder / FOLDER).glob("*.jsonl")) if domain.folder else []
    lengths = [_tokens(answer.text) for file in files for answer in find_recording(domain, file.stem).answers.values()]
    return math.ceil(sum(lengths) / len(lengths)) if lengths else None


def in_one_line(found: Iterable[Estimate]) -> str:
    """Return estimates as one line of text."""
    return "; ".join(
        f"{one.model}: {one.calls} calls, {one.cached} cached, {_amounts(one)}"
        if one.asked == "answers"
        else f"{one.model}, verdicts: {one.calls} calls at most, {_amounts(one)}"
        for one in found
    )


def _amounts(one: Estimate) -> str:
    return FREE_HERE if one.free else f"{usd(one.low)} to {usd(one.high)}"
