"""The adapter that a domain's training goes on from: found once for a run, checked, and the same after every stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field, ValidationError

from conch_dna.errors import CheckpointError, NeuronRefused, UnknownName
from conch_dna.records import Record
from conch_dna.registry.card import CARD_FILE, CONFIG_FILE, Card, content_digest, hash_files
from conch_dna.registry.entry import Entry, check_content
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from conch_dna.models.load import LoadedModel
    from conch_dna.registry.store import Registry

FILE = "start.json"
OTHER_RUN = "Give the run another name with --run"


class Noted(Record):
    """What a run began with, in its folder: aliases move, also by what the run itself publishes, and folders change."""

    digest: str = Field(description="content digest of the adapter")
    version: int | None = Field(None, description="of the domain's own neuron")
    folder: str | None = Field(None, description="where it is no version: its absolute path")


class WarmStart(NamedTuple):
    """An adapter that was checked: its folder, and its content digest."""

    path: Path
    digest: str


def find_warm_start(start: str, domain: str, folder: Path, base: LoadedModel, registry: Registry) -> WarmStart | None:
    """Return the adapter that training goes on from, or ``None`` for a fresh one; the first time it is noted.

    :param start: the setting: a folder, or a version or alias of the domain's own neuron.
    :param folder: of the domain in its run; gets the note.
    :raises UnknownName: there is no such version.
    :raises NeuronRefused: it is damaged, was made for another base, or changes nothing.
    :raises CheckpointError: the run was begun with another one.
    """
    if not start:
        return None
    earlier = _noted(folder)
    noted = earlier or _found(start, domain, registry)
    path = _sound(domain, noted, base, registry)
    if (digest := content_digest(hash_files(path))) != noted.digest:
        raise CheckpointError(
            "the adapter to start from is not the one that the run was begun with", where=path, got=digest,
            allowed=noted.digest, next_step=OTHER_RUN,
        )  # fmt: skip
    if earlier is None:
        write_atomic(folder / FILE, noted.model_dump_json(indent=2) + "\n")
    return WarmStart(path, digest)


def start_digest(start: str, folder: Path) -> str | None:
    """Return the content digest of what the run began with as it is now; loads nothing.

    A version never changes, and need not be there any more.

    :raises NeuronRefused: it is a folder that holds no adapter any more.
    """
    noted = _noted(folder) if start else None
    if noted is None:
        return None
    return noted.digest if noted.folder is None else content_digest(hash_files(Path(noted.folder)))


def _noted(folder: Path) -> Noted | None:
    file = folder / FILE
    try:
        return Noted.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise CheckpointError("is damaged", where=file, next_step=OTHER_RUN) from error


def _found(start: str, domain: str, registry: Registry) -> Noted:
    """Return what the setting means now: a folder, or a version or alias of the domain's own neuron."""
    folder = Path(start).absolute()
    if (folder / CONFIG_FILE).is_file():
        return Noted(digest=content_digest(hash_files(folder)), folder=str(folder))
    try:
        entry = registry.resolve(f"{domain}@{start}")
    except UnknownName as error:
        raise UnknownName(
            error.what, where=f"start = {start}", got=error.got, allowed=error.allowed,
            next_step="An adapter's folder will do as well",
        ) from error  # fmt: skip
    return Noted(digest=entry.card.digest, version=entry.version)


def _sound(domain: str, noted: Noted, base: LoadedModel, registry: Registry) -> Path:
    """Return the adapter's folder once the base takes it; a folder without a card cannot tell which base it is for."""
    runtime = NeuronRuntime(base, registry)
    try:
        if noted.folder is None:
            entry = registry.resolve(f"{domain}@{noted.version}")
            with runtime.neuron(entry.ref):
                return entry.path
        path = Path(noted.folder)
        _check_card(path, base.digest)
        runtime.add("start", path)
        return path
    finally:
        runtime.close()


def _check_card(folder: Path, base_digest: str) -> None:
    """Check a folder that has a card, such as the copy of a version, as a version is checked."""
    try:
        card = Card.model_validate_json((folder / CARD_FILE).read_bytes())
    except FileNotFoundError:
        return
    except ValidationError as error:
        raise NeuronRefused("not a valid card", where=folder / CARD_FILE) from error
    if card.base_digest != base_digest:
        raise NeuronRefused("was made for another base", where=folder, got=card.base_digest, allowed=base_digest)
    check_content(Entry(card.name, card.version, folder, card))
