"""The run folder of a distillation: by a given name, or by a name made from settings and data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from conch_dna.errors import ConfigError, DataError
from conch_dna.pipeline.run_folder import Run
from conch_dna.records import digest_of
from conch_dna.teachers.references import parts_for

if TYPE_CHECKING:
    from conch_dna.domains.domain import Domain
    from conch_dna.pipeline.setup import Setup
    from conch_dna.plugin.protocols import Teacher

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def run_of(setup: Setup, name: str | None = None) -> Run:
    """Return the run of that name, or of the name made from settings and data.

    :raises ConfigError: it is not a name for a folder.
    """
    if name is not None and not RUN_NAME.fullmatch(name):
        raise ConfigError("not a name for a run", where="--run", got=name, allowed=RUN_NAME.pattern)
    return Run(setup.project.runs / (name or run_name(setup)))


def run_name(setup: Setup) -> str:
    """Return the default name of a run: the same command on the same data finds the same run again.

    Recordings that a teacher replays are data: a new recording makes another run. Domains that cannot be trained do not
    enter the name, because their teachers need not be probed.
    """
    # Version 0.1 made the name in this way: a change of the form would hide the runs of existing projects.
    config, domains = setup.config, list(setup.chosen.values())
    about: list[Any] = [config.flat(), sorted((d.name, d.data_digest) for d in domains)]
    if setup.routes:
        about.append(dict(setup.routes))
    if extracts := sorted((d.name, d.settings.extract.digest) for d in domains if d.settings.extract):
        about.append(extracts)
    trainable = [d for d in domains if not isinstance(setup.choices[d.name], DataError)]
    if replayed := {d.name: found for d in trainable if (found := _replayed(d, setup.teachers[d.name]))}:
        about.append(replayed)
    return f"{config.preset}-{digest_of(about)[:8]}"


def _replayed(domain: Domain, teacher: Teacher) -> list[str]:
    """Return the fingerprints of the recordings that answer a domain; a damaged one fails its domain later."""
    try:
        parts = [part for part, _ in parts_for(teacher, domain.prompts)]
        return [part.fingerprint for part in parts if "replay" in part.capabilities]
    except DataError:
        return []
