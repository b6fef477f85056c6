"""The figures of an answer, as a verifier or the grade of a public question gives them, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Verifier
    from conch_dna.records import Prompt

    Figures = Mapping[str, float]


def figures_of(verifier: Verifier, domain: Domain, prompt: Prompt, answer: str) -> Figures | None:
    """Return what the domain's verifier says of an answer; ``None`` if the prompt has no reference for it.

    :raises PluginError: as :func:`checked` does.
    """
    code = getattr(verifier, "__code__", None)
    source = code.co_filename if code else type(verifier).__module__
    return checked(domain.settings.verifier, source, lambda: verifier(prompt, answer, domain))


def checked(name: str, source: str, compute: Callable[[], Figures | None]) -> Figures | None:
    """Return the figures that a plug-in computes.

    :param name, source: the name of the plug-in and its file, for an error.
    :raises PluginError: it raised an exception, or returned something else than figures in [0, 1] with ``right``.
    """
    try:
        said = compute()
        found = None if said is None else {key: float(value) for key, value in said.items()}
    except Exception as error:
        raise PluginError(name, source, error) from error
    if found is None:
        return None
    # Written so that NaN fails too.
    if found.get("right") not in {0, 1} or not all(0 <= value <= 1 for value in found.values()):
        raise PluginError(name, source, f"returned {found}, not figures from 0 to 1 with `right` as 0 or 1")
    return found
