"""From a trained adapter to a version in the registry: judge it on held-out prompts, publish it, keep samples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import structlog

from conch_dna.errors import NeuronRefused
from conch_dna.evaluation.gate import HeldOutSet, Measured, judge
from conch_dna.kernels.patch import fast_ops
from conch_dna.registry.adapter import read_adapter
from conch_dna.registry.card import CardFields, content_digest, hash_files
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.domains.domain import Domain
    from conch_dna.pipeline.context import Session
    from conch_dna.plugin.protocols import GateInput
    from conch_dna.records import Check, Verdict
    from conch_dna.registry.entry import Entry

log = structlog.get_logger()


def judge_candidate(
    session: Session, domain: Domain, held_out: HeldOutSet, adapter: Path
) -> tuple[Verdict, dict[str, Measured]]:
    """Measure base, candidate and the version in use on the held-out prompts, and let the gate decide."""
    runtime = NeuronRuntime(session.base, session.registry)
    try:
        neurons = {"base": "base", "candidate": "candidate"}
        runtime.add("candidate", adapter)
        if incumbent := _incumbent(session, domain, runtime, adapter):
            neurons["incumbent"] = incumbent.ref
        gate = session.host.catalog.get("gates", session.config.gate)
        scorers = session.host.catalog.all("scorers")

        def decide(given: GateInput) -> list[Check]:
            with session.host.blaming("gates", session.config.gate):
                return list(gate(given))

        with fast_ops(session.base.model):
            return judge(
                runtime, neurons, domain, held_out, session.config, decide, scorers, session.progress,
                session.base_fits,
            )  # fmt: skip
    finally:
        runtime.close()


def _incumbent(session: Session, domain: Domain, runtime: NeuronRuntime, adapter: Path) -> Entry | None:
    """Return the version that is current, if it is sound, of this base and not the candidate itself.

    A candidate that was published just before its run was killed must not have to be better than itself.
    """
    if domain.name not in session.registry.names() or "current" not in session.registry.aliases(domain.name):
        return None
    try:
        entry = session.registry.resolve(domain.name)
        if entry.card.base_digest != session.base.digest or entry.card.digest == content_digest(hash_files(adapter)):
            return None
        with runtime.neuron(entry.ref):
            return entry
    except NeuronRefused as error:  # publishing a sound one is how it is replaced
        log.warning("incumbent_refused", domain=domain.name, reason=str(error))
        return None


def publish(session: Session, domain: Domain, adapter: Path, verdict: Verdict, identity: dict[str, Any]) -> Entry:
    """Put a candidate that passed into the registry."""
    figures = verdict.candidate.model_dump(include={"bits_per_byte", "quality", "divergence", "agreement"})
    entry = session.registry.publish(
        domain.name,
        adapter,
        CardFields(
            base=session.config.student,
            base_digest=session.base.digest,
            teacher=session.teacher_name(domain),
            teacher_fingerprint=identity["teacher"],
            data_digest=identity["data"],
            start_digest=identity["start_digest"],
            config=identity["settings"],
            metrics={name: value for name, value in figures.items() if value is not None},
            verdict=verdict,
            invocation_tokens=read_adapter(adapter).invocation_tokens,
        ),
    )
    log.info("neuron_published", domain=domain.name, version=entry.version)
    session.host.emit("neuron_published", domain=domain.name, version=entry.version, path=entry.path)
    return entry


def write_samples(folder: Path, held_out: HeldOutSet, measured: dict[str, Measured]) -> None:
    """Keep what each model answered, for people to read."""
    lines = []
    for place, prompt in enumerate(held_out.prompts[: len(measured["base"].answers)]):
        row: dict[str, Any] = {"prompt": prompt.turns}
        for role, m in measured.items():
            row[role] = {"answer": m.answers[place], "quality": round(m.quality[place], 4)}
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    write_atomic(folder / "samples.jsonl", "".join(lines))
