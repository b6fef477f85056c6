"""Neurons in a folder or in any store that fsspec reaches (``s3://``, ``gs://``, ``memory://``, ...).

Layout: ``<url>/<name>/<content digest>/{adapter_config.json, adapters.safetensors, README.md, neuron.json}`` and
``<url>/<name>/aliases/<alias>.json``. Object stores have no rename, so the card goes last: a version without one is not
there yet. No file is shared between versions, so pushes at the same time lose nothing of each other.
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
from conch_dna.registry.remotes.base import CHUNK, MAX_CARD, Offer, Sent, card_from, check_offer, public, reaching

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conch_dna.registry.entry import Entry
    from conch_dna.util.progress import Progress

ALIASES_DIR = "aliases"
_HEX = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(r"(sha256:)?([0-9a-f]{12,64})")


class Pointer(Record):
    """``<alias>.json``: what an alias means, and since when."""

    schema_version: int = Field(SCHEMA_VERSION, le=SCHEMA_VERSION)
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="content digest of the version")
    ref: str = Field(description="name and version in the registry it was pushed from")
    at: str = Field(description="ISO 8601, UTC")


class Bucket:
    """A folder or store; see :class:`conch_dna.registry.remotes.base.Remote`.

    :param url: a folder's path, or an fsspec URL.
    :raises RegistryError: there is no such kind of store, or its packages are not installed.
    """

    def __init__(self, url: str) -> None:
        where = url if "://" in url else str(Path(url).expanduser().absolute())
        self.url = public(where)
        with reaching(self.url):
            import fsspec

            # Another process may have pushed since this one looked.
            self.fs, self.root = fsspec.core.url_to_fs(where, use_listings_cache=False)
            self.local = isinstance(self.fs, fsspec.implementations.local.LocalFileSystem)

    def offers(self) -> list[Offer]:
        """Return every whole version, by name and then by the time it was made; damaged ones are left out."""
        return [offer for name in self._names() for offer in self._versions(name)]

    def find(self, name: str | None, selector: str | None) -> Offer:
        """Return what an alias (``current`` when none is given) or the first 12 or more digits of a digest mean."""
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
        """Yield the bytes of a file of an offer."""
        yield from self._read(f"{offer.place}/{file}")

    def send(self, entry: Entry, aliases: Sequence[str], progress: Progress, *, dry_run: bool) -> Sent:
        """Send what is not there yet with the right size and digest: content first, then the card, then the aliases.

        :raises RegistryError: the store failed; the same push again goes on from there.
        """
        card = entry.card
        place = f"{self.root}/{card.name}/{card.digest.removeprefix('sha256:')}"
        sizes = self._sizes(place)
        files = [file for file in CONTENT_FILES if not self._has(place, file, sizes, entry)]
        if not self._has_card(entry):
            files += [README_FILE, CARD_FILE]
        sent = Sent(entry.ref, card.digest, self.url, tuple(files), tuple(aliases))
        if dry_run:
            return sent
        pointers = [f"{self.root}/{card.name}/{ALIASES_DIR}/{alias}.json" for alias in aliases]
        if self.local:
            with reaching(self.url):
                for path in (*(f"{place}/{file}" for file in (*CONTENT_FILES, README_FILE, CARD_FILE)), *pointers):
                    shared_folder.sweep(Path(path))
        progress.stage(entry.ref, "push", sum((entry.path / file).stat().st_size for file in files))
        for file in files:
            self._put(entry.path / file, f"{place}/{file}", progress)
        pointer = Pointer(digest=card.digest, ref=entry.ref, at=now()).model_dump_json(indent=2) + "\n"
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "alias.json")
            source.write_text(pointer, encoding="utf-8")
            for path in pointers:
                self._put(source, path, None)
        return sent

    def _list(self, path: str) -> list[tuple[str, dict[str, Any]]]:
        """Return what is directly under ``path``, by its last name; nothing where there is no such folder."""
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

    def _sizes(self, place: str) -> dict[str, int]:
        return {name: int(row["size"] or 0) for name, row in self._list(place) if row["type"] == "file"}

    def _versions(self, name: str) -> list[Offer]:
        aliases: dict[str, list[str]] = {}
        for file, _ in self._list(f"{self.root}/{name}/{ALIASES_DIR}"):
            alias = file.removesuffix(".json")
            with contextlib.suppress(NeuronRefused):  # a damaged alias: a pull by it says so
                if is_alias(alias) and (pointer := self._pointer(name, alias)):
                    aliases.setdefault(pointer.digest.removeprefix("sha256:"), []).append(alias)
        found = []
        for digest in self._digests(name):
            try:
                found.append(self._offer(name, digest, tuple(aliases.get(digest, ()))))
            except NeuronRefused:
                continue  # half pushed, or damaged: a pull of it says which
        return sorted(found, key=lambda offer: offer.card.created_at)

    def _choices(self, name: str) -> str:
        """Return the aliases and shortened digests of the versions that are there, for an error."""
        choices = (choice for o in self._versions(name) for choice in (*o.aliases, o.card.digest[7:19]))
        return ", ".join(f"{name}@{choice}" for choice in choices) or "none: nothing is there"

    def _offer(self, name: str, digest: str, aliases: tuple[str, ...] = ()) -> Offer:
        place = f"{self.root}/{name}/{digest}"
        where = f"{self.url}: {name}/{digest[:12]}/{CARD_FILE}"
        sizes = self._sizes(place)
        if CARD_FILE not in sizes:
            raise NeuronRefused("not pushed whole", where=where, next_step="Push it again.")
        card = card_from(self._small(f"{place}/{CARD_FILE}"), where)
        if (card.name, card.digest) != (name, f"sha256:{digest}"):
            raise NeuronRefused("the card is of another neuron", where=where, got=f"{card.name}, {card.digest}")
        return Offer(card, place, sizes, aliases)

    def _pointer(self, name: str, alias: str) -> Pointer | None:
        folder, file = f"{self.root}/{name}/{ALIASES_DIR}", f"{alias}.json"
        if file not in self._sizes(folder):  # nor is what is no plain file one: a pipe would never end
            return None
        try:
            return Pointer.model_validate_json(self._small(f"{folder}/{file}"))
        except ValidationError as fault:
            raise NeuronRefused(
                "the alias is damaged", where=f"{self.url}: {name}@{alias}", next_step="Push it again."
            ) from fault

    def _small(self, path: str) -> bytes:
        """Return a small file, or at least its first megabyte and a byte."""
        with reaching(self.url), self.fs.open(path, "rb", cache_type="none") as file:
            return bytes(file.read(MAX_CARD + 1))

    def _read(self, path: str) -> Iterator[bytes]:
        # Without a cache every read is one request of its own, which the store's library tries again by itself.
        with reaching(self.url), self.fs.open(path, "rb", block_size=CHUNK, cache_type="none") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def _has(self, place: str, file: str, sizes: dict[str, int], entry: Entry) -> bool:
        """Tell whether a content file is there as it should be; only its bytes can tell, so they are read."""
        if sizes.get(file) != (entry.path / file).stat().st_size:
            return False
        digest = hashlib.sha256()
        for chunk in self._read(f"{place}/{file}"):
            digest.update(chunk)
        return digest.hexdigest() == entry.card.files[file]

    def _has_card(self, entry: Entry) -> bool:
        """Tell whether a pull would take the card that is there.

        :raises RegistryError: it is for another base, and content has one card.
        """
        try:
            there = self._offer(entry.name, entry.card.digest.removeprefix("sha256:"))
            check_offer(there, self.url)
        except NeuronRefused:
            return False
        ours, theirs = entry.card.base_digest, there.card.base_digest
        if ours != theirs:
            raise RegistryError(
                "this content is there for another base", where=f"{self.url}: {there.ref}", got=ours, allowed=theirs,
                next_step="Push it to another place.",
            )  # fmt: skip
        return True

    def _put(self, source: Path, path: str, progress: Progress | None) -> None:
        """Write one file; it appears whole, or, in stores that cannot do that, fails its digest until it is."""
        with reaching(self.url):
            if self.local:
                shared_folder.put(source, Path(path))
            else:
                self.fs.put_file(str(source), path)
            size = self.fs.info(path)["size"]
        if size != source.stat().st_size:
            raise RegistryError(
                "the store has another size than was sent", where=f"{self.url}: {source.name}", got=size
            )
        if progress:
            progress.advance(size)
