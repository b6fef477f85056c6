"""Small tokenizers of different kinds, trained on the spot, and texts that they encode differently."""

import inspect
import json
import random
import textwrap
from functools import cache

from mlx_lm.tokenizer_utils import TokenizerWrapper
from tiny import SPECIAL, TEMPLATE
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEXTS = (
    "Hello, wörld! It's naïve.",
    "In 2024, 1234567 + 89 = 1234656; 3.14159",
    "👩‍👩‍👧‍👦 🇫🇷 ❤️ 🐚🐚",
    "今天天气很好!こんにちは 안녕하세요",
    "def f(x):\n    return {'a': x[0], \"b\": None}  # why\n\n\n",
    "  two  blanks\tand a tab ",
    "Привет мир नमस्ते ½ ² Ⅷ",
    '{"tool": "search", "arguments": {"query": "x", "n": 12}}',
    "a",
    " ",
)
NUMBERS = "\n".join(map(str, random.Random(1).choices(range(1000, 2100), k=400)))
CODE = inspect.getsource(textwrap) + inspect.getsource(random)[:20_000]
PROSE = " ".join([*TEXTS, NUMBERS, inspect.getsource(json), json.__doc__ or ""])


def wrapped(tokenizer, template=TEMPLATE, end="<|im_end|>"):
    """Return the mlx-lm wrapper of a ``tokenizers.Tokenizer`` that has the tokens of ``tiny.SPECIAL``."""
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=end, **dict.fromkeys(("bos_token", "pad_token"), "<|endoftext|>"),
        clean_up_tokenization_spaces=False,
    )  # fmt: skip
    fast.chat_template = template
    return TokenizerWrapper(fast)


def specials():
    return [AddedToken(token, special=True, normalized=False) for token in SPECIAL]


@cache
def byte_level(size=420, corpus=CODE, *, digits=False):
    """Return a byte-level BPE trained on ``corpus``; with ``digits``, each digit is one token."""
    tokenizer = Tokenizer(models.BPE())
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False)
    single = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), plain])
    tokenizer.pre_tokenizer = single if digits else plain
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(corpus.split("\n"), trainer)
    tokenizer.add_special_tokens(specials())
    return wrapped(tokenizer)


@cache
def pieces(size=360, corpus=PROSE):
    """Return a SentencePiece tokenizer like Llama 2's: ``▁`` before a text and for spaces, bytes as ``<0xNN>``."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", "▁")
    trained.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    ascii_text = corpus.encode("ascii", "ignore").decode()
    trained.train_from_iterator(ascii_text.split("\n"), trainers.BpeTrainer(vocab_size=size, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    first = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words = {text: i for i, text in enumerate([*first, *model["vocab"]])}
    merges = [tuple(m) for m in model["merges"]]
    tokenizer = Tokenizer(models.BPE(words, merges, byte_fallback=True, unk_token=first[0], fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(specials())
    return wrapped(tokenizer)


def widened(tokenizer, *tokens):
    """Return the same tokenizer with more tokens after its own."""
    more = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    more.add_tokens(list(tokens))
    return wrapped(more)


def encode(tokenizer, text):
    """Return the tokens of an answer with its end token."""
    return [*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]
