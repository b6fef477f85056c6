"""Tags of versions, which may change, unlike the card; keys follow the rules of MLflow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conch_dna.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,249}")
MAX_VALUE = 5000  # characters


def check_tag(key: str, value: str) -> None:
    """Check that a tag is allowed.

    :raises RegistryError: the key is not allowed, or the value is too long or not valid Unicode.
    """
    if not KEY.fullmatch(key):
        raise RegistryError("not a tag key", got=repr(key), allowed=KEY.pattern)
    if len(value) > MAX_VALUE:
        raise RegistryError(
            "the tag value is too long", where=key, got=f"{len(value)} characters", allowed=f"up to {MAX_VALUE}"
        )
    try:
        value.encode()
    except UnicodeEncodeError as fault:
        raise RegistryError("the tag value is not valid Unicode", where=key, got=ascii(value)) from fault


def has_tag(tags: Mapping[str, str], wanted: str) -> bool:
    """Return true if ``tags`` have the key ``wanted``, or for ``KEY=VALUE`` that key with that value."""
    key, equals, value = wanted.partition("=")
    return key in tags and (not equals or tags[key] == value)
