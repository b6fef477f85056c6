"""The gate: measure base, candidate and incumbent on held-out prompts, and have a plug-in judge the figures."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from conch_dna.data.splits import assert_disjoint
from conch_dna.data.tokens import Example, render
from conch_dna.errors import DataError
from conch_dna.evaluation.answers import answer_greedily, hold, rate
from conch_dna.evaluation.fit import fits
from conch_dna.evaluation.right import GENERATED, NATURAL, Answered, judged, verified
from conch_dna.evaluation.scoring import distinct
from conch_dna.models.head import split
from conch_dna.plugin.protocols import GateInput
from conch_dna.records import HELD, HeldOut, Verdict
from conch_dna.registry.aliases import BASE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.evaluation.answers import Answerer
    from conch_dna.evaluation.fit import Fit
    from conch_dna.plugin.protocols import Gate, Scorer, Targets, Verifier
    from conch_dna.records import Prompt
    from conch_dna.runtime.neurons import NeuronRuntime
    from conch_dna.util.progress import Progress

    BaseFits = dict[tuple[Example, ...], list[Fit]]


@dataclass(frozen=True)
class HeldOutSet:
    """The held-out data of one domain.

    :param prompts: held-out prompts; with a teacher, those that it answered.
    :param examples: the prompts with the teacher's answers, tokenised; empty without a teacher.
    :param targets: soft targets of those answers, or ``None``.
    :param others: the held-out prompts of other domains, as texts to predict, one group for each domain.
    :param trained: digests of the training prompts, to check that none is held out.
    :param generated: prompts of the domain's generator; only right answers to them count.
    :param held: whether the answers held to the grammar of the prompts' tools are verified beside the free ones.
    """

    prompts: Sequence[Prompt]
    examples: Sequence[Example]
    targets: Sequence[Targets] | None
    others: Sequence[tuple[Example, ...]]
    trained: Sequence[str]
    generated: Sequence[Prompt] = ()
    held: bool = False


@dataclass(frozen=True)
class Measured:
    """Figures of one model for each prompt, their summary, and the model's answers.

    :param answers: free answers to the domain's own prompts.
    :param verified: the answers that a verifier read, by kind of prompt; empty without a verifier.
    """

    bits: list[float]
    quality: list[float]
    others: list[float]
    divergence: list[float]
    figures: HeldOut
    answers: list[str]
    verified: dict[str, Answered]


@dataclass(frozen=True)
class Instruments:
    """The instruments that measure the models, beside their fits.

    :param scorers: by name; only those of the domain are called.
    :param verifier: decides whether an answer is right; ``None``: nothing does.
    :param answer: answers the held-out prompts.
    """

    scorers: Mapping[str, Scorer]
    verifier: Verifier | None = None
    answer: Answerer = answer_greedily


def prompt_text(tokenizer: Any, prompt: Prompt) -> Example:
    """Return a prompt's last turn as a text to predict within its conversation, for the do-no-harm measure.

    Only the tokens of the turn's own text count, because those of the chat template do not measure language modelling.

    :raises DataError: the template refuses the conversation, or changes the turn's text.
    """
    text = prompt.messages[-1].content.strip()
    rendered = render(tokenizer, prompt.turns, open_turn=True)
    start = rendered.rfind(text)
    if start < 0:
        raise DataError("the chat template changes the text of this turn", got=text[:60])
    before = tokenizer.encode(rendered[:start], add_special_tokens=False)
    words = tokenizer.encode(text, add_special_tokens=False)
    trained = (*[False] * len(before), *[True] * len(words))
    return Example((*before, *words), trained, len(before), len(text.encode()))


def judge(
    runtime: NeuronRuntime,
    neurons: Mapping[str, str],
    domain: Domain,
    held_out: HeldOutSet,
    config: DistillConfig,
    gate: Gate,
    instruments: Instruments,
    progress: Progress,
    base_fits: BaseFits,
) -> tuple[Verdict, dict[str, Measured]]:
    """Measure the neurons and return the gate's verdict with the figures of each.

    :param neurons: names in the runtime of ``base``, ``candidate`` and, optionally, ``incumbent``.
    :param base_fits: a cache of the base's fits by group of texts; new fits are added.
    :raises DataError: a held-out prompt was trained on.
    :raises PluginError: a scorer or the verifier fails.
    """
    assert_disjoint(held_out.trained, [p.digest for p in (*held_out.prompts, *held_out.generated)])
    asked = sum(len(prompts) for prompts, _ in _kinds(held_out, instruments).values())
    progress.stage(domain.name, "gate", len(neurons) * (len(held_out.examples) + asked))
    measured = {
        role: _measure(runtime, neuron, domain, held_out, instruments, progress, base_fits)
        for role, neuron in neurons.items()
    }
    given = GateInput(
        domain=domain,
        bits={role: m.bits for role, m in measured.items()} if held_out.examples else {},
        quality={role: m.quality for role, m in measured.items()},
        others={role: m.others for role, m in measured.items()},
        figures={role: m.figures for role, m in measured.items()},
        bounds=config.model_dump(include={"min_fit_gain", "max_quality_drop", "max_harm"}, exclude_none=True),
        seed=config.seed,
        divergence={role: m.divergence for role, m in measured.items()} if held_out.targets is not None else {},
        diversity={role: distinct(m.answers) for role, m in measured.items()},
        right=judged({role: m.verified for role, m in measured.items()}, domain),
    )
    checks = tuple(gate(given))
    verdict = Verdict(
        domain=domain.name,
        passed=bool(checks) and all(check.passed for check in checks),
        checks=checks,
        base=measured["base"].figures,
        candidate=measured["candidate"].figures,
        incumbent=measured["incumbent"].figures if "incumbent" in measured else None,
        prompts=len(held_out.prompts),
    )
    return verdict, measured


def _kinds(held_out: HeldOutSet, instruments: Instruments) -> dict[str, tuple[Sequence[Prompt], bool]]:
    """Return the prompts to answer by kind, and whether their answers are held to a grammar; natural ones first."""
    found = {NATURAL: (held_out.prompts, False)}
    if instruments.verifier is None:
        return found
    if held_out.generated:
        found[GENERATED] = (held_out.generated, False)
    return found | ({kind + HELD: (prompts, True) for kind, (prompts, _) in found.items()} if held_out.held else {})


def _measure(
    runtime: NeuronRuntime,
    neuron: str,
    domain: Domain,
    held_out: HeldOutSet,
    instruments: Instruments,
    progress: Progress,
    base_fits: BaseFits,
) -> Measured:
    """Return all figures of one model."""
    body, head = split(runtime.base_model.model)
    with runtime.neuron(neuron):
        found = fits(body, head, held_out.examples, held_out.targets, runtime.over)
        shares_context = runtime.alora is not None
    progress.advance(len(found))
    # The texts of other domains are prompts, before any invocation tokens: there, an activated adapter does nothing.
    of_others = BASE if shares_context else neuron
    with runtime.neuron(of_others):
        known = base_fits if of_others == BASE else {}
        for group in held_out.others:  # one by one, so that the figures are bit-identical in every domain
            if group not in known:
                known[group] = fits(body, head, group)
    other_fits = [fit for group in held_out.others for fit in known[group]]
    texts = _texts(runtime, neuron, domain, held_out, instruments, progress)
    answered = _answered(domain, held_out, instruments, texts)
    scores = rate(runtime, domain, held_out.prompts, texts[NATURAL], instruments.scorers)
    tokens = sum(f.tokens for f in found)
    total_bytes = sum(e.answer_bytes for e in held_out.examples)
    other_bytes = sum(e.answer_bytes for group in held_out.others for e in group)
    soft = held_out.targets is not None
    figures = HeldOut(
        bits_per_byte=sum(f.bits for f in found) / total_bytes if found else None,
        quality=sum(s.total for s in scores) / len(scores),
        scores={name: sum(s.parts[name] for s in scores) / len(scores) for name in scores[0].parts},
        others_bits_per_byte=sum(f.bits for f in other_fits) / other_bytes if other_fits else None,
        divergence=sum(f.divergence for f in found) / tokens if soft else None,
        agreement=sum(f.agreements for f in found) / tokens if soft else None,
        right={kind: share for kind, one in answered.items() if (share := one.share)},
    )
    return Measured(
        [f.bits for f in found],
        [s.total for s in scores],
        [f.bits for f in other_fits],
        [f.divergence for f in found],
        figures,
        texts[NATURAL],
        answered,
    )


def _texts(
    runtime: NeuronRuntime,
    neuron: str,
    domain: Domain,
    held_out: HeldOutSet,
    instruments: Instruments,
    progress: Progress,
) -> dict[str, list[str]]:
    """Return one model's answers by kind of prompt."""
    found: dict[str, list[str]] = {}
    kinds = _kinds(held_out, instruments)
    free = {kind: prompts for kind, (prompts, held) in kinds.items() if not held}
    # One larger batch is faster, unless the prompts of a kind share a long start: their tools.
    for some in [[kind] for kind in free] if held_out.held else [list(free)]:
        asked = [prompt for kind in some for prompt in free[kind]]
        answers = iter(instruments.answer(runtime, neuron, domain, asked))
        found |= {kind: list(islice(answers, len(free[kind]))) for kind in some}
        progress.advance(len(asked))
    for kind in [kind for kind in kinds if kind not in free]:
        prompts, _ = kinds[kind]
        free_texts = found[kind.removesuffix(HELD)]
        found[kind] = hold(free_texts, instruments.answer, runtime, neuron, domain, prompts)
        progress.advance(len(prompts))
    return {kind: found[kind] for kind in kinds}


def _answered(
    domain: Domain, held_out: HeldOutSet, instruments: Instruments, texts: Mapping[str, list[str]]
) -> dict[str, Answered]:
    """Return the answers with what the verifier says of each, by kind of prompt."""
    verifier, kinds = instruments.verifier, _kinds(held_out, instruments)
    if verifier is None:
        return {}
    return {kind: Answered(texts[kind], verified(verifier, domain, kinds[kind][0], texts[kind])) for kind in kinds}
