"""Push and pull of neurons between a registry and a folder, an object store or a model hub."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from conch_dna.errors import DiskError, NeuronRefused, RegistryError
from conch_dna.models.cache import cache_dir, lock
from conch_dna.registry.adopt import adopt, complete, find_same
from conch_dna.registry.aliases import CURRENT, NAME, is_alias
from conch_dna.registry.card import CONTENT_FILES, README_FILE, Origin
from conch_dna.registry.entry import check_content
from conch_dna.registry.remotes.base import check_offer, save
from conch_dna.util.files import sha256_file
from conch_dna.util.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conch_dna.registry.remotes.base import Offer, PushResult, Remote
    from conch_dna.registry.store import Registry

HUB = "hf://"

log = structlog.get_logger()


@dataclass(frozen=True)
class PullResult:
    """The result of a pull.

    :param ref: the version in this registry; ``None`` for a dry run that found no copy here.
    :param new: true if the version was added, false if this registry had it already.
    :param offer: the version in the store.
    """

    ref: str | None
    new: bool
    offer: Offer
    url: str


def open_remote(url: str, *, public: bool = False) -> Remote:
    """Return the store at ``url``, without a request to it.

    :param url: a folder, an fsspec URL, or ``hf://OWNER/REPO``.
    :param public: allow a public hub repository, and create a new one as public.
    :raises RegistryError: the kind of store is unknown, or its packages are not installed.
    """
    if url.startswith(HUB):
        from conch_dna.registry.remotes.hub import Hub  # huggingface_hub is optional and slow to import

        return Hub(url, public=public)
    from conch_dna.registry.remotes.bucket import Bucket  # so is fsspec

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
) -> PushResult:
    """Send one version to ``url`` and point its aliases ``current`` and ``aliases`` there at it.

    Files that are there already are not sent again. A push that is killed leaves the store without the version, with
    the complete version, or with files that no reader accepts as one; the same push continues from them.

    :param public: allow a public hub repository, and create a new one as public.
    :param dry_run: return what would be sent, and send nothing.
    :raises UnknownName: no version is called ``ref``.
    :raises NeuronRefused: the version is damaged.
    :raises RegistryError: an alias is not allowed, or the store failed.
    """
    wrong = [alias for alias in aliases if not is_alias(alias)]
    if wrong:
        raise RegistryError("not an alias", got=repr(wrong[0]), allowed=f"{NAME.pattern}, not a number")
    entry = registry.resolve(ref)
    check_content(entry)
    if not (entry.path / README_FILE).is_file():
        raise NeuronRefused("file missing", where=entry.path, got=README_FILE)
    all_aliases = tuple(dict.fromkeys((CURRENT, *aliases)))
    sent = open_remote(url, public=public).send(entry, all_aliases, progress or Progress(), dry_run=dry_run)
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
) -> PullResult:
    """Download one version from ``url`` and add it to the registry under the next number of its name.

    The files must match the digests on the card; nothing else that the store reports is trusted. Files that a killed
    pull downloaded completely are not downloaded again.

    :param ref: ``NAME``, ``NAME@ALIAS`` or ``NAME@DIGEST``, on a hub ``NAME@REVISION``; default: ``current`` of the
        only neuron there.
    :param aliases: the aliases to point at it here; without any, ``current`` is set if the name has none.
    :param dry_run: return what would be downloaded, and download nothing.
    :raises UnknownName: no such version.
    :raises NeuronRefused: it is damaged, differs from its card, or did not pass its gate.
    :raises RegistryError: the store or the disk failed.
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
    here, new = find_same(registry, card), False
    if dry_run:
        return PullResult(here.ref if here else None, here is None, offer, remote.url)
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
    return PullResult(here.ref, new, offer, remote.url)


def _fetch(remote: Remote, offer: Offer, folder: Path, progress: Progress) -> None:
    """Download the content files missing in ``folder``; each gets its name once its digest is correct."""
    wanted = [file for file in CONTENT_FILES if not _has_digest(folder / file, offer.card.files[file])]
    need = sum(offer.sizes[file] for file in wanted)
    free = shutil.disk_usage(folder).free
    if need > free:
        raise DiskError(
            "not enough free disk space for the neuron", where=folder, got=f"{free} bytes", allowed=f"at least {need}",
            next_step="Free some space, or set CONCH_CACHE to a cache on another disk.",
        )  # fmt: skip
    progress.stage(offer.ref, "pull", need)
    for file in wanted:
        part, where = folder / f"{file}.part", f"{remote.url}: {offer.ref}: {file}"
        save(remote.chunks(offer, file), offer.sizes[file], part, progress, where)
        if not _has_digest(part, offer.card.files[file]):
            got = part.stat().st_size
            part.unlink()
            raise NeuronRefused(
                "the content differs from the card's digest",
                where=where,
                got=f"{got} bytes of {offer.sizes[file]}",
            )
        part.replace(folder / file)


def _has_digest(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_file(path) == sha256


@contextlib.contextmanager
def _staging(digest: str) -> Iterator[Path]:
    """Yield the folder in the user's cache for the downloaded files of one content digest.

    It is kept if the store fails, so that the next pull continues, and deleted once the version is added or refused.

    :raises DiskError: the cache cannot be written.
    """
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
