"""Constrained decoding: llguidance keeps an answer to a JSON schema or to tool calls, token by token."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import numpy as np
from llguidance import LLMatcher, LLParserLimits
from llguidance.hf import from_tokenizer

from conch_dna.server.faults import ApiFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llguidance import LLTokenizer

    from conch_dna.models.load import LoadedModel

# One spelling for each value: a small model that may choose its whitespace can write nothing but whitespace.
COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
SECONDS = 10.0  # limit for compiling a grammar


class Grammars:
    """Compiles the grammars of one base; the first one also reads the base's tokenizer, which takes a second."""

    def __init__(self, base: LoadedModel) -> None:
        self._base = base
        self._lock = threading.Lock()
        self._tokenizer: LLTokenizer | None = None
        # A separate pool: a slow compilation cannot be stopped and must delay only other grammars.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="grammar")

    async def compiled(self, grammar: str, param: str) -> LLMatcher:
        """Return a matcher; copy it for each answer.

        :raises ApiFault: 400, the grammar is invalid or takes too long to compile.
        """
        loop = asyncio.get_running_loop()
        try:
            matcher = await asyncio.wait_for(loop.run_in_executor(self._threads, self._compile, grammar), SECONDS)
        except TimeoutError as fault:
            raise ApiFault(400, f"{param}: takes too long to compile.", "invalid_schema", param) from fault
        check(matcher, param)
        return matcher

    def _compile(self, grammar: str) -> LLMatcher:
        matcher = LLMatcher(self._read(), grammar, log_level=0, limits=LLParserLimits(verbose_errors=False))
        if not matcher.is_error():
            matcher.compute_bitmask()  # some errors are found only here
        return matcher

    def _read(self) -> LLTokenizer:
        with self._lock:
            if self._tokenizer is None:
                tokenizer = self._base.tokenizer
                ends = sorted(tokenizer.eos_token_ids)
                width = max(self._base.width, len(tokenizer.get_vocab()))
                self._tokenizer = from_tokenizer(tokenizer._tokenizer, width, ends)  # noqa: SLF001 - mlx-lm wraps it
            return self._tokenizer


class Constraint:
    """A logits processor for one sequence; it follows the tokens and must not be shared.

    It never raises, because an error would end all requests of the batch; callers use :meth:`check` at each token.
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

    def check(self) -> None:
        """Check that the answer matches its grammar so far.

        :raises ApiFault: 400, llguidance stopped at a grammar that exceeds its limits.
        """
        check(self._matcher, "response_format or tools")


def check(matcher: LLMatcher, param: str) -> None:
    """Raise the error of a matcher, if it has one.

    :raises ApiFault: 400 with the first line of llguidance's message; the other lines may hold paths of this machine.
    """
    if matcher.is_error():
        message = matcher.get_error().split("\n")[0][:300]
        raise ApiFault(400, f"{param}: {message}", "invalid_schema", param)


def json_grammar(schema: dict[str, Any]) -> str:
    """Return the grammar of JSON that matches a schema."""
    return str(LLMatcher.grammar_from_lark("start: " + _json(schema)))


def calls_grammar(tools: Sequence[tuple[str, dict[str, Any]]], *, text: bool, several: bool) -> str:
    """Return the grammar of tool calls, one per line: ``{"tool": NAME, "arguments": {...}}``.

    :param tools: name and argument schema of each tool that may be called.
    :param text: whether text that does not begin with a brace is allowed instead of calls.
    :param several: whether more than one call is allowed.
    """
    lines = [
        "start: text | calls" if text else "start: calls",
        'calls: call ("\\n" call)*' if several else "calls: call",
    ]
    lines += [r"text: /([^{](.|\n)*)?/"] if text else []
    lines.append("call: " + " | ".join(f"call_{n}" for n in range(len(tools))))
    for n, (name, schema) in enumerate(tools):
        lines.append(f"call_{n}: {json.dumps(_head(name))} {_arguments(n)} {json.dumps('}')}")
        lines.append(f"{_arguments(n)}: {_json(schema)}")
    return str(LLMatcher.grammar_from_lark("\n".join(lines)))


def _head(name: str) -> str:
    return f'{{"tool": {json.dumps(name)}, "arguments": '


def _arguments(n: int) -> str:
    return f"arguments_{n}"


def _json(schema: dict[str, Any]) -> str:
    return "%json " + json.dumps(schema | {"x-guidance": COMPACT})
