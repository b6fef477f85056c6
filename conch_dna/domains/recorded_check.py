"""Check of recorded answers: the domain's extractor finds final answers, and their lengths fit ``[length]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from conch_dna.domains.extract import AnswerExtractor
from conch_dna.errors import DataError, PluginError
from conch_dna.records import Completion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.manager import PluginHost


class Found(NamedTuple):
    """Result of the check: faults, which prevent training, and warnings."""

    faults: list[str]
    warnings: list[str]


def check_recorded(host: PluginHost, domain: Domain) -> Found:
    """Extract the final answer of every recorded completion.

    Other checks report a faulty ``[extract]``, faulty lines and answers of another extractor.
    """
    found = Found([], [])
    try:
        extractor = AnswerExtractor(host, domain)
    except (LookupError, DataError, PluginError):
        return found
    for path in sorted(domain.folder.glob("recorded/*.jsonl")) if domain.folder else ():
        try:
            mine = [completion for completion in _completions(path) if completion.extracted in {None, extractor.digest}]
            finals = [extractor.final(completion) for completion in mine]
        except (DataError, PluginError) as error:
            found.faults.append(f"{path}: {error}")
            continue
        texts = [final.text for final in finals if final]
        if finals and not texts:
            found.faults.append(f"{path}: [extract] finds no final answer in any of {len(finals)} recorded answers")
        allowed = domain.settings.length
        outside = sum(not allowed.min <= len(text.split()) <= allowed.max for text in texts)
        if 2 * outside > len(texts):
            found.warnings.append(
                f"{path}: {outside} of {len(texts)} final answers are outside [length], {allowed.min} to {allowed.max} "
                "words; the scorers will rate such answers lower"
            )
    return found


def _completions(path: Path) -> Iterator[Completion]:
    """Yield the valid completions of a file; an unreadable file has none."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        try:
            yield Completion.model_validate_json(line)
        except ValidationError:
            continue
