"""Conversion of the tokenizer in a GGUF file to ``tokenizer.json`` and ``tokenizer_config.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conch_dna.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Token types of the GGUF format.
CONTROL, USER_DEFINED, UNUSED = 3, 4, 5
# Control tokens that end a turn, from llama.cpp: the metadata often names only one of several.
END_TEXTS = ("<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>")
LONGEST = 512  # characters of a token whose merges are sought: each is cut everywhere
_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def _split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def _bytes(*, use_regex: bool) -> dict[str, Any]:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


_GPT2 = [_bytes(use_regex=True)]
_SMOLLM = [{"type": "Digits", "individual_digits": True}, _bytes(use_regex=True)]
_LLAMA3 = [_split(_WORDS + r"\p{N}{1,3}" + _REST), _bytes(use_regex=False)]
# Pre-tokenizers by ``tokenizer.ggml.pre``; the same as in the models' own tokenizer.json.
PRE_TOKENIZERS: dict[str, list[dict[str, Any]]] = {
    "default": _GPT2,
    "gpt-2": _GPT2,
    "smollm": _SMOLLM,
    "starcoder": _SMOLLM,
    "refact": _SMOLLM,
    "qwen2": [_split(_WORDS + r"\p{N}" + _REST), _bytes(use_regex=False)],
    "llama-bpe": _LLAMA3,
    "llama3": _LLAMA3,
}


def eos_ids(metadata: Mapping[str, Any]) -> list[int]:
    """Return the ids of all tokens that end an answer; the declared ones come first."""
    tokens, types = metadata.get("tokenizer.ggml.tokens", []), metadata.get("tokenizer.ggml.token_type", [])
    declared = [metadata.get(f"tokenizer.ggml.{name}_token_id") for name in ("eos", "eot", "eom")]
    ids = [int(token) for token in declared if token is not None]
    controls = {tokens[i]: i for i, kind in enumerate(types) if kind == CONTROL}
    ids += [controls[text] for text in END_TEXTS if text in controls]
    return list(dict.fromkeys(ids))


def tokenizer_files(metadata: Mapping[str, Any], where: Path) -> dict[str, dict[str, Any]]:
    """Return the contents of the two tokenizer files by name.

    :param metadata: the GGUF's metadata by key.
    :param where: the file, for error messages.
    :raises ModelError: the vocabulary or pre-tokenizer is not supported.
    """
    kind = metadata.get("tokenizer.ggml.model")
    tokens, types = metadata.get("tokenizer.ggml.tokens"), metadata.get("tokenizer.ggml.token_type")
    if kind not in ("gpt2", "llama") or not tokens:
        raise ModelError("tokenizer not supported", where=where, got=kind, allowed="gpt2 (byte-level BPE), llama")
    types = list(types or [1] * len(tokens))
    # Unused tokens at the end are padding of the matrix; those in between keep their ids.
    size = len(tokens)
    while types[size - 1] == UNUSED:
        size -= 1
    tokens, types = list(tokens[:size]), types[:size]
    body = _byte_level(metadata, tokens, where) if kind == "gpt2" else _sentence_piece(metadata, tokens, where)
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added(tokens, types),
        **body,
        "post_processor": _post_processor(metadata, tokens) or body["post_processor"],
    }
    return {"tokenizer.json": content, "tokenizer_config.json": _config(metadata, tokens)}


def _added(tokens: list[str], types: list[int]) -> list[dict[str, Any]]:
    """Return the tokens that are matched before the text is split."""
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return [
        {"id": index, "content": tokens[index], **flags, "special": kind == CONTROL}
        for index, kind in enumerate(types)
        if kind in (CONTROL, USER_DEFINED)
    ]


def _bpe(tokens: list[str], merges: list[list[str]], **options: Any) -> dict[str, Any]:
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
    }
    return {**model, **options, "vocab": {text: index for index, text in enumerate(tokens)}, "merges": merges}


def _byte_level(metadata: Mapping[str, Any], tokens: list[str], where: Path) -> dict[str, Any]:
    """Return the pipeline of a byte-level BPE tokenizer (GPT-2)."""
    name = str(metadata.get("tokenizer.ggml.pre", "default"))
    if name not in PRE_TOKENIZERS:
        allowed = ", ".join(PRE_TOKENIZERS)
        raise ModelError("pre-tokenizer not supported", where=where, got=name, allowed=allowed)
    merges = metadata.get("tokenizer.ggml.merges")
    if merges is None:
        raise ModelError("the metadata tokenizer.ggml.merges is missing", where=where)
    # A merge is two tokens separated by a space; only in damaged files does a token begin with one.
    pairs = [merge.split(" ", 1) for merge in merges]
    return {
        "normalizer": {"type": "NFC"} if name == "qwen2" else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": PRE_TOKENIZERS[name]},
        "post_processor": _bytes(use_regex=True),
        "decoder": _bytes(use_regex=True),
        # Llama 3 uses a token for a whole word even if no sequence of merges produces it.
        "model": _bpe(tokens, pairs, ignore_merges=PRE_TOKENIZERS[name] is _LLAMA3),
    }


def _sentence_piece(metadata: Mapping[str, Any], tokens: list[str], where: Path) -> dict[str, Any]:
    """Return the pipeline of a SentencePiece BPE tokenizer, as the hub's converter writes it."""
    scores = metadata.get("tokenizer.ggml.scores")
    if scores is None:
        raise ModelError("the metadata tokenizer.ggml.scores is missing", where=where)
    if (longest := max(map(len, tokens))) > LONGEST:
        raise ModelError("a token is too long", where=where, got=f"{longest} characters", allowed=LONGEST)
    prefix = bool(metadata.get("tokenizer.ggml.add_space_prefix", True))
    ids = {text: index for index, text in enumerate(tokens)}
    found = []
    for text, score in zip(tokens, scores, strict=False):
        splits = [(text[:cut], text[cut:]) for cut in range(1, len(text))]
        pairs = [(left, right) for left, right in splits if left in ids and right in ids]
        found += [(score, *pair) for pair in sorted(pairs, key=lambda pair: (ids[pair[0]], ids[pair[1]]))]
    # SentencePiece joins the pair whose result scores highest.
    found.sort(key=lambda merge: -merge[0])
    unknown = int(metadata.get("tokenizer.ggml.unknown_token_id", 0))
    blank = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    decoders: list[dict[str, Any]] = [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    normalizers = [{"type": "Prepend", "prepend": "▁"}, blank] if prefix else [blank]
    options = {"unk_token": tokens[unknown], "fuse_unk": True, "byte_fallback": True}
    return {
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [*decoders, strip] if prefix else decoders},
        "model": _bpe(tokens, [[left, right] for _, left, right in found], **options),
    }


