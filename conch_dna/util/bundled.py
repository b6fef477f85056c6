"""Where the bundled plug-ins and domains lie: in a checkout, or inside the installed package."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled_dir(kind: Literal["plugins", "domains"]) -> Path:
    """Return the folder of the bundled ``kind``.

    A checkout is looked at first, so that an edited plug-in is the one that runs. The ``pyproject.toml`` beside it
    proves that it is a checkout: an installed package may well have an unrelated ``plugins`` folder as neighbour.
    """
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / kind).is_dir():
        return checkout / kind
    return _PACKAGE / "bundled" / kind
