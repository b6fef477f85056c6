"""Extraction of the final answer from a teacher's text; only the final answer is trained on, scored and recorded.

The cache keeps whole completions, so another extractor needs no new call.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from conch_dna.domains.domain import Domain
from conch_dna.errors import DataError, PluginError
from conch_dna.util.text import is_utf8
from conch_dna.util.validation import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.domains.domain import Extract
    from conch_dna.plugin.manager import PluginHost
    from conch_dna.plugin.protocols import Extractor, ExtractorFactory
    from conch_dna.records import Completion

MISSING = "no final answer"
NO_FINAL = "Fix [extract] in domain.toml: it finds nothing in these answers, which are cached in full"
_BY_NAME = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


class AnswerExtractor:
    """A domain's extractor; its faults name the plug-in. Without ``[extract]`` the whole text is the answer.

    :raises UnknownName: no plug-in provides the extractor.
    :raises DataError: the extractor does not accept these options.
    :raises PluginError: its factory raised.
    """

    def __init__(self, host: PluginHost, domain: Domain) -> None:
        self.where = f"domain {domain.name}, [extract]"
        self.settings: Extract | None = domain.settings.extract
        self.digest = self.settings.digest if self.settings else None
        self._host = host
        self._extractor = self._built(self.settings) if self.settings else None

    def _built(self, settings: Extract) -> Extractor:
        factory: ExtractorFactory = self._host.catalog.get("extractors", settings.kind)
        with self._host.blaming("extractors", settings.kind):
            # Checked before the call, because a TypeError of the call is the plug-in's fault, not the domain's.
            parameters = inspect.signature(factory).parameters
            if faults := _option_faults(settings.options, parameters):
                raise DataError(f"{settings.kind}: {'; '.join(faults)}", where=self.where,
                                allowed=f"options: {', '.join(parameters) or 'none'}")  # fmt: skip
            try:
                return factory(**settings.options)
            except DataError as error:
                error.where = f"{self.where}: {error.where}" if error.where else self.where
                raise

    def take(self, text: str) -> str | None:
        """Return the final answer in ``text``, or ``None`` if it has none.

        :raises DataError: the extractor refused the text.
        :raises PluginError: the extractor raised, or returned something else.
        """
        if self._extractor is None or self.settings is None:
            return text
        with self._host.blaming("extractors", self.settings.kind):
            found = self._extractor(text)
            if found is not None and not isinstance(found, str):
                raise TypeError(f"returned a {type(found).__name__}, not a text or None")
        found = found.strip() if found else None
        # JSON may contain a lone surrogate, which cannot be written to a file.
        return found if found and is_utf8(found) else None

    def final(self, completion: Completion) -> Completion | None:
        """Return the completion with its final answer as text, or ``None`` if it has none.

        A completion that was recorded as a final answer is returned unchanged. The tokens' choices are dropped: they
        belong to the whole text, not to the answer alone.

        :raises DataError: another extractor took the answer, so the whole text is unknown.
        """
        if completion.extracted == self.digest:
            return completion
        if completion.extracted is not None:
            raise DataError(
                "the recorded answers were extracted by another extractor", where=self.where,
                next_step="Record again: the teacher's answers are cached, so no new calls are made",
            )  # fmt: skip
        found = self.take(completion.text)
        if found is None:
            return None
        return completion.model_copy(update={"text": found, "soft": (), "extracted": self.digest})


def _option_faults(options: Mapping[str, object], parameters: Mapping[str, inspect.Parameter]) -> list[str]:
    """Return the missing and the unknown options of an extractor."""
    named = {name: one for name, one in parameters.items() if one.kind in _BY_NAME}
    missing = [name for name, one in named.items() if name not in options and one.default is inspect.Parameter.empty]
    takes_any = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())
    unknown = [] if takes_any else sorted(options.keys() - named)
    return [
        *(f"needs the option {name!r}" for name in missing),
        *(f"has no option {name!r}{nearest(name, named)}" for name in unknown),
    ]


def as_answered(domain: Domain, extractor: AnswerExtractor) -> Domain:
    """Return the domain with the example answers, which scorers use, reduced to their final answers."""
    if extractor.settings is None:
        return domain
    taken = ((example, extractor.take(example.answer)) for example in domain.settings.examples)
    examples = tuple(example.model_copy(update={"answer": answer}) for example, answer in taken if answer)
    return domain.changed(examples=examples)


def extract_faults(host: PluginHost, domain: Domain) -> list[str]:
    """Return the faults of the domain's ``[extract]``: those of the table, and examples without a final answer."""
    try:
        extractor = AnswerExtractor(host, domain)
        found = [extractor.take(example.answer) for example in domain.settings.examples]
    except (LookupError, DataError, PluginError) as error:
        return [str(error)]
    where = f"domain {domain.name}"
    return [
        f"{where}: [extract] finds no final answer in examples[{i}]" for i, answer in enumerate(found) if answer is None
    ]
