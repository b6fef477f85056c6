"""Keys of API providers: from the environment or the system's keyring, and in nothing that is written or shown."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from conch_dna.errors import ConfigError
from conch_dna.util.network import is_loopback

SERVICE = "conch-dna"  # of the keyring
SHOWN = "[key]"  # what stands in the place of a key
NO_KEY = "none"  # sent where no key is needed, since a client may refuse to send nothing


@dataclass(frozen=True)
class Key:
    """A key that does not show itself: not in a repr, a traceback or a text that :meth:`hide` has been through."""

    value: str = field(repr=False)

    def hide(self, text: str) -> str:
        """Return ``text`` without the key, as it is or as it stands in a URL: a server may send it back."""
        if self.value == NO_KEY:
            return text
        for written in {self.value, quote(self.value, safe="")}:
            text = text.replace(written, SHOWN)
        return text


def key_of(provider: str, base_url: str) -> Key:
    """Return the key: ``PROVIDER_API_KEY`` of the environment, else the entry of ``conch-dna`` in the keyring.

    :param base_url: an endpoint on this machine needs none.
    :raises ConfigError: there is no key, or it cannot be one.
    """
    variable = f"{provider.upper()}_API_KEY"
    found = os.environ.get(variable, "").strip() or _from_keyring(provider)
    if found:
        if not found.isascii() or not found.isprintable() or " " in found:
            raise ConfigError("is no key: it holds blanks or signs that no header takes", where=variable)
        return Key(found)
    if is_here(base_url):
        return Key(NO_KEY)
    raise ConfigError("has no key", where=f"teacher {provider}",
                      next_step=f"Set {variable}, or store it: keyring set {SERVICE} {provider}")  # fmt: skip


def is_here(base_url: str) -> bool:
    """Tell whether an endpoint is on this machine."""
    return is_loopback(urlsplit(base_url).hostname or "")


def host_of(base_url: str) -> str:
    """Return host and port of an endpoint; nothing for an empty URL, which is the provider's own."""
    return urlsplit(base_url).netloc.rpartition("@")[2]


def _from_keyring(provider: str) -> str:
    """Return what the keyring holds; nothing where there is none, or none that opens."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return ""
    try:
        return (keyring.get_password(SERVICE, provider) or "").strip()
    except KeyringError:
        return ""
