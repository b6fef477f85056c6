"""API keys, from the environment or the system keyring; never written or shown."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from conch_dna.errors import ConfigError
from conch_dna.util.network import is_loopback, refuse_plain_http

SERVICE = "conch-dna"  # of the keyring
SHOWN = "[key]"  # replaces a key in any text
OTHERS = "CONCH_API_KEY_"  # begins the variables of the keys of other endpoints than the providers' own
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


def key_of(provider: str, base_url: str, official: str) -> Key:
    """Return the key of an endpoint: from the environment, else from the keyring entry of ``conch-dna``.

    A provider's key goes to the provider alone: ``conch.toml`` may come from anyone, and can name any endpoint.

    :param base_url: an endpoint on this machine needs no key.
    :param official: the provider's own URL.
    :raises ConfigError: there is no key, it is malformed, or the endpoint is asked by plain http on another machine.
    """
    refuse_plain_http(base_url, f"base_url of teacher {provider}")
    variable, entry = names_of(provider, base_url, official)
    found = os.environ.get(variable, "").strip() or _from_keyring(entry)
    if found:
        if not found.isascii() or not found.isprintable() or " " in found:
            raise ConfigError("is not a key: it contains characters that are not allowed in a header", where=variable)
        return Key(found)
    if is_here(base_url):
        return Key(NO_KEY)
    raise ConfigError(f"has no key for {host_of(base_url)}", where=f"teacher {provider}",
                      next_step=f"Set {variable}, or store it: keyring set {SERVICE} {entry}")  # fmt: skip


def names_of(provider: str, base_url: str, official: str) -> tuple[str, str]:
    """Return the environment variable and the keyring entry of an endpoint's key.

    Those of another endpoint than the provider's own are named after its host: ``CONCH_API_KEY_HOST_EXAMPLE_8000`` for
    ``host.example:8000``, with two underscores for a hyphen.
    """
    host = host_of(base_url).lower()
    if host == host_of(official):
        return f"{provider.upper()}_API_KEY", provider
    written = host.replace("_", "___").replace("-", "__")
    return f"{OTHERS}{re.sub('[^a-z0-9_]', '_', written).upper()}", host


def is_here(base_url: str) -> bool:
    """Return whether an endpoint is on this machine."""
    return is_loopback(urlsplit(base_url).hostname or "")


def host_of(base_url: str) -> str:
    """Return host and port of an endpoint; empty for an empty URL, which means the provider's own."""
    return urlsplit(base_url).netloc.rpartition("@")[2]


def _from_keyring(entry: str) -> str:
    """Return a keyring entry; empty if there is no keyring, or it is locked."""
    try:  # here: an optional package, slow to import
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return ""
    try:
        return (keyring.get_password(SERVICE, entry) or "").strip()
    except KeyringError:
        return ""
