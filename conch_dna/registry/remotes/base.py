"""The protocol of remote stores for neurons, the records they return, and the checks of what they send."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pydantic_core import from_json

from conch_dna.errors import ConchError, NeuronRefused, RegistryError
from conch_dna.registry.aliases import NAME
from conch_dna.registry.card import CONFIG_FILE, CONTENT_FILES, WEIGHTS_FILE, parse_card
from conch_dna.util.network import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from conch_dna.registry.card import Card
    from conch_dna.registry.entry import Entry
    from conch_dna.util.progress import Progress

CHUNK = 8 * 2**20  # bytes of one read of a remote file
MAX_CARD = 2**20
# The largest size in bytes that a file may have, whatever size the store reports.
MAX_BYTES = {CONFIG_FILE: 2**20, WEIGHTS_FILE: 16 * 2**30}

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all except tab and newline characters
_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL", re.IGNORECASE)  # in an environment variable's name


@dataclass(frozen=True)
class Offer:
    """One complete version in a remote store.

    :param location: a folder of the store, or a commit of a hub repository.
    :param sizes: the size of each file in bytes, by name.
    :param aliases: the aliases that point at it; the tags of a hub repository are not listed.
    """

    card: Card
    location: str
    sizes: Mapping[str, int]
    aliases: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """The reference in the registry it was pushed from."""
        return f"{self.card.name}@{self.card.version}"


@dataclass(frozen=True)
class PushResult:
    """The result of a push.

    :param url: the store, without credentials.
    :param files: the files that were sent, or would be; empty if all were there already.
    :param revision: the commit in a hub repository.
    """

    ref: str
    digest: str
    url: str
    files: tuple[str, ...] = ()
    aliases: tuple[str, ...] = field(default=())
    revision: str | None = None


class Remote(Protocol):
    """A store that neurons are pushed to and pulled from.

    :param url: its address without credentials, for messages.
    """

    url: str

    def offers(self) -> list[Offer]:
        """Return every complete version, the newest of each name last."""

    def find(self, name: str | None, selector: str | None) -> Offer:
        """Return the version ``name@selector``; both may be omitted if only one version matches.

        :raises UnknownName: no such version; the message lists the existing ones.
        :raises NeuronRefused: its card is damaged.
        """

    def chunks(self, offer: Offer, file: str) -> Iterator[bytes]:
        """Yield the bytes of a file."""

    def send(self, entry: Entry, aliases: Sequence[str], progress: Progress, *, dry_run: bool) -> PushResult:
        """Upload a version, its card last, and then its aliases."""


@contextlib.contextmanager
def reaching(url: str) -> Iterator[None]:
    """Turn an exception of a store into an error of one line without credentials.

    :raises RegistryError: the block raised an exception that is not a :class:`ConchError`.
    """
    try:
        yield
    except ConchError:
        raise
    except ImportError as fault:
        raise RegistryError(
            "the packages for this store are not installed",
            where=url,
            got=redacted_message(fault),
            next_step="Run `pip install 'conch-dna[remote]'` for S3; another store needs its fsspec package.",
        ) from fault
    except Exception as fault:  # each store's library has its own exceptions, without a common base class
        raise RegistryError(
            f"the store refused or did not answer ({type(fault).__name__})", where=url, got=redacted_message(fault)
        ) from fault


def redacted_message(fault: BaseException) -> str:
    """Return the message of an exception and its cause in one line, without passwords, signatures and secrets.

    Secrets are the values of environment variables with a name such as ``AWS_SECRET_ACCESS_KEY``.
    """
    faults = dict.fromkeys(str(part) for part in (fault, fault.__cause__) if part)
    text = without_secrets(" ".join(" ".join(faults).split()))
    for name, value in os.environ.items():
        if _SECRET.search(name) and len(value) >= 8:
            text = text.replace(value, "***")
    return text[:300]


def public_url(url: str) -> str:
    """Return the URL of a store without user, password, query and fragment; a folder as it is."""
    return without_secrets(url) if "://" in url else url


def check_offer(offer: Offer, where: str) -> None:
    """Check a version before it is downloaded.

    :raises NeuronRefused: its gate did not pass, or a file is missing or too large.
    """
    verdict = offer.card.verdict
    if verdict and not (verdict.passed and all(check.passed for check in verdict.checks)):
        reason = " ".join(verdict.reason.split())
        raise NeuronRefused("its gate did not pass", where=f"{where}: {offer.ref}", got=reason)
    for file in CONTENT_FILES:
        size = offer.sizes.get(file)
        if size is None:
            raise NeuronRefused("file missing", where=f"{where}: {offer.ref}", got=file)
        if size > MAX_BYTES[file]:
            raise NeuronRefused(
                "file too large", where=f"{where}: {file}", got=f"{size} bytes", allowed=f"up to {MAX_BYTES[file]}"
            )


def card_from(data: bytes, where: str) -> Card:
    """Parse a card from a remote store.

    :param data: its bytes, at most ``MAX_CARD`` + 1 of them.
    :raises NeuronRefused: it is too large, damaged, of a newer schema, or contains terminal control characters.
    """
    if len(data) > MAX_CARD:
        raise NeuronRefused("card too large", where=where, allowed=f"up to {MAX_CARD} bytes")
    if (unsafe := _control_in(data)) is not None:
        raise NeuronRefused("control characters in the card", where=where, got=ascii(unsafe)[:80])
    card = parse_card(data, where)
    if not NAME.fullmatch(card.name):
        raise NeuronRefused("not a neuron name", where=where, got=ascii(card.name), allowed=NAME.pattern)
    return card


def _control_in(data: bytes) -> str | None:
    """Return a key or string with control characters, or ``None``; ``parse_card`` reports invalid JSON later."""
    try:
        rest = [from_json(data)]
    except ValueError:
        return None
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            rest += [*value, *value.values()]
        elif isinstance(value, list):
            rest += value
        elif isinstance(value, str) and _CONTROL.search(value):
            return value
    return None


def save(chunks: Iterator[bytes], size: int, into: Path, progress: Progress, where: str) -> None:
    """Write the bytes of a remote file; the caller compares their digest.

    :param size: the size that the store reported; no more bytes are written.
    :param where: the file's name in an error.
    :raises NeuronRefused: the file is longer.
    """
    written = 0
    with into.open("wb") as file:
        for chunk in chunks:
            written += len(chunk)
            if written > size:
                raise NeuronRefused("longer than the reported size", where=where, allowed=f"{size} bytes")
            file.write(chunk)
            progress.advance(len(chunk))
