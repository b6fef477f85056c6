"""Pushing neurons to, and pulling them from, a folder, a store or a model hub."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from conch_dna.errors import DiskError, NeuronRefused, RegistryError
from conch_dna.registry.adopt import adopt, complete, holding
from conch_dna.registry.aliases import CURRENT, NAME, is_alias
from conch_dna.registry.card import CONTENT_FILES, README_FILE, Origin
from conch_dna.registry.entry import check_content
from conch_dna.registry.remotes.base import check_offer, save
from conch_dna.util.files import sha256_file
from conch_dna.util.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conch_dna.registry.remotes.base import Offer, Remote, Sent
    from conch_dna.registry.store import Registry

HUB = "hf://"

log = structlog.get_logger()


@dataclass(frozen=True)
class Pulled:
    """What a pull came to.

    :param ref: the version here; ``None`` when it was only looked at.
    :param new: whether it was added; if not, it was here already.
    :param offer: the version there.
    """

    ref: str | None
    new: bool
    offer: Offer
    url: str


def open_remote(url: str, *, public: bool = False) -> Remote:
    """Return the place at ``url``: a folder, an fsspec URL, or ``hf://OWNER/REPO``; nothing is asked of it yet.

    :param public: whether a hub repository may be, or is made, public.
    :raises RegistryError: there is no such kind of place, or its packages are not installed.
    """
    if url.startswith(HUB):
        from conch_dna.registry.remotes.hub import Hub

        return Hub(url, public=public)
    from conch_dna.registry.remotes.bucket import Bucket

    return Bucket(url)


def offers(url: str) -> list[Offer]:
    """Return the versions at ``url``.

    :raises RegistryError: it cannot be reached.
    """
    return open_remote(url).offers()


def push(
    registry: Registry,
    ref: str,
    url: str,
    *,
    aliases: Sequence[str] = (),
    public: bool = False,
    progress: Progress | None = None,
    dry_run: bool = False,
) -> Sent:
    """Send one version to ``url`` and point ``current`` and ``aliases`` there at it.

    What is there already is not sent again. A kill at any moment leaves there what was, or the whole version, or parts
    that no reader takes for one; the same push again goes on from them.

    :param public: whether a hub repository may be, or is made, public.
    :param dry_run: say what would be sent, and send nothing.
    :raises UnknownName: ``ref`` names nothing.
    :raises NeuronRefused: the version is damaged.
    :raises RegistryError: an alias is not allowed, or the place failed.
    """
    wrong = [alias for alias in aliases if not is_alias(alias)]
    if wrong:
        raise RegistryError("not an alias", got=repr(wrong[0]), allowed=f"{NAME.pattern}, not a number")
    entry = registry.resolve(ref)
    check_content(entry)
    if not (entry.path / README_FILE).is_file():
        raise NeuronRefused("file missing", where=entry.path, got=README_FILE)
    everywhere = tuple(dict.fromkeys((CURRENT, *aliases)))
    sent = open_remote(url, public=public).send(entry, everywhere, progress or Progress(), dry_run=dry_run)
    if not dry_run:
        log.info("neuron_pushed", neuron=sent.ref, url=sent.url, files=len(sent.files), digest=sent.digest)
    return sent


def pull(
    registry: Registry,
    url: str,
    ref: str | None = None,
    *,
    aliases: Sequence[str] = (),
    progress: Progress | None = None,
    dry_run: bool = False,
) -> Pulled:
    """Fetch one version from ``url`` and add it to the registry under the next number of its name.

    Nothing is believed but the card's digests. Files that a killed pull fetched whole are not fetched again.

    :param ref: ``NAME``, ``NAME@ALIAS`` or ``NAME@DIGEST``; of a hub ``NAME@REVISION``. Without it ``current`` of the
        only neuron there.
    :param aliases: those that are pointed at it here; without them ``current`` is, if there is none yet.
    :param dry_run: look at what would be fetched, and fetch nothing.
    :raises UnknownName: there is no such version.
    :raises NeuronRefused: it is damaged, differs from its card, or did not pass its gate.
    :raises RegistryError: the place or the disk failed.
    """
    wrong = [alias for alias in aliases if not is_alias(alias)]
    name, _, selector = (ref or "").partition("@")
    if wrong or (name and not NAME.fullmatch(name)):
        what = "not an alias" if wrong else "not a neuron name"
        raise RegistryError(what, got=ascii(wrong[0] if wrong else name), allowed=NAME.pattern)
    remote = open_remote(url)
    offer = remote.find(name or None, selector or None)
    check_offer(offer, remote.url)
    card = offer.card
    here, new = holding(registry, card), False
    if dry_run:
        return Pulled(here.ref if here else None, here is None, offer, remote.url)
    if here is None:
        with _staging(card.digest) as folder:
            _fetch(remote, offer, folder, progress or Progress())
            origin = Origin(url=remote.url, ref=offer.ref)
            here, new = adopt(registry, folder, card.model_copy(update={"origin": origin}))
    else:
        complete(registry, here)
    for alias in aliases:
        registry.promote(here.name, here.version, alias)
    log.info("neuron_pulled", neuron=here.ref, url=remote.url, new=new, digest=card.digest)
    return Pulled(here.ref, new, offer, remote.url)


def _fetch(remote: Remote, offer: Offer, folder: Path, progress: Progress) -> None:
    """Fetch the content files that ``folder`` does not have yet; each gets its name when its digest is right."""
    wanted = [file for file in CONTENT_FILES if not _is(folder / file, offer.card.files[file])]
    need = sum(offer.sizes[file] for file in wanted)
    free = shutil.disk_usage(folder).free
    if need > free:
        raise DiskError(
            "the disk has no room for the neuron", where=folder, got=f"{free} bytes", allowed=f"at least {need}",
            next_step="Make room, or choose another cache by CONCH_CACHE.",
        )  # fmt: skip
    progress.stage(offer.ref, "pull", need)
    for file in wanted:
        part, where = folder / f"{file}.part", f"{remote.url}: {offer.ref}: {file}"
        save(remote.chunks(offer, file), offer.sizes[file], part, progress, where)
        if not _is(part, offer.card.files[file]):
            got = part.stat().st_size
            part.unlink()
            raise NeuronRefused(
                "the content differs from the card's digest",
                where=where,
                got=f"{got} bytes of {offer.sizes[file]}",
            )
        part.replace(folder / file)


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_file(path) == sha256


@contextlib.contextmanager
def _staging(digest: str) -> Iterator[Path]:
    """Yield the folder in the user's cache where the files of one content digest are gathered.

    It is kept when the place fails, so that the next pull goes on, and deleted when the version is in or is refused.

    :raises DiskError: the cache cannot be written.
    """
    from conch_dna.models.cache import cache_dir, lock

    folder = cache_dir() / "pulls" / digest.removeprefix("sha256:")
    try:
        with lock(folder):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                yield folder
            except NeuronRefused:
                shutil.rmtree(folder)
                raise
            shutil.rmtree(folder)
    except OSError as fault:
        if isinstance(fault, DiskError):
            raise
        raise DiskError("cannot write the fetched files", where=fault.filename or folder, got=fault.strerror) from fault
