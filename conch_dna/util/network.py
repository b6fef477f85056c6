"""Loopback addresses: a request that does not leave this machine needs no key."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is ``localhost`` or a loopback address; other names may resolve to other machines."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
