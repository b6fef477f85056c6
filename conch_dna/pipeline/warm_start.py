"""The adapter that a domain's training starts from. A run records it once, so that a resume uses the same one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field, ValidationError

from conch_dna.errors import CheckpointError, NeuronRefused, UnknownName
from conch_dna.records import Record
from conch_dna.registry.card import CARD_FILE, CONFIG_FILE, Card, check_base, content_digest, hash_files
from conch_dna.registry.entry import Entry, check_content
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from conch_dna.models.load import LoadedModel
    from conch_dna.registry.store import Registry

FILE = "start.json"
OTHER_RUN = "Give the run another name with --run"


class Start(Record):
    """The record of the start in a run's folder. Aliases move, also when the run publishes, and folders change."""

    digest: str = Field(description="content digest of the adapter")
    version: int | None = Field(None, description="version of the domain's neuron")
    folder: str | None = Field(None, description="absolute path of an adapter that is not a version")


class WarmStart(NamedTuple):
    """A checked adapter: its folder and its content digest."""

    path: Path
    digest: str


def find_warm_start(start: str, domain: str, folder: Path, base: LoadedModel, registry: Registry) -> WarmStart | None:
    """Return the adapter that training starts from, or ``None`` for a fresh one; the first call records it.

    :param start: the setting: a folder, or a version or alias of the domain's neuron.
    :param folder: the domain's folder in its run, for the record.
    :raises UnknownName: no such version exists.
    :raises NeuronRefused: it is damaged, was made for another base, or changes nothing.
    :raises CheckpointError: the run started from another adapter.
    """
    if not start:
        return None
    earlier = _recorded(folder)
    recorded = earlier or _found(start, domain, registry)
    path = _checked(domain, recorded, base, registry)
    if (digest := content_digest(hash_files(path))) != recorded.digest:
        raise CheckpointError(
            "the run was started from another adapter", where=path, got=digest,
            allowed=recorded.digest, next_step=OTHER_RUN,
        )  # fmt: skip
    if earlier is None:
        write_atomic(folder / FILE, recorded.model_dump_json(indent=2) + "\n")
    return WarmStart(path, digest)


def start_digest(start: str, folder: Path) -> str | None:
    """Return the current content digest of the adapter that the run started from; nothing is loaded.

    A version never changes, so its digest is the recorded one, even if the version was removed.

    :raises NeuronRefused: the folder has no adapter any more.
    """
    recorded = _recorded(folder) if start else None
    if recorded is None:
        return None
    return recorded.digest if recorded.folder is None else content_digest(hash_files(Path(recorded.folder)))


def _recorded(folder: Path) -> Start | None:
    file = folder / FILE
    try:
        return Start.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise CheckpointError("is damaged", where=file, next_step=OTHER_RUN) from error


def _found(start: str, domain: str, registry: Registry) -> Start:
    """Return the adapter of the setting: a folder, or a version or alias of the domain's neuron."""
    folder = Path(start).absolute()
    if (folder / CONFIG_FILE).is_file():
        return Start(digest=content_digest(hash_files(folder)), folder=str(folder))
    try:
        entry = registry.resolve(f"{domain}@{start}")
    except UnknownName as error:
        raise UnknownName(
            error.what, where=f"start = {start}", got=error.got, allowed=error.allowed,
            next_step="The path of an adapter's folder is allowed too",
        ) from error  # fmt: skip
    return Start(digest=entry.card.digest, version=entry.version)


def _checked(domain: str, recorded: Start, base: LoadedModel, registry: Registry) -> Path:
    """Return the adapter's folder after loading it on the base. A folder without a card does not name its base."""
    runtime = NeuronRuntime(base, registry)
    try:
        if recorded.folder is None:
            entry = registry.resolve(f"{domain}@{recorded.version}")
            with runtime.neuron(entry.ref):
                return entry.path
        path = Path(recorded.folder)
        _check_card(path, base)
        runtime.add("start", path)
        return path
    finally:
        runtime.close()


def _check_card(folder: Path, base: LoadedModel) -> None:
    """Check a folder with a card, such as the copy of a version, as versions are checked."""
    try:
        card = Card.model_validate_json((folder / CARD_FILE).read_bytes())
    except FileNotFoundError:
        return
    except ValidationError as error:
        raise NeuronRefused("not a valid card", where=folder / CARD_FILE) from error
    check_base(card, base.digest, base.text_digest, folder)
    check_content(Entry(card.name, card.version, folder, card))
