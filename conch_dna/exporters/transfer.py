"""Take a published neuron out in another program's format, and publish one that comes in such a format."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import structlog

from conch_dna.errors import ConfigError, DiskError, NeuronRefused, RegistryError
from conch_dna.exporters.base import check_digest, open_base
from conch_dna.exporters.destination import destination
from conch_dna.exporters.fused import to_fused
from conch_dna.exporters.peft import from_peft, to_peft
from conch_dna.exporters.readme import fused_readme, mlx_readme, peft_readme
from conch_dna.models.refs import HUB_ID
from conch_dna.registry.adapter import check_fits, read_adapter
from conch_dna.registry.adopt import adopt
from conch_dna.registry.aliases import NAME, now
from conch_dna.registry.card import CONFIG_FILE, CONTENT_FILES, README_FILE, Card, hash_files
from conch_dna.registry.entry import check_content
from conch_dna.version import __version__

if TYPE_CHECKING:
    from conch_dna.exporters.base import Base
    from conch_dna.registry.adapter import Adapter
    from conch_dna.registry.entry import Entry
    from conch_dna.registry.store import Registry

log = structlog.get_logger()
ImportFormat = Literal["peft", "mlx"]
ExportFormat = Literal["peft", "mlx", "fused"]
UNKNOWN = "unknown"


def export_neuron(
    registry: Registry, ref: str, out: Path, form: ExportFormat, *, base: str | None = None, force: bool = False
) -> Entry:
    """Write a version as a new folder ``out``: PEFT's, mlx-lm's adapter folder, or a whole model; return its entry.

    :param base: where its base is now, if not where its card says.
    :param force: replace an earlier export.
    :raises UnknownName: ``ref`` names nothing.
    :raises NeuronRefused: the version is damaged, ``base`` is another one, or the format cannot express it.
    :raises ModelError: the base cannot be opened.
    :raises RegistryError: ``out`` is taken.
    :raises DiskError: it could not be written; nothing is left of it.
    """
    entry = registry.resolve(ref)
    check_content(entry)
    with destination(out, registry.root, force=force) as staged:
        if form == "mlx":
            read_adapter(entry.path)
            for file in CONTENT_FILES:
                shutil.copyfile(entry.path / file, staged / file)
            (staged / README_FILE).write_text(mlx_readme(entry.card), encoding="utf-8")
        else:
            opened, adapter = _fitting(entry, base)
            _convert(entry, adapter, opened, form, staged)
    log.info("neuron_exported", ref=entry.ref, format=form, path=str(out))
    return entry


def _fitting(entry: Entry, base: str | None) -> tuple[Base, Adapter]:
    opened = open_base(base or entry.card.base)
    check_digest(opened, entry.card.base_digest)
    adapter = read_adapter(entry.path)
    check_fits(adapter, opened.places)
    return opened, adapter


def _convert(entry: Entry, adapter: Adapter, base: Base, form: ExportFormat, out: Path) -> None:
    if form == "fused":
        to_fused(adapter, base, out)
        (out / README_FILE).write_text(fused_readme(entry.card), encoding="utf-8")
        return
    # What only this program resolves would mislead another.
    known = HUB_ID.fullmatch(entry.card.base) or Path(entry.card.base).is_dir()
    to_peft(adapter, base, entry.card.base if known else None, out)
    (out / README_FILE).write_text(peft_readme(entry.card), encoding="utf-8")


def import_neuron(
    registry: Registry, folder: Path, name: str, form: ImportFormat, *, base: str | None = None, ungated: bool = False
) -> Entry:
    """Publish an adapter of another program as the next version of ``name``; return its entry.

    No gate has judged it, so its card has no verdict, and ``current`` stays where it is; only a name that has none
    gets one. Content that a version has already is not added again: that version is returned.

    :param base: the base it was made for, if not the one that its own config names.
    :param ungated: move ``current`` to it all the same.
    :raises ConfigError: the base is not known.
    :raises ModelError: the base cannot be opened.
    :raises NeuronRefused: it is damaged, of another base, without effect, or cannot be expressed in mlx-lm.
    :raises RegistryError: the name is not allowed.
    :raises DiskError: it could not be written; nothing is published.
    """
    if not NAME.fullmatch(name):
        raise RegistryError("not a neuron name", got=repr(name), allowed=NAME.pattern)
    opened = open_base(base or _named_base(folder, form))
    try:
        with tempfile.TemporaryDirectory() as temporary:
            source = folder
            if form == "peft":
                source = Path(temporary)
                from_peft(folder, opened, source)
            adapter = read_adapter(source)
            check_fits(adapter, opened.places)
            entry, new = adopt(registry, source, _card(name, adapter, source, opened, {"format": form}))
    except OSError as fault:
        raise DiskError(f"cannot write: {fault.strerror or fault}", where=fault.filename) from fault
    if ungated:
        registry.promote(name, entry.version)
    log.info("neuron_imported", ref=entry.ref, format=form, new=new)
    return entry


def _card(name: str, adapter: Adapter, folder: Path, base: Base, imported: dict[str, str]) -> Card:
    """Return a card that claims nothing: no teacher, no data, no verdict."""
    return Card(
        name=name, version=1, digest=adapter.digest, files=hash_files(folder), created_at=now(),
        conch_version=__version__, base=base.ref, base_digest=base.digest, teacher=UNKNOWN,
        teacher_fingerprint=UNKNOWN, data_digest=UNKNOWN, config={"imported": imported},
        invocation_tokens=adapter.invocation_tokens,
    )  # fmt: skip


def _named_base(folder: Path, form: ImportFormat) -> str:
    """Return the base that the adapter's own config names; a wrong config is told as such later."""
    path, key = folder / CONFIG_FILE, {"peft": "base_model_name_or_path", "mlx": "model"}[form]
    try:
        config = json.loads(path.read_bytes())
        named = config.get(key) if isinstance(config, dict) else None
    except FileNotFoundError as fault:
        raise NeuronRefused("file missing", where=folder, got=path.name) from fault
    except (OSError, ValueError, RecursionError) as fault:
        raise NeuronRefused(f"not JSON: {fault}", where=path) from fault
    if not isinstance(named, str) or not named:
        raise ConfigError("the base is not known", where=path, got=f"no {key}", next_step="Name it with --base.")
    return named
