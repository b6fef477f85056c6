"""Publication of a candidate that passed its gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from conch_dna.data.tool_form import FORM
from conch_dna.registry.adapter import read_adapter
from conch_dna.registry.card import CardFields

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.domains.domain import Domain
    from conch_dna.models.load import LoadedModel
    from conch_dna.records import Verdict
    from conch_dna.registry.entry import Entry
    from conch_dna.registry.store import Registry

log = structlog.get_logger()


def publish(
    registry: Registry,
    domain: Domain,
    adapter: Path,
    verdict: Verdict,
    *,
    base_ref: str,
    base: LoadedModel,
    teacher: str,
    identity: dict[str, Any],
) -> Entry:
    """Publish an adapter in the registry as the domain's next version.

    :param base_ref: the model reference of its base.
    :param teacher: the domain's teachers in one line.
    :param identity: base, teacher, data, start and settings of the training.
    """
    figures = verdict.candidate.model_dump(include={"bits_per_byte", "quality", "divergence", "agreement"})
    figures |= {f"right_{kind.replace(' ', '_')}": share.right for kind, share in verdict.candidate.right.items()}
    entry = registry.publish(
        domain.name,
        adapter,
        CardFields(
            base=base_ref,
            base_digest=identity["base"],
            base_text_digest=base.text_digest,
            teacher=teacher,
            teacher_fingerprint=identity["teacher"],
            data_digest=identity["data"],
            start_digest=identity["start_digest"],
            config=identity["settings"],
            metrics={name: value for name, value in figures.items() if value is not None},
            verdict=verdict,
            invocation_tokens=read_adapter(adapter).invocation_tokens,
            processors=domain.settings.processors,
            tool_form=FORM,
            tools=domain.settings.tools,
        ),
    )
    log.info("neuron_published", domain=domain.name, version=entry.version, verified=verdict.verified)
    return entry
