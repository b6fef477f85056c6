"""What all domains of one command share: settings, plug-ins, folders, and the base, loaded once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conch_dna.domains.extract import AnswerExtractor, as_answered
from conch_dna.models.load import LoadedModel, load
from conch_dna.teachers.references import in_one_line, references, teacher_of
from conch_dna.util.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.evaluation.gate import BaseFits
    from conch_dna.pipeline.run_folder import Run
    from conch_dna.plugin.manager import PluginHost
    from conch_dna.plugin.protocols import Teacher
    from conch_dna.registry.store import Registry
    from conch_dna.teachers.api.context import ApiContext


@dataclass
class Session:
    """What all domains of one command share.

    :param domains: every domain that is known, by name; those not trained lend prompts to the do-no-harm measure.
    :param cache: the folder of cached answers and targets.
    :param routes: teachers of single domains and sources; all others have that of the settings.
    :param api: what teachers behind an API work with; without it none can be asked.
    :param base_fits: what the gate measured the base at, on prompts that several domains' neurons must not harm.
    """

    config: DistillConfig
    host: PluginHost
    registry: Registry
    run: Run
    domains: dict[str, Domain]
    cache: Path
    progress: Progress = field(default_factory=Progress)
    on_fetch: Callable[[int, int], None] | None = None
    routes: Mapping[str, str] = field(default_factory=dict)
    api: ApiContext | None = None
    base_fits: BaseFits = field(default_factory=dict)
    _base: LoadedModel | None = None

    @property
    def base(self) -> LoadedModel:
        """The student's base, loaded on first use and kept."""
        if self._base is None:
            self._base = load(self.config.student, self.on_fetch)
        return self._base

    def teacher_name(self, domain: Domain) -> str:
        """Return a domain's teachers in one line."""
        return in_one_line(references(self.config, domain, self.routes))

    def answered(self, domain: Domain) -> Domain:
        """Return a domain as its neuron answers it: with the final answers of its examples, where it extracts them."""
        return as_answered(domain, AnswerExtractor(self.host, domain))

    def teacher(self, domain: Domain) -> Teacher:
        """Build the teacher for a domain; its weights wait."""
        named = references(self.config, domain, self.routes)
        return teacher_of(self.host, named, domain, self.config.student, lambda: self.base, self.api)
