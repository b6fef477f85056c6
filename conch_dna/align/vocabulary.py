"""The tokens of a tokenizer as bytes, which all tokenizers have in common."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from conch_dna.errors import ConchError

if TYPE_CHECKING:
    from collections.abc import Iterator

BLANK = "▁"  # a blank in SentencePiece
BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_READ: dict[str, Vocabulary] = {}  # by digest, for the life of the process


def _byte_alphabet() -> dict[str, int]:
    """Return GPT-2's alphabet, character to byte: printable bytes map to themselves, the others start at U+0100."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + n): byte for n, byte in enumerate(others)}


BYTE_OF = _byte_alphabet()
CHAR_OF = {byte: char for char, byte in BYTE_OF.items()}


@dataclass(frozen=True)
class Vocabulary:
    """A parsed tokenizer.

    :param pieces: the bytes of each token id in a text; empty for ids without a token and for those that only mark a
        beginning, an end or padding.
    :param ends: ids that end an answer.
    :param marks: ids without bytes: beginning, end and padding.
    :param added: ids that are matched whole, before the text is split.
    :param byte_level: tokens use GPT-2's byte alphabet; otherwise SentencePiece, with ``▁`` and ``<0xNN>``.
    :param virtual_blank: the first token of a text begins with a blank that is not in the text.
    :param digest: the identity of the tokenizer, including its merges and end tokens.
    :param backend: the ``tokenizers.Tokenizer``.
    """

    pieces: tuple[bytes, ...]
    ends: frozenset[int]
    marks: frozenset[int]
    added: frozenset[int]
    byte_level: bool
    virtual_blank: bool
    digest: str
    backend: Any = field(repr=False, compare=False)

    @cached_property
    def ids(self) -> dict[bytes, int]:
        """The id of each byte string; if a token and a fallback byte are equal, the token."""
        found: dict[bytes, int] = {}
        fallbacks = []
        for index, piece in enumerate(self.pieces):
            if not self.byte_level and len(piece) == 1 and BYTE_TOKEN.fullmatch(self.backend.id_to_token(index) or ""):
                fallbacks.append(index)
            elif piece:
                found.setdefault(piece, index)
        for index in fallbacks:
            found.setdefault(self.pieces[index], index)
        return found

    def first(self, text: bytes) -> int:
        """Return the id of the first token of ``text``, or -1 if no token fits.

        Nothing precedes the text, and it may end in the middle of a character.
        """
        return next((i for i in self._candidates(text) if i >= 0 and text.startswith(self.pieces[i])), -1)

    def _candidates(self, text: bytes) -> Iterator[int]:
        """Yield the tokenizer's own choice, then fallbacks for a choice that is not a prefix of ``text``."""
        valid = _valid_start(text)
        if self.byte_level:
            splitter = self.backend.pre_tokenizer
            if len(valid) == len(text) and splitter is not None:
                parts = splitter.pre_tokenize_str(valid.decode())
                yield self._first_of_model(parts[0][0] if parts else "")
            yield self._first_of_model("".join(CHAR_OF[byte] for byte in text))
        else:
            yield self._first_of_model(valid.decode().replace(" ", BLANK))
        yield self.ids.get(text[:1], -1)

    def _first_of_model(self, written: str) -> int:
        tokens = self.backend.model.tokenize(written) if written else []
        return tokens[0].id if tokens and self.pieces[tokens[0].id] else -1


def vocabulary_of(tokenizer: Any) -> Vocabulary:
    """Read the vocabulary of an mlx-lm ``TokenizerWrapper`` or a fast transformers tokenizer, once per process.

    :raises ConchError: neither byte-level BPE nor SentencePiece, or no fast tokenizer at all.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ConchError("tokens cannot be written as bytes: no fast tokenizer", where=type(tokenizer).__name__,
                         next_step="Convert it to tokenizer.json")  # fmt: skip
    ends = frozenset(getattr(tokenizer, "eos_token_ids", None) or {tokenizer.eos_token_id} - {None})
    marks = ends | {i for i in (tokenizer.bos_token_id, tokenizer.pad_token_id) if i is not None}
    written = backend.to_str()
    digest = hashlib.sha256(json.dumps([sorted(ends), sorted(marks)]).encode() + written.encode()).hexdigest()
    if digest not in _READ:
        _READ[digest] = _read(backend, json.loads(written), ends, frozenset(marks), digest)
    return _READ[digest]


def _read(
    backend: Any, content: dict[str, Any], ends: frozenset[int], marks: frozenset[int], digest: str
) -> Vocabulary:
    """Return the vocabulary of a parsed ``tokenizer.json``."""
    decoders = _parts(content["decoder"], "decoders")
    kinds = {part["type"] for part in decoders}
    byte_level = "ByteLevel" in kinds
    if not byte_level and not kinds & {"ByteFallback", "Metaspace"}:
        raise ConchError("tokens cannot be written as bytes", got=f"decoder {', '.join(sorted(kinds)) or 'none'}",
                         allowed="byte-level BPE, or SentencePiece")  # fmt: skip
    virtual_blank = any(
        (part["type"] == "Strip" and part["content"] == " " and part["start"] > 0)
        or (part["type"] == "Metaspace" and part.get("prepend_scheme", "always") != "never")
        for part in decoders
    )
    vocabulary = backend.get_vocab(with_added_tokens=True)
    added = frozenset(backend.get_added_tokens_decoder())
    unknown = content["model"].get("unk_token")
    pieces = [b""] * (max(vocabulary.values(), default=-1) + 1)
    for text, index in vocabulary.items():
        if index in marks or (not byte_level and text == unknown):
            continue
        pieces[index] = text.encode() if index in added else _piece(text, byte_level=byte_level)
    return Vocabulary(tuple(pieces), ends, marks, added, byte_level, virtual_blank, digest, backend)


def _parts(node: dict[str, Any] | None, key: str) -> list[dict[str, Any]]:
    """Return the parts of a sequence, or the single part."""
    if node is None:
        return []
    return [deeper for part in node[key] for deeper in _parts(part, key)] if node["type"] == "Sequence" else [node]


def _piece(text: str, *, byte_level: bool) -> bytes:
    """Return the bytes of a token of the model."""
    if byte_level:
        # A token with a character outside the alphabet was added by hand, as literal text.
        known = all(char in BYTE_OF for char in text)
        return bytes(BYTE_OF[char] for char in text) if known else text.encode()
    if byte := BYTE_TOKEN.fullmatch(text):
        return bytes([int(byte[1], 16)])
    return text.replace(BLANK, " ").encode()


def _valid_start(text: bytes) -> bytes:
    """Return the longest prefix of ``text`` that is valid UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return text[: error.start]
    return text
