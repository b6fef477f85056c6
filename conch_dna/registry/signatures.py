"""Signatures of cards in minisign's format: whoever has the public key knows who says what a card says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conch_dna.errors import ConfigError, NeuronRefused
from conch_dna.registry.card import CARD_FILE, claims_digest, parse_card
from conch_dna.registry.entry import Entry, check_content
from conch_dna.registry.lock import locked
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conch_dna.registry.store import Registry


def sign(registry: Registry, ref: str, key: Path, password: Callable[[], str]) -> Entry:
    """Sign the card of a version; an earlier signature is replaced, and nothing else changes.

    :param key: a secret key of minisign.
    :param password: called if the key is encrypted.
    :raises ConfigError: py-minisign is not installed, or the key cannot be used.
    :raises UnknownName: no version is called ``ref``.
    :raises NeuronRefused: the version is damaged.
    """
    minisign = _minisign()
    with locked(registry.root, registry.timeout):
        entry = registry.resolve(ref)
        check_content(entry)
        path = entry.path / CARD_FILE
        card = json.loads(path.read_bytes())
        card["claims"] = claims_digest(card)
        try:
            with minisign.SecretKey.from_file(key) as secret:
                if secret.is_encrypted():
                    secret.decrypt(password())
                signature = secret.sign(card["claims"].encode(), trusted_comment=f"{entry.name} {entry.card.digest}")
        except (OSError, minisign.Error) as fault:
            raise ConfigError("the secret key cannot be used", where=key, got=str(fault)) from fault
        card["signature"] = bytes(signature).decode()
        text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
        signed = parse_card(text.encode(), path)
        write_atomic(path, text)
    return Entry(entry.name, entry.version, entry.path, signed)


def check_signature(entry: Entry, key: str) -> None:
    """Check that the holder of a key has signed what a version's card says.

    :param key: a public key of minisign, in base64.
    :raises ConfigError: py-minisign is not installed, or that is no key.
    :raises NeuronRefused: there is no signature, or one of another key or for other claims.
    """
    minisign, card = _minisign(), entry.card
    try:
        public = minisign.PublicKey.from_base64(key)
    except minisign.Error as fault:
        raise ConfigError("not a public key of minisign", got=key, allowed="its line in base64") from fault
    if card.signature is None or card.claims is None:
        raise NeuronRefused("is not signed", where=entry.ref)
    try:
        public.verify(card.claims.encode(), minisign.Signature.from_bytes(card.signature.encode()))
    except minisign.Error as fault:
        raise NeuronRefused("was not signed with this key", where=entry.ref, got=str(fault)) from fault


def _minisign() -> Any:
    try:
        import minisign
    except ImportError as fault:
        raise ConfigError(
            "signatures need py-minisign", got=fault.name, next_step="Run `pip install 'conch-dna[sign]'`."
        ) from fault
    return minisign
