"""Constrained decoding: llguidance keeps an answer to a JSON schema or to tool calls, token by token."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import mlx.core as mx
import numpy as np
from llguidance import LLMatcher, LLParserLimits
from llguidance.hf import from_tokenizer

from conch_dna.errors import GrammarError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llguidance import LLTokenizer

    from conch_dna.models.load import LoadedModel
    from conch_dna.records import Tool

T = TypeVar("T")
# One spelling for each value: a small model that may choose its whitespace can write nothing but whitespace.
COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
REMEMBERED = 64  # compiled grammars
# A schema with one of these keys says itself which further properties an object may have.
OPENERS = {"additionalProperties", "patternProperties", "unevaluatedProperties", "allOf", "anyOf", "oneOf", "not", "if",
           "$ref", "dependentSchemas"}  # fmt: skip


class Grammars:
    """Compiles the grammars of one base; the first one also reads the base's tokenizer, which takes a second.

    Any thread may use it.
    """

    def __init__(self, base: LoadedModel) -> None:
        self._base = base
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()

    def constraint(self, grammar: str) -> Constraint:
        """Return the constraint of one answer.

        :raises GrammarError: the grammar is invalid, or exceeds llguidance's limits.
        """
        with self._lock:
            found = self._compiled.get(grammar)
        if found is None:
            found = LLMatcher(self._tokenizer, grammar, log_level=0, limits=LLParserLimits(verbose_errors=False))
            if not found.is_error():
                found.compute_bitmask()  # some errors are found only here
            check(found)
        with self._lock:
            self._compiled[grammar] = found
            self._compiled.move_to_end(grammar)
            while len(self._compiled) > REMEMBERED:
                self._compiled.popitem(last=False)
            return Constraint(found.deep_copy())

    def constraints(
        self,
        tools: Sequence[Tool],
        schema: Mapping[str, Any] | None = None,
        *,
        text: bool = True,
        several: bool = True,
    ) -> list[Constraint]:
        """Return the constraint of one answer with these tools or of this schema, in a list; empty for free text.

        :param text: as in :func:`grammar_of`, like the others.
        :raises GrammarError: as :func:`grammar_of` and :meth:`constraint` do.
        """
        grammar = grammar_of(tools, schema, text=text, several=several)
        return [] if grammar is None else [self.constraint(grammar)]

    def allows(self, grammar: str, text: str) -> bool:
        """Return whether a text is a whole answer of the grammar, and not only the start of one.

        :raises GrammarError: as :meth:`constraint` does.
        """
        tokenizer = self._base.tokenizer
        tokens = tokenizer.encode(text, add_special_tokens=False)
        return self.constraint(grammar).allows([*tokens, min(tokenizer.eos_token_ids)])

    @cached_property
    def _tokenizer(self) -> LLTokenizer:
        with self._reading:
            tokenizer = self._base.tokenizer
            ends = sorted(tokenizer.eos_token_ids)
            width = max(self._base.width, len(tokenizer.get_vocab()))
            return from_tokenizer(tokenizer._tokenizer, width, ends)  # noqa: SLF001 - mlx-lm wraps it


class Constraint:
    """A logits processor for one sequence; it follows the tokens and must not be shared.

    It never raises, because an error would end all requests of the batch. The answer ends when the grammar exceeds
    llguidance's limits. A caller that serves a request calls :meth:`check` at each token.
    """

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher
        self._begun = False

    def __call__(self, tokens_T: mx.array, logits_1V: mx.array) -> mx.array:
        """Return the logits with minus infinity for every token that is not allowed next.

        :param tokens_T: prompt and answer so far.
        """
        if self._begun and not self._matcher.is_stopped():
            self._matcher.consume_token(int(tokens_T[-1]))
        self._begun = True
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        allowed_V = np.zeros(logits_1V.shape[-1], bool)
        known = np.unpackbits(bits, bitorder="little")[: len(allowed_V)]
        allowed_V[: len(known)] = known
        return mx.where(mx.array(allowed_V), logits_1V, -mx.inf)

    def allows(self, tokens: Sequence[int]) -> bool:
        """Return whether all tokens may follow one another from here; consumes none."""
        return int(self._matcher.validate_tokens(list(tokens))) == len(tokens)

    def checked(self, then: Callable[[T], None] | None) -> Callable[[T], None]:
        """Return a function to call with each token, which checks the answer first and passes the token on."""

        def take(token: T) -> None:
            self.check()
            if then is not None:
                then(token)

        return take

    def check(self) -> None:
        """Check that the answer matches its grammar so far.

        :raises GrammarError: llguidance stopped at a grammar that exceeds its limits.
        """
        check(self._matcher)


def check(matcher: LLMatcher) -> None:
    """Raise the error of a matcher, if it has one.

    :raises GrammarError: with the first line of llguidance's message; the other lines may hold paths of this machine.
    """
    if matcher.is_error():
        raise GrammarError(matcher.get_error().split("\n")[0][:300])


def json_grammar(schema: Mapping[str, Any]) -> str:
    """Return the grammar of JSON that matches a schema."""
    return str(LLMatcher.grammar_from_lark("start: " + _json(schema)))


def grammar_of(
    tools: Sequence[Tool], schema: Mapping[str, Any] | None = None, *, text: bool = True, several: bool = True
) -> str | None:
    """Return the grammar of an answer with these tools or of this schema; ``None`` for free text.

    :param text: whether text is allowed instead of calls; its first character that is no blank is no brace.
    :param several: whether more than one call is allowed.
    :raises GrammarError: there are both tools and a schema.
    """
    if tools and schema is not None:
        raise GrammarError("an answer cannot have both tools and a schema")
    if tools:
        return calls_grammar(tools, text=text, several=several)
    return None if schema is None else json_grammar(schema)


def calls_grammar(tools: Sequence[Tool], *, text: bool, several: bool) -> str:
    """Return the grammar of tool calls, one per line: ``{"tool": NAME, "arguments": {...}}``.

    Arguments have no other keys than those that the tool's schema names, unless it allows them (:func:`closed`).

    :param tools: the tools that may be called.
    :param text: whether text is allowed instead of calls; its first character that is no blank is no brace.
    :param several: whether more than one call is allowed.
    """
    lines = [
        "start: text | calls" if text else "start: calls",
        'calls: call ("\\n" call)*' if several else "calls: call",
    ]
    lines += [r"text: /(\s*[^{\s](.|\n)*)?/"] if text else []
    lines.append("call: " + " | ".join(f"call_{n}" for n in range(len(tools))))
    for n, tool in enumerate(tools):
        lines.append(f"call_{n}: {json.dumps(_head(tool.name))} {_arguments(n)} {json.dumps('}')}")
        lines.append(f"{_arguments(n)}: {_json(closed({'type': 'object', 'properties': {}} | tool.parameters))}")
    return str(LLMatcher.grammar_from_lark("\n".join(lines)))


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema whose objects have the named properties alone, unless it says something about others.

    JSON Schema allows any further property by default; no tool can do anything with an argument that it does not know.
    Schemas that join others (``allOf``, ``$ref`` and so on) stay open, because the others may name more, and so do
    definitions where any schema says ``allOf``.
    """
    joined = '"allOf"' in json.dumps(schema)
    return _closed(schema, ("properties",) if joined else ("properties", "$defs", "definitions"))


def _closed(schema: Mapping[str, Any], groups: Sequence[str]) -> dict[str, Any]:
    """Return the closed schema; those under the keys ``groups`` are closed too."""
    found = dict(schema)
    for key in groups:
        if isinstance(named := found.get(key), dict):
            found[key] = {name: _closed(one, groups) if isinstance(one, dict) else one for name, one in named.items()}
    if isinstance(items := found.get("items"), dict):
        found["items"] = _closed(items, groups)
    if "properties" in found and not OPENERS & found.keys():
        found["additionalProperties"] = False
    return found


def _head(name: str) -> str:
    return f'{{"tool": {json.dumps(name)}, "arguments": '


def _arguments(n: int) -> str:
    return f"arguments_{n}"


def _json(schema: Mapping[str, Any]) -> str:
    return "%json " + json.dumps({**schema, "x-guidance": COMPACT})
