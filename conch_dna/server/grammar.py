"""What an answer may look like: a JSON schema or tool calls, held to by llguidance token by token."""

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

# One form for each value: a small model left to choose its blanks may write nothing else.
COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
SECONDS = 10.0  # to compile a grammar


class Grammars:
    """The grammars of one base; its tokenizer is read when the first one is asked for, which takes a second."""

    def __init__(self, base: LoadedModel) -> None:
        self._base = base
        self._lock = threading.Lock()
        self._tokenizer: LLTokenizer | None = None
        # Of its own, since a grammar that takes long cannot be stopped: none but grammars wait for it.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="grammar")

    async def compiled(self, grammar: str, param: str) -> LLMatcher:
        """Return a matcher to copy for each answer.

        :raises ApiFault: 400, the grammar cannot be held to, and the message says why, or not in time.
        """
        loop = asyncio.get_running_loop()
        try:
            matcher = await asyncio.wait_for(loop.run_in_executor(self._threads, self._compile, grammar), SECONDS)
        except TimeoutError as fault:
            raise ApiFault(400, f"{param}: it takes too long to compile.", "invalid_schema", param) from fault
        check(matcher, param)
        return matcher

    def _compile(self, grammar: str) -> LLMatcher:
        matcher = LLMatcher(self._read(), grammar, log_level=0, limits=LLParserLimits(verbose_errors=False))
        if not matcher.is_error():
            matcher.compute_bitmask()  # some faults show here
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
    """A logits processor for one sequence: it follows the tokens, so it belongs to no other.

    It never raises, which would end all that share the batch; who follows the answer asks :meth:`check` at each token.
    """

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher
        self._begun = False

    def __call__(self, tokens_T: mx.array, logits_1V: mx.array) -> mx.array:
        """Return the logits with minus infinity for every token that may not come next.

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
        """Check that the answer has been held to its form so far.

        :raises ApiFault: 400, the form is too much for llguidance, which gave up in the middle.
        """
        check(self._matcher, "response_format or tools")


def check(matcher: LLMatcher, param: str) -> None:
    """Raise what made a matcher give up.

    :raises ApiFault: 400; its message is the first line of llguidance's, whose others are of this machine.
    """
    if matcher.is_error():
        told = matcher.get_error().split("\n")[0][:300]
        raise ApiFault(400, f"{param}: {told}", "invalid_schema", param)


def json_grammar(schema: dict[str, Any]) -> str:
    """Return the grammar of JSON of a schema."""
    return str(LLMatcher.grammar_from_lark("start: " + _json(schema)))


def calls_grammar(tools: Sequence[tuple[str, dict[str, Any]]], *, text: bool, several: bool) -> str:
    """Return the grammar of tool calls, one a line: ``{"tool": NAME, "arguments": {...}}``.

    :param tools: name and schema of the arguments of those that may be called.
    :param text: whether text, which must not begin with a brace, may stand in the place of calls.
    :param several: whether there may be more calls than one.
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
