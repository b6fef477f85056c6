"""Addresses: which of them leave this machine, and which of those may be asked without encryption."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from conch_dna.errors import ConfigError

PLAIN_HTTP = "CONCH_PLAIN_HTTP"  # hosts, with their ports, that may be asked by plain http


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is ``localhost`` or a loopback address; other names may resolve to other machines."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_plain_http(url: str, where: object) -> None:
    """Refuse a URL whose requests anyone on their way could read: plain http to another machine.

    :param where: the setting that has the URL, for the error.
    :raises ConfigError: it is one, and ``CONCH_PLAIN_HTTP`` does not name its host.
    """
    parts = urlsplit(url)
    allowed = [name.strip() for name in os.environ.get(PLAIN_HTTP, "").split(",")]
    if parts.scheme == "http" and not is_loopback(parts.hostname or "") and parts.netloc not in allowed:
        raise ConfigError(
            "plain http to another machine, so that prompts and key can be read on the way", where=where, got=url,
            next_step=f"Use https, forward a port of this machine, or set {PLAIN_HTTP}={parts.netloc}",
        )  # fmt: skip
