"""What a domain's extractor makes of the answers that are recorded, and whether they are as long as the domain says."""

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
    """What was found: faults, with which nothing can be trained, and warnings."""

    faults: list[str]
    warnings: list[str]


def check_recorded(host: PluginHost, domain: Domain) -> Found:
    """Take the final answer of every recorded one.

    A faulty ``[extract]``, a faulty line and the answers of another extractor are told of by the other checks.
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
                "words; the scorers will mark answers like them down"
            )
    return found


def _completions(path: Path) -> Iterator[Completion]:
    """Yield the recorded answers of a file that can be read."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        try:
            yield Completion.model_validate_json(line)
        except ValidationError:
            continue