def _post_processor(metadata: Mapping[str, Any], tokens: list[str]) -> dict[str, Any] | None:
    """Return the template that prepends BOS to a text, or None if the model uses none."""
    # llama.cpp's defaults for files without this key.
    default = metadata["tokenizer.ggml.model"] == "llama" or metadata.get("tokenizer.ggml.pre") in (
        "llama-bpe",
        "llama3",
    )
    bos = metadata.get("tokenizer.ggml.bos_token_id")
    if bos is None or not metadata.get("tokenizer.ggml.add_bos_token", default):
        return None
    text = tokens[int(bos)]
    special = {"SpecialToken": {"id": text, "type_id": 0}}
    one, two = {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}
    return {
        "type": "TemplateProcessing",
        "single": [special, one],
        "pair": [special, one, {"SpecialToken": {"id": text, "type_id": 1}}, two],
        "special_tokens": {text: {"id": text, "ids": [int(bos)], "tokens": [text]}},
    }


def _config(metadata: Mapping[str, Any], tokens: list[str]) -> dict[str, Any]:
    """Return ``tokenizer_config.json``."""
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": int(metadata.get(f"{metadata['general.architecture']}.context_length", 2048)),
    }
    for name, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")):
        index = metadata.get(f"tokenizer.ggml.{key}_token_id")
        if index is not None and int(index) < len(tokens):
            config[f"{name}_token"] = tokens[int(index)]
    if template := metadata.get("tokenizer.chat_template"):
        config["chat_template"] = template
    return config
