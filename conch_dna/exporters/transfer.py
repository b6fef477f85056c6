"""Export of a published neuron for another program, and import of an adapter of another program."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from conch_dna.errors import ConfigError, DiskError, NeuronRefused, RegistryError
from conch_dna.exporters.base import open_base
from conch_dna.exporters.destination import destination
from conch_dna.exporters.readme import export_readme
from conch_dna.exporters.source import NeuronSource
from conch_dna.models import refs
from conch_dna.plugin.protocols import Importer
from conch_dna.registry.adapter import check_fits, read_adapter
from conch_dna.registry.adopt import adopt
from conch_dna.registry.aliases import NAME, now
from conch_dna.registry.card import CONFIG_FILE, README_FILE, Card, hash_files
from conch_dna.registry.entry import check_content
from conch_dna.version import __version__

if TYPE_CHECKING:
    from conch_dna.exporters.base import Base
    from conch_dna.plugin.catalog import Catalog
    from conch_dna.plugin.manager import PluginHost
    from conch_dna.plugin.protocols import Exporter
    from conch_dna.registry.adapter import Adapter
    from conch_dna.registry.entry import Entry
    from conch_dna.registry.store import Registry

log = structlog.get_logger()
KIND = "exporters"
UNKNOWN = "unknown"


def export_neuron(
    host: PluginHost,
    registry: Registry,
    ref: str,
    out: Path,
    format_name: str,
    *,
    base: str | None = None,
    force: bool = False,
) -> Entry:
    """Write a version in a format of the plug-ins as a new folder ``out``; return its entry.

    :param base: the reference of its base model, if it is not at the card's reference any more.
    :param force: replace an earlier export.
    :raises UnknownName: no such version, or no exporter of that name.
    :raises NeuronRefused: the version is damaged, ``base`` is another model, or the format cannot express it.
    :raises ModelError: the base cannot be opened.
    :raises PluginError: the exporter failed.
    :raises RegistryError: ``out`` is taken.
    :raises DiskError: it could not be written; nothing is left of it.
    """
    exporter: Exporter = host.catalog.get(KIND, format_name)
    entry = registry.resolve(ref)
    check_content(entry)
    with destination(out, registry.root, force=force) as staged:
        with host.blaming(KIND, format_name):
            exporter.write(NeuronSource(entry, base or entry.card.base), staged)
        if not (staged / README_FILE).exists():
            # The README marks the folder as an export, which --force may replace.
            usage = f"This folder has the format `{format_name}`: {exporter.summary}."
            page = export_readme(entry.card, what="a neuron", usage=usage, library=format_name)
            (staged / README_FILE).write_text(page, encoding="utf-8")
    log.info("neuron_exported", ref=entry.ref, format=format_name, path=str(out))
    return entry


def import_neuron(
    host: PluginHost,
    registry: Registry,
    folder: Path,
    name: str,
    format_name: str,
    *,
    base: str | None = None,
    ungated: bool = False,
) -> Entry:
    """Publish an adapter of another program as the next version of ``name``; return its entry.

    No gate has judged it, so its card has no verdict and ``current`` does not move; only a new name gets ``current``.
    If a version has this content already, that version is returned and none is added.

    :param base: the base model it was made for, if its own config names none or another.
    :param ungated: move ``current`` to it although no gate has judged it.
    :raises UnknownName: no exporter has that name.
    :raises ConfigError: the format cannot be imported, or the base is not known.
    :raises ModelError: the base cannot be opened.
    :raises NeuronRefused: it is damaged, for another base, without effect, or mlx-lm cannot express it.
    :raises PluginError: the exporter failed.
    :raises RegistryError: the name is not allowed.
    :raises DiskError: it could not be written; nothing is published.
    """
    importer = _importer(host.catalog, format_name)
    if not NAME.fullmatch(name):
        raise RegistryError("not a neuron name", got=repr(name), allowed=NAME.pattern)
    with host.blaming(KIND, format_name):
        base = base or importer.named_base(folder)
    if not base:
        raise ConfigError("the base is not known", where=folder, next_step="Name it with --base.")
    opened = open_base(base)
    try:
        with tempfile.TemporaryDirectory() as temporary:
            with host.blaming(KIND, format_name):
                source = importer.read(folder, opened, Path(temporary))
            adapter = read_adapter(source)
            check_fits(adapter, opened.target_modules)
            entry, new = adopt(registry, source, _card(name, adapter, source, opened, {"format": format_name}))
    except OSError as fault:
        raise DiskError(f"cannot write: {fault.strerror or fault}", where=fault.filename) from fault
    if ungated:
        registry.promote(name, entry.version)
    log.info("neuron_imported", ref=entry.ref, format=format_name, new=new)
    return entry


def base_in_config(folder: Path, key: str) -> str | None:
    """Return the text at ``key`` of ``adapter_config.json`` in ``folder``, or ``None``.

    It is a helper for :meth:`Importer.named_base`.

    :raises NeuronRefused: the file is missing or not JSON.
    """
    path = folder / CONFIG_FILE
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError as fault:
        raise NeuronRefused("file missing", where=folder, got=path.name) from fault
    except (OSError, ValueError, RecursionError) as fault:
        raise NeuronRefused(f"not JSON: {fault}", where=path) from fault
    named = config.get(key) if isinstance(config, dict) else None
    return named if isinstance(named, str) else None


def _importer(catalog: Catalog, format_name: str) -> Importer:
    exporter: object = catalog.get(KIND, format_name)
    if not isinstance(exporter, Importer):
        allowed = ", ".join(catalog.all(KIND, Importer))
        raise ConfigError("this format can be exported only", got=format_name, allowed=allowed)
    return exporter


def _card(name: str, adapter: Adapter, folder: Path, base: Base, imported: dict[str, str]) -> Card:
    """Return a card without claims: teacher and data are unknown, and it has no verdict."""
    return Card(
        name=name, version=1, digest=adapter.digest, files=hash_files(folder), created_at=now(),
        conch_version=__version__, base=base.ref, base_digest=base.digest,
        base_text_digest=refs.text_digest(base.folder), teacher=UNKNOWN,
        teacher_fingerprint=UNKNOWN, data_digest=UNKNOWN, config={"imported": imported},
        invocation_tokens=adapter.invocation_tokens,
    )  # fmt: skip
