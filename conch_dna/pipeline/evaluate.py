"""Evaluate a trained adapter on held-out prompts against the base and the current version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from conch_dna.errors import NeuronRefused
from conch_dna.evaluation.gate import HeldOutSet, Measured, judge
from conch_dna.kernels.patch import fast_ops
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
    from conch_dna.records import Check, Verdict
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
    base_fits: BaseFits,
    progress: Progress,
) -> Evaluation:
    """Measure base, candidate and current version on the held-out prompts, and return the gate's verdict.

    :param base_fits: fits of the base that are measured already; new ones are added.
    """
    runtime = NeuronRuntime(base, registry, span_processors=host.catalog.all("processors"))
    try:
        neurons = {BASE: BASE, "candidate": "candidate"}
        runtime.add("candidate", adapter, domain.settings.processors)
        if incumbent := _incumbent(registry, domain, runtime, base.digest, adapter):
            neurons["incumbent"] = incumbent.ref
        gate, scorers = host.catalog.get("gates", config.gate), host.catalog.all("scorers")

        def decide(given: GateInput) -> list[Check]:
            with host.blaming("gates", config.gate):
                return list(gate(given))

        with fast_ops(base.model):
            found = judge(runtime, neurons, domain, held_out, config, decide, scorers, progress, base_fits)
        return Evaluation(*found)
    finally:
        runtime.close()


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
    measured, lines = evaluation.measured, []
    for place, prompt in enumerate(held_out.prompts[: len(measured["base"].answers)]):
        row: dict[str, Any] = {"prompt": prompt.turns}
        for role, m in measured.items():
            row[role] = {"answer": m.answers[place], "quality": round(m.quality[place], 4)}
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    write_atomic(folder / "samples.jsonl", "".join(lines))
    write_atomic(folder / "verdict.json", evaluation.verdict.model_dump_json(indent=2) + "\n")
