"""Evaluate a trained adapter on held-out prompts against the base and the current version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from conch_dna.data.tool_form import signature
from conch_dna.domains.generation import verifier_of
from conch_dna.errors import NeuronRefused
from conch_dna.evaluation.base_answers import KeptBaseAnswers
from conch_dna.evaluation.gate import HeldOutSet, Instruments, Measured, judge
from conch_dna.evaluation.right import GENERATED, NATURAL
from conch_dna.kernels.patch import fast_ops
from conch_dna.records import HELD
from conch_dna.registry.aliases import BASE, CURRENT
from conch_dna.registry.card import content_digest, hash_files
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.evaluation.gate import BaseFits
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.manager import PluginHost
    from conch_dna.plugin.protocols import GateInput
    from conch_dna.records import Check, Prompt, Verdict
    from conch_dna.registry.entry import Entry
    from conch_dna.registry.store import Registry
    from conch_dna.util.progress import Progress

log = structlog.get_logger()


class Evaluation(NamedTuple):
    """The gate's verdict, and the measurements of base, candidate and, if there is one, incumbent."""

    verdict: Verdict
    measured: dict[str, Measured]


def evaluate(
    base: LoadedModel,
    registry: Registry,
    domain: Domain,
    held_out: HeldOutSet,
    adapter: Path,
    *,
    config: DistillConfig,
    host: PluginHost,
    cache: Path,
    base_fits: BaseFits,
    progress: Progress,
) -> Evaluation:
    """Measure base, candidate and current version on the held-out prompts, and return the gate's verdict.

    :param cache: the root of the cache, which keeps the base's answers.
    :param base_fits: fits of the base that are measured already; new ones are added.
    """
    runtime = NeuronRuntime(base, registry, span_processors=host.catalog.all("processors"))
    try:
        neurons = {BASE: BASE, "candidate": "candidate"}
        runtime.add("candidate", adapter, domain.settings.processors)
        if incumbent := _incumbent(registry, domain, runtime, base.digest, adapter):
            neurons["incumbent"] = incumbent.ref
        gate, instruments = host.catalog.get("gates", config.gate), _instruments(host, domain, cache)

        def decide(given: GateInput) -> list[Check]:
            with host.blaming("gates", config.gate):
                return list(gate(given))

        with fast_ops(base.model, cached=True):
            found = judge(runtime, neurons, domain, held_out, config, decide, instruments, progress, base_fits)
        return Evaluation(*found)
    finally:
        runtime.close()


def _instruments(host: PluginHost, domain: Domain, cache: Path) -> Instruments:
    scorers, verifier = host.catalog.all("scorers"), verifier_of(host.catalog, domain)
    return Instruments(scorers, verifier, KeptBaseAnswers(cache))


def _incumbent(
    registry: Registry, domain: Domain, runtime: NeuronRuntime, base_digest: str, adapter: Path
) -> Entry | None:
    """Return the current version if it is undamaged, made for this base and not the candidate itself.

    A run that was killed just after it published must not compare its candidate with that same neuron.
    """
    if domain.name not in registry.names() or CURRENT not in registry.aliases(domain.name):
        return None
    try:
        entry = registry.resolve(domain.name)
        if entry.card.base_digest != base_digest or entry.card.digest == content_digest(hash_files(adapter)):
            return None
        with runtime.neuron(entry.ref):
            return entry
    except NeuronRefused as error:  # an undamaged version will replace it
        log.warning("incumbent_refused", domain=domain.name, reason=str(error))
        return None


def write_evaluation(folder: Path, held_out: HeldOutSet, evaluation: Evaluation) -> None:
    """Write the answers of each model to ``samples.jsonl`` for people to read, and the verdict to ``verdict.json``."""
    measured = evaluation.measured
    rows = [_row(NATURAL, place, prompt, measured) for place, prompt in enumerate(held_out.prompts)]
    if GENERATED in measured["base"].verified:
        rows += [_row(GENERATED, place, prompt, measured) for place, prompt in enumerate(held_out.generated)]
    write_atomic(folder / "samples.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    write_atomic(folder / "verdict.json", evaluation.verdict.model_dump_json(indent=2) + "\n")


def _row(kind: str, place: int, prompt: Prompt, measured: dict[str, Measured]) -> dict[str, Any]:
    """Return a prompt with the answers of all models.

    ``right`` is 1 or 0, or null if nothing decides it. ``quality`` is that of the domain's own prompts alone.
    """
    row: dict[str, Any] = {"kind": kind, "prompt": prompt.turns}
    if prompt.tools:
        row["tools"] = [signature(tool) for tool in prompt.tools]
    for role, m in measured.items():
        row[role] = _sample(m, kind, place) if kind in m.verified else {"answer": m.answers[place], "right": None}
        if kind == NATURAL:
            row[role]["quality"] = round(m.quality[place], 4)
        if kind + HELD in m.verified:
            row[role]["held"] = _sample(m, kind + HELD, place)
    return row


def _sample(measured: Measured, kind: str, place: int) -> dict[str, Any]:
    answered = measured.verified[kind]
    return {"answer": answered.answers[place], "right": (answered.figures[place] or {}).get("right")}
