"""Adapters by reference: neurons of the registry, adapters and checkpoints of runs, and other folders."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conch_dna.errors import UnknownName
from conch_dna.pipeline.project import RUNS
from conch_dna.pipeline.run_folder import RUN_CONFIG
from conch_dna.registry.aliases import BASE
from conch_dna.registry.card import CARD_FILE, CONFIG_FILE, Card, parse_card
from conch_dna.registry.store import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.domains.domain import Domain
    from conch_dna.runtime.neurons import NeuronRuntime

LISTED = 8  # adapters in an error


@dataclass(frozen=True)
class AdapterRef:
    """An adapter, or the base without one.

    :param name: the reference by which it was found, and its name in a runtime.
    :param domain: the domain that it was trained on; empty if that is unknown.
    :param base: the model reference of its base; empty if that is unknown.
    :param settings: settings of its training, as far as they are known.
    :param folder: its folder, if it is outside the registry.
    :param card: the card in that folder, if there is one.
    """

    name: str
    domain: str
    base: str
    settings: dict[str, Any]
    folder: Path | None = None
    card: Card | None = None

    def enter(self, runtime: NeuronRuntime, domains: Mapping[str, Domain]) -> None:
        """Make a runtime know the adapter by its name, with the processors and tools of its card or of its domain.

        :raises NeuronRefused: it is damaged, does not fit the base, or has no effect.
        """
        if self.folder is None:
            return
        if self.card is not None:
            runtime.add(self.name, self.folder, self.card.processors, self.card.tools, self.card.tool_form)
        elif self.domain in domains:
            settings = domains[self.domain].settings
            runtime.add(self.name, self.folder, settings.processors, settings.tools)
        else:
            runtime.add(self.name, self.folder)


def find_adapter(project: Path, registry: Registry, ref: str) -> AdapterRef:
    """Return the adapter that a reference means.

    A neuron of the registry is ``name``, ``name@3`` or ``name@alias``; ``base`` is the unadapted model. A reference
    with a slash is a folder with an adapter, or a part of a run: ``RUN/DOMAIN`` for its trained adapter, published or
    not, and ``RUN/DOMAIN/checkpoints/000012`` for a checkpoint.

    :param project: the project's folder, whose ``runs`` are searched.
    :raises UnknownName: there is no such neuron, or no adapter in the folder.
    :raises NeuronRefused: the neuron's card is damaged.
    """
    if ref == BASE:
        return AdapterRef(BASE, "", "", {})
    if not _is_path(ref):
        entry = registry.resolve(ref)
        return AdapterRef(ref, entry.name, entry.card.base, entry.card.config)
    runs = project / RUNS
    for root in (Path(ref).expanduser(), runs / ref):
        for folder in (root, root / "adapter"):
            if (folder / CONFIG_FILE).is_file():
                return _of_folder(ref, folder.resolve())
    raise UnknownName(
        "no such neuron or adapter", got=ref, allowed=", ".join(_adapters(runs, ref)) or None,
        next_step="Name a neuron, a folder with an adapter, RUN/DOMAIN, or RUN/DOMAIN/checkpoints/STEP",
    )  # fmt: skip


def _is_path(ref: str) -> bool:
    return "/" in ref or "\\" in ref or ref in {".", ".."}


def _of_folder(ref: str, folder: Path) -> AdapterRef:
    """Return the adapter in a folder, with what its card or its run says of it."""
    file = folder / CARD_FILE
    if file.is_file():
        card = parse_card(file.read_bytes(), file)
        return AdapterRef(ref, card.name, card.base, card.config, folder, card)
    for below, parent in zip((folder, *folder.parents), folder.parents, strict=False):
        begun = _json(parent / RUN_CONFIG)
        if "domains" in begun:  # a model's folder has a config.json too
            return AdapterRef(ref, below.name, str(_table(begun).get("student", "")), _table(begun), folder)
    return AdapterRef(ref, "", "", {}, folder)


def _table(about: dict[str, Any]) -> dict[str, Any]:
    found = about.get("config")
    return found if isinstance(found, dict) else {}


def _json(path: Path) -> dict[str, Any]:
    """Return a JSON object, empty if there is none."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _adapters(runs: Path, ref: str) -> list[str]:
    """Return references of the first adapters below a part of a run."""
    root = (runs / ref).resolve()
    if not root.is_relative_to(runs.resolve()):
        return []
    return [str(path.parent.relative_to(runs.resolve())) for path in sorted(root.rglob(CONFIG_FILE))[:LISTED]]
