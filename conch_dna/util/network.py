"""Addresses: which of them leave this machine, and which of those may be asked without encryption."""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import urlsplit

from conch_dna.errors import ConfigError

PLAIN_HTTP = "CONCH_PLAIN_HTTP"  # hosts, with their ports, that may be asked by plain http


# Up to the last @, since a password may contain one, or a slash; also before a host without a scheme.
_USER_INFO = re.compile(
    r"(?<=://)[^/\s]*@|(?<=://)[^/\s:@]+:(?!\d+/)[^\s@'\"]+@|(?<![\w/:])[^/\s:@'\"]+:[^/\s@'\"]+@(?=[\w.-]+)"
)
_AFTER_PATH = re.compile(r"(://[^\s?#;]*)[?#;][^\s'\"]*")  # the query, fragment or parameters, such as a signature


def without_secrets(text: str) -> str:
    """Return a text whose URLs have no user, password, query, fragment and parameters."""
    return _AFTER_PATH.sub(r"\1", _USER_INFO.sub("", text))


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
    host = parts.netloc.rpartition("@")[2]
    allowed = [name.strip() for name in os.environ.get(PLAIN_HTTP, "").split(",")]
    if parts.scheme == "http" and not is_loopback(parts.hostname or "") and host not in allowed:
        raise ConfigError(
            "plain http to another machine, so that prompts and key can be read on the way", where=where,
            got=without_secrets(url),
            next_step=f"Use https, forward a port of this machine, or set {PLAIN_HTTP}={host}",
        )  # fmt: skip
