"""Neurons in a folder or in any store that fsspec supports (``s3://``, ``gs://``, ``memory://``, ...).

Layout: ``<url>/<name>/<content digest>/{adapter_config.json, adapters.safetensors, README.md, neuron.json}`` and
``<url>/<name>/aliases/<alias>.json``. Object stores have no rename, so the card is written last: a version without a
card is incomplete. Versions share no file, so concurrent pushes do not overwrite each other.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from conch_dna.errors import NeuronRefused, RegistryError, UnknownName
from conch_dna.records import SCHEMA_VERSION, Record
from conch_dna.registry.aliases import CURRENT, NAME, is_alias, now
from conch_dna.registry.card import CARD_FILE, CONTENT_FILES, README_FILE
from conch_dna.registry.remotes import shared_folder
from conch_dna.registry.remotes.base import (
    CHUNK,
    MAX_CARD,
    Offer,
    PushResult,
    card_from,
    check_offer,
    public_url,
    reaching,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conch_dna.registry.entry import Entry
    from conch_dna.util.progress import Progress

ALIASES_DIR = "aliases"
_HEX = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(r"(sha256:)?([0-9a-f]{12,64})")


class Pointer(Record):
    """The content of ``<alias>.json``: the version that an alias points at."""

    schema_version: int = Field(SCHEMA_VERSION, le=SCHEMA_VERSION)
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="content digest of the version")
    ref: str = Field(description="name and version in the registry it was pushed from")
    at: str = Field(description="ISO 8601, UTC")


class Bucket:
    """A folder or store; see :class:`conch_dna.registry.remotes.base.Remote`.

    :param url: a folder's path, or an fsspec URL.
    :raises RegistryError: the kind of store is unknown, or its packages are not installed.
    """

    def __init__(self, url: str) -> None:
        where = url if "://" in url else str(Path(url).expanduser().absolute())
        self.url = public_url(where)
        with reaching(self.url):
            import fsspec  # optional

            # Without a cache, since another process may push at any time.
            self.fs, self.root = fsspec.core.url_to_fs(where, use_listings_cache=False)
            self.local = isinstance(self.fs, fsspec.implementations.local.LocalFileSystem)

    def offers(self) -> list[Offer]:
        """Return every complete version, sorted by name and creation time; damaged ones are left out."""
        return [offer for name in self._names() for offer in self._versions(name)]

    def find(self, name: str | None, selector: str | None) -> Offer:
        """Return the version at an alias (default: ``current``) or with a digest of this prefix (12 digits or more)."""
        names = self._names()
        if name is None and len(names) == 1:
            name = names[0]
        if name is None or name not in names:
            what = "which neuron is meant?" if name is None and names else "no such neuron"
            raise UnknownName(what, where=self.url, got=name, allowed=", ".join(names) or "none: nothing is there")
        alias = selector or CURRENT
        if is_alias(alias) and (pointer := self._pointer(name, alias)):
            return self._offer(name, pointer.digest.removeprefix("sha256:"), aliases=(alias,))
        prefix = _PREFIX.fullmatch(alias)
        found = [digest for digest in self._digests(name) if prefix and digest.startswith(prefix[2])]
        if len(found) != 1:
            raise UnknownName("no such version", where=self.url, got=f"{name}@{alias}", allowed=self._choices(name))
        return self._offer(name, found[0])

    def chunks(self, offer: Offer, file: str) -> Iterator[bytes]:
        """Yield the bytes of a file of ``offer``."""
        yield from self._read(f"{offer.location}/{file}")

    def send(self, entry: Entry, aliases: Sequence[str], progress: Progress, *, dry_run: bool) -> PushResult:
        """Send the files that are missing or differ in size or digest: content first, then the card, then the aliases.

        :raises RegistryError: the store failed; the same push continues from there.
        """
        card = entry.card
        location = f"{self.root}/{card.name}/{card.digest.removeprefix('sha256:')}"
        sizes = self._sizes(location)
        files = [file for file in CONTENT_FILES if not self._has(location, file, sizes, entry)]
        if not self._has_card(entry):
            files += [README_FILE, CARD_FILE]
        sent = PushResult(entry.ref, card.digest, self.url, tuple(files), tuple(aliases))
        if dry_run:
            return sent
        pointers = [f"{self.root}/{card.name}/{ALIASES_DIR}/{alias}.json" for alias in aliases]
        if self.local:
            with reaching(self.url):
                for path in (*(f"{location}/{file}" for file in (*CONTENT_FILES, README_FILE, CARD_FILE)), *pointers):
                    shared_folder.sweep(Path(path))
        progress.stage(entry.ref, "push", sum((entry.path / file).stat().st_size for file in files))
        for file in files:
            self._put(entry.path / file, f"{location}/{file}", progress)
        pointer = Pointer(digest=card.digest, ref=entry.ref, at=now()).model_dump_json(indent=2) + "\n"
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "alias.json")
            source.write_text(pointer, encoding="utf-8")
            for path in pointers:
                self._put(source, path, None)
        return sent

    def _list(self, path: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the entries directly under ``path`` with their base names; empty if there is no such folder."""
        with reaching(self.url):
            try:
                rows = self.fs.ls(path, detail=True)
            except FileNotFoundError:
                return []
        named = ((row["name"].rstrip("/").rpartition("/")[2], row) for row in rows)
        return sorted(named, key=itemgetter(0))  # a store may have an object and a folder of one name

    def _folders(self, path: str) -> list[str]:
        return [name for name, row in self._list(path) if row["type"] == "directory"]

    def _names(self) -> list[str]:
        return [name for name in self._folders(self.root) if NAME.fullmatch(name)]

    def _digests(self, name: str) -> list[str]:
        return [digest for digest in self._folders(f"{self.root}/{name}") if _HEX.fullmatch(digest)]

    def _sizes(self, location: str) -> dict[str, int]:
        return {name: int(row["size"] or 0) for name, row in self._list(location) if row["type"] == "file"}

    def _versions(self, name: str) -> list[Offer]:
        aliases: dict[str, list[str]] = {}
        for file, _ in self._list(f"{self.root}/{name}/{ALIASES_DIR}"):
            alias = file.removesuffix(".json")
            with contextlib.suppress(NeuronRefused):  # a damaged alias: a pull by that alias reports it
                if is_alias(alias) and (pointer := self._pointer(name, alias)):
                    aliases.setdefault(pointer.digest.removeprefix("sha256:"), []).append(alias)
        found = []
        for digest in self._digests(name):
            try:
                found.append(self._offer(name, digest, tuple(aliases.get(digest, ()))))
            except NeuronRefused:
                continue  # incomplete or damaged: a pull of it reports which
        return sorted(found, key=lambda offer: offer.card.created_at)

    def _choices(self, name: str) -> str:
        """Return the aliases and shortened digests of the existing versions, for an error."""
        choices = (choice for o in self._versions(name) for choice in (*o.aliases, o.card.digest[7:19]))
        return ", ".join(f"{name}@{choice}" for choice in choices) or "none: nothing is there"

    def _offer(self, name: str, digest: str, aliases: tuple[str, ...] = ()) -> Offer:
        location = f"{self.root}/{name}/{digest}"
        where = f"{self.url}: {name}/{digest[:12]}/{CARD_FILE}"
        sizes = self._sizes(location)
        if CARD_FILE not in sizes:
            raise NeuronRefused("the push is incomplete", where=where, next_step="Push it again.")
        card = card_from(self._small(f"{location}/{CARD_FILE}"), where)
        if (card.name, card.digest) != (name, f"sha256:{digest}"):
            raise NeuronRefused("the card is of another neuron", where=where, got=f"{card.name}, {card.digest}")
        return Offer(card, location, sizes, aliases)

    def _pointer(self, name: str, alias: str) -> Pointer | None:
        folder, file = f"{self.root}/{name}/{ALIASES_DIR}", f"{alias}.json"
        if file not in self._sizes(folder):  # a plain file only: reading a pipe would never end
            return None
        try:
            return Pointer.model_validate_json(self._small(f"{folder}/{file}"))
        except ValidationError as fault:
            raise NeuronRefused(
                "the alias is damaged", where=f"{self.url}: {name}@{alias}", next_step="Push it again."
            ) from fault

    def _small(self, path: str) -> bytes:
        """Return the first ``MAX_CARD`` + 1 bytes of a file."""
        with reaching(self.url), self.fs.open(path, "rb", cache_type="none") as file:
            return bytes(file.read(MAX_CARD + 1))

    def _read(self, path: str) -> Iterator[bytes]:
        # Without a cache every read is a separate request, which the store's library retries.
        with reaching(self.url), self.fs.open(path, "rb", block_size=CHUNK, cache_type="none") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def _has(self, location: str, file: str, sizes: dict[str, int], entry: Entry) -> bool:
        """Return true if a content file in the store has the right digest; it is read if its size is right."""
        if sizes.get(file) != (entry.path / file).stat().st_size:
            return False
        digest = hashlib.sha256()
        for chunk in self._read(f"{location}/{file}"):
            digest.update(chunk)
        return digest.hexdigest() == entry.card.files[file]

    def _has_card(self, entry: Entry) -> bool:
        """Return true if the store has a card for this content that a pull accepts.

        :raises RegistryError: that card is for another base; the store keeps one card per content digest.
        """
        try:
            there = self._offer(entry.name, entry.card.digest.removeprefix("sha256:"))
            check_offer(there, self.url)
        except NeuronRefused:
            return False
        ours, theirs = entry.card.base_digest, there.card.base_digest
        if ours != theirs:
            raise RegistryError(
                "the store has this content for another base",
                where=f"{self.url}: {there.ref}",
                got=ours,
                allowed=theirs,
                next_step="Push it to another folder or store.",
            )
        return True

    def _put(self, source: Path, path: str, progress: Progress | None) -> None:
        """Write one file: atomically if the store can, else its digest is wrong until it is complete."""
        with reaching(self.url):
            if self.local:
                shared_folder.put(source, Path(path))
            else:
                self.fs.put_file(str(source), path)
            size = self.fs.info(path)["size"]
        if size != source.stat().st_size:
            raise RegistryError(
                "the stored file has another size than the one that was sent",
                where=f"{self.url}: {source.name}",
                got=size,
            )
        if progress:
            progress.advance(size)
