"""What every place that neurons are pushed to has in common: what it offers, how it is asked, and how it fails."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pydantic_core import from_json

from conch_dna.errors import ConchError, NeuronRefused, RegistryError
from conch_dna.registry.card import CONFIG_FILE, CONTENT_FILES, WEIGHTS_FILE, parse_card

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from conch_dna.registry.card import Card
    from conch_dna.registry.entry import Entry
    from conch_dna.util.progress import Progress

CHUNK = 8 * 2**20  # bytes of one read of a remote file
MAX_CARD = 2**20
# Bytes that a file may have at most, whatever the place says of it.
MAX_BYTES = {CONFIG_FILE: 2**20, WEIGHTS_FILE: 16 * 2**30}

_USER_INFO = re.compile(r"(?<=://)[^/\s]*@")  # to the last @: a password may have one
_QUERY = re.compile(r"(://[^\s?]*)\?\S*")  # signed addresses carry their signature there
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all but tabs and ends of lines
_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL", re.IGNORECASE)  # in the name of a variable


@dataclass(frozen=True)
class Offer:
    """One whole version at a place.

    :param place: where its files are: a folder of a store, or a commit of a hub repository.
    :param sizes: bytes of each file there, by name.
    :param aliases: those that point at it; a hub repository has its tags instead, which are not listed.
    """

    card: Card
    place: str
    sizes: Mapping[str, int]
    aliases: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """The reference that it has in the registry it came from."""
        return f"{self.card.name}@{self.card.version}"


@dataclass(frozen=True)
class Sent:
    """What a push came to.

    :param url: the place, without credentials.
    :param files: the files that were sent, or would be; none where all were there.
    :param revision: the commit on a hub.
    """

    ref: str
    digest: str
    url: str
    files: tuple[str, ...] = ()
    aliases: tuple[str, ...] = field(default=())
    revision: str | None = None


class Remote(Protocol):
    """A place that neurons are pushed to and pulled from.

    :param url: how it is shown: without credentials.
    """

    url: str

    def offers(self) -> list[Offer]:
        """Return every whole version, the newest of each name last."""

    def find(self, name: str | None, selector: str | None) -> Offer:
        """Return what ``name@selector`` means there; both may be left out where there is no doubt.

        :raises UnknownName: there is no such version; the message lists those that are.
        :raises NeuronRefused: its card is damaged.
        """

    def chunks(self, offer: Offer, file: str) -> Iterator[bytes]:
        """Yield the bytes of a file."""

    def send(self, entry: Entry, aliases: Sequence[str], progress: Progress, *, dry_run: bool) -> Sent:
        """Put a version there, its card last, and then the aliases."""


@contextlib.contextmanager
def reaching(url: str) -> Iterator[None]:
    """Turn what goes wrong at a place into one line without credentials.

    :raises RegistryError: for any error that is not one of ours.
    """
    try:
        yield
    except ConchError:
        raise
    except ImportError as fault:
        raise RegistryError(
            "the packages that reach this store are not installed",
            where=url,
            got=told(fault),
            next_step="`pip install 'conch-dna[remote]'` brings those for S3; another store needs its fsspec package.",
        ) from fault
    except Exception as fault:  # each store's library has errors of its own, without a common root
        raise RegistryError(
            f"the store refused or did not answer ({type(fault).__name__})", where=url, got=told(fault)
        ) from fault


def told(fault: BaseException) -> str:
    """Return what an error and its cause say, in one line, without passwords, signatures and secret variables."""
    faults = dict.fromkeys(str(part) for part in (fault, fault.__cause__) if part)
    text = _QUERY.sub(r"\1", _USER_INFO.sub("", " ".join(" ".join(faults).split())))
    for name, value in os.environ.items():
        if _SECRET.search(name) and len(value) >= 8:
            text = text.replace(value, "***")
    return text[:300]


def public(url: str) -> str:
    """Return ``url`` without user, password and query."""
    return _USER_INFO.sub("", url).partition("?")[0] if "://" in url else url


def check_offer(offer: Offer, where: str) -> None:
    """Check that what is offered may be fetched at all.

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
    """Return the card in ``data``, of which the caller read at most one byte more than is allowed.

    :raises NeuronRefused: it is too large, damaged, or of a newer schema, or has text that could steer a terminal.
    """
    from conch_dna.registry.aliases import NAME

    if len(data) > MAX_CARD:
        raise NeuronRefused("card too large", where=where, allowed=f"up to {MAX_CARD} bytes")
    if (steering := _control_in(data)) is not None:
        raise NeuronRefused("control characters in the card", where=where, got=ascii(steering)[:80])
    card = parse_card(data, where)
    if not NAME.fullmatch(card.name):
        raise NeuronRefused("not a neuron name", where=where, got=ascii(card.name), allowed=NAME.pattern)
    return card


def _control_in(data: bytes) -> str | None:
    """Return a key or text of a card with control characters, if there is one; ``parse_card`` tells what is no JSON."""
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

    :param size: what the place says it has; not a byte more is written.
    :param where: what an error names as the file.
    :raises NeuronRefused: there are more.
    """
    written = 0
    with into.open("wb") as file:
        for chunk in chunks:
            written += len(chunk)
            if written > size:
                raise NeuronRefused("longer than it was said to be", where=where, allowed=f"{size} bytes")
            file.write(chunk)
            progress.advance(len(chunk))
