"""API keys, from the environment or the system keyring; never written or shown."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from conch_dna.errors import ConfigError
from conch_dna.util.network import is_loopback

SERVICE = "conch-dna"  # of the keyring
SHOWN = "[key]"  # replaces a key in any text
NO_KEY = "none"  # sent if no key is needed, since some clients require one


@dataclass(frozen=True)
class Key:
    """A key that does not appear in a repr, a traceback, or a text that :meth:`hide` has processed."""

    value: str = field(repr=False)

    def hide(self, text: str) -> str:
        """Return ``text`` without the key, plain or URL-encoded: a server may send it back."""
        if self.value == NO_KEY:
            return text
        for written in {self.value, quote(self.value, safe="")}:
            text = text.replace(written, SHOWN)
        return text


def key_of(provider: str, base_url: str) -> Key:
    """Return the key: ``PROVIDER_API_KEY`` of the environment, else the keyring entry of ``conch-dna``.

    :param base_url: an endpoint on this machine needs no key.
    :raises ConfigError: there is no key, or it is malformed.
    """
    variable = f"{provider.upper()}_API_KEY"
    found = os.environ.get(variable, "").strip() or _from_keyring(provider)
    if found:
        if not found.isascii() or not found.isprintable() or " " in found:
            raise ConfigError("is not a key: it contains characters that are not allowed in a header", where=variable)
        return Key(found)
    if is_here(base_url):
        return Key(NO_KEY)
    raise ConfigError("has no key", where=f"teacher {provider}",
                      next_step=f"Set {variable}, or store it: keyring set {SERVICE} {provider}")  # fmt: skip


def is_here(base_url: str) -> bool:
    """Return whether an endpoint is on this machine."""
    return is_loopback(urlsplit(base_url).hostname or "")


def host_of(base_url: str) -> str:
    """Return host and port of an endpoint; empty for an empty URL, which means the provider's own."""
    return urlsplit(base_url).netloc.rpartition("@")[2]


def _from_keyring(provider: str) -> str:
    """Return the keyring's entry; empty if there is no keyring, or it is locked."""
    try:  # here: an optional package, slow to import
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return ""
    try:
        return (keyring.get_password(SERVICE, provider) or "").strip()
    except KeyringError:
        return ""
