"""The final answer in a teacher's text, taken by the domain's extractor: what is trained on, judged and recorded.

Completions stay whole in the cache, so that another extractor costs no new call.
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
NO_FINAL = "Mend [extract] in the domain.toml: it finds nothing in these answers, which are cached whole"
_BY_NAME = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


class AnswerExtractor:
    """A domain's extractor, whose faults name the plug-in; a domain without ``[extract]`` has its texts taken whole.

    :raises UnknownName: no plug-in provides the extractor.
    :raises DataError: it does not take these options.
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
            # Apart from the call, whose own TypeError is the plug-in's fault and not the domain's.
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
        """Return the final answer in ``text``, or ``None`` where it has none.

        :raises DataError: the extractor gave up on it.
        :raises PluginError: it raised, or returned no text.
        """
        if self._extractor is None or self.settings is None:
            return text
        with self._host.blaming("extractors", self.settings.kind):
            found = self._extractor(text)
            if found is not None and not isinstance(found, str):
                raise TypeError(f"returned a {type(found).__name__}, not a text or None")
        found = found.strip() if found else None
        # JSON may hold half of a surrogate pair, which no file could.
        return found if found and is_utf8(found) else None

    def final(self, completion: Completion) -> Completion | None:
        """Return a completion with the final answer for its text, or ``None`` where there is none.

        What was recorded as a final answer already is returned as it is. The tokens' choices are let go of: they are of
        the whole text, and say what the teacher would go on with there, not in an answer of its own.

        :raises DataError: it is the final answer by another extractor, so that the whole text is not known.
        """
        if completion.extracted == self.digest:
            return completion
        if completion.extracted is not None:
            raise DataError(
                "another extractor took the recorded answers", where=self.where,
                next_step="Record again: what the teacher answered is in the cache, and costs no new call",
            )  # fmt: skip
        found = self.take(completion.text)
        if found is None:
            return None
        return completion.model_copy(update={"text": found, "soft": (), "extracted": self.digest})


def _option_faults(options: Mapping[str, object], parameters: Mapping[str, inspect.Parameter]) -> list[str]:
    """Return which options an extractor lacks, and which it does not take."""
    named = {name: one for name, one in parameters.items() if one.kind in _BY_NAME}
    missing = [name for name, one in named.items() if name not in options and one.default is inspect.Parameter.empty]
    takes_any = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())
    unknown = [] if takes_any else sorted(options.keys() - named)
    return [
        *(f"needs the option {name!r}" for name in missing),
        *(f"has no option {name!r}{nearest(name, named)}" for name in unknown),
    ]


def as_answered(domain: Domain, extractor: AnswerExtractor) -> Domain:
    """Return the domain as its neuron answers: the example answers, which scorers go by, are final answers too."""
    if extractor.settings is None:
        return domain
    taken = ((example, extractor.take(example.answer)) for example in domain.settings.examples)
    examples = tuple(example.model_copy(update={"answer": answer}) for example, answer in taken if answer)
    return Domain(domain.settings.model_copy(update={"examples": examples}), domain.prompts_file, domain.folder)


def extract_faults(host: PluginHost, domain: Domain) -> list[str]:
    """Return what is wrong with the domain's ``[extract]``: the table itself, and examples without a final answer."""
    try:
        extractor = AnswerExtractor(host, domain)
        found = [extractor.take(example.answer) for example in domain.settings.examples]
    except (LookupError, DataError, PluginError) as error:
        return [str(error)]
    where = f"domain {domain.name}"
    return [
        f"{where}: [extract] finds no final answer in examples[{i}]" for i, said in enumerate(found) if said is None
    ]
