"""The bundled domains: every folder in ``domains/`` with a ``domain.toml``."""

from __future__ import annotations

from pathlib import Path

from conch_dna import hookimpl
from conch_dna.util.files import bundled_dir


@hookimpl
def register_domains() -> list[Path]:
    """Return the bundled domain folders."""
    return sorted(path.parent for path in bundled_dir("domains").glob("*/domain.toml"))
