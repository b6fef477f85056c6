"""The extractors ``regex``, ``xml``, ``json`` and ``last_line``, which return the last answer in a text.

Teachers reason before they answer and correct themselves, so the last of several matches, tags or values is used.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from conch_dna import hookimpl
from conch_dna.errors import DataError
from conch_dna.util.text import lines, refuse_constant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conch_dna.plugin.protocols import Extractor, ExtractorFactory

SECONDS = 1.0  # for one text; only a pattern that backtracks exponentially takes longer
_TAG = re.compile(r"[A-Za-z_][\w.-]*")
_OPEN = re.compile(r"[{\[]")
_JSON = json.JSONDecoder(parse_constant=refuse_constant)


def regex_extractor(pattern: str) -> Extractor:
    """Return the last match of ``pattern``: group ``answer``, else the first group, else all of it.

    :raises DataError: it is not a regular expression. The extractor raises it if the pattern takes too long; returning
        None would make the result depend on the speed of the machine.
    """
    import regex

    if not isinstance(pattern, str):
        raise DataError("not a text", where="pattern", got=pattern)
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise DataError(f"not a regular expression: {error}", where="pattern", got=pattern) from error
    group: str | int = "answer" if "answer" in compiled.groupindex else min(1, compiled.groups)

    def extract(text: str) -> str | None:
        try:
            found = [match[group] for match in compiled.finditer(text, timeout=SECONDS)]
        except TimeoutError as error:
            raise DataError(
                f"takes over {SECONDS:g} s for {len(text)} characters", where="[extract] pattern", got=pattern,
                next_step="Avoid nested repetitions in the pattern",
            ) from error  # fmt: skip
        return found[-1] if found else None

    return extract


def xml_extractor(tag: str) -> Extractor:
    """Return the content of the last closed ``<tag>``, unparsed: a teacher's text is not an XML document.

    :raises DataError: it is not the name of a tag.
    """
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise DataError("not the name of a tag", where="tag", got=tag, allowed=_TAG.pattern)
    opening = re.compile(rf"<{re.escape(tag)}(?:\s[^<>]*)?>")

    def extract(text: str) -> str | None:
        before, closed, _ = text.rpartition(f"</{tag}>")
        openings = list(opening.finditer(before)) if closed else []
        return before[openings[-1].end() :] if openings else None

    return extract


def json_extractor(path: str) -> Extractor:
    """Return the last value at a JSONPath, from the last JSON object or array in the text that has one.

    Strings are returned unchanged, other values as JSON; null is not an answer. The text may contain more than JSON.

    :raises DataError: it is not a JSONPath.
    """
    # Not jsonpath_ng.ext: its filters allow regular expressions without a time limit.
    from jsonpath_ng import parse
    from jsonpath_ng.exceptions import JSONPathError

    if not isinstance(path, str):
        raise DataError("not a text", where="path", got=path)
    try:
        finder = parse(path)
    except JSONPathError as error:
        raise DataError(f"not a JSONPath: {error}", where="path", got=path, allowed="for example $.answer") from error

    def extract(text: str) -> str | None:
        for value in reversed(list(_values(text))):
            try:
                found = [match.value for match in finder.find(value) if match.value is not None]
            except RecursionError:  # nested past the interpreter's limit
                continue
            if found:
                return found[-1] if isinstance(found[-1], str) else json.dumps(found[-1], ensure_ascii=False)
        return None

    return extract


def _values(text: str) -> Iterator[Any]:
    """Yield the outermost JSON objects and arrays in ``text``.

    The search stops at brackets nested beyond the interpreter's limit: each of them would be parsed to that depth
    again.
    """
    place = 0
    while opened := _OPEN.search(text, place):
        try:
            value, place = _JSON.raw_decode(text, opened.start())
        except RecursionError:
            return
        except ValueError:
            place = opened.end()
        else:
            yield value


def last_line_extractor() -> Extractor:
    """Return the last line that is not blank."""
    return lambda text: next(reversed(lines(text)), None)


@hookimpl
def register_extractors() -> Mapping[str, ExtractorFactory]:
    """Provide the four extractors."""
    return {"regex": regex_extractor, "xml": xml_extractor, "json": json_extractor, "last_line": last_line_extractor}
