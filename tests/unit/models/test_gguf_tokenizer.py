"""A converted tokenizer gives the ids of an independent reading of the same GGUF."""

import inspect
import io
import json
import random
import textwrap

import gguf
import pytest
import tiny_gguf
from numpy_llama import SmolBpe
from tokenizers import Tokenizer

from conch_dna.models import gguf_tokenizer, refs
from conch_dna.models.gguf import convert

WRITTEN = [
    "",
    " ",
    "   leading and trailing   ",
    "a\n\n\n  b\t\tc\r\nd",
    "The year 2024, 3.14159, 1,000,000 and 0x1F; ½ ² Ⅷ ٣",
    "I'll say it's what they've, we'd, you're, I'm, isn't; I'LL",
    "héllo wörld naïve façade Ünïcödé e\u0301 ﬁ",
    "你好,世界。今天天气很好!2024年",
    "こんにちは 世界 カタカナ 안녕하세요",
    "Привет мир, مرحبا بالعالم, שלום, नमस्ते",
    "😀 🎉🎊 👩‍👩‍👧‍👦 🇫🇷 ❤️",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    "no special <|im_start but <|endoftext|>joined<|im_end|><|im_end|>",
    'for (int i = 0; i < 10; ++i) { printf("%d\\n", i); }',
    '{"name": "search", "arguments": {"query": "x", "n": 3}}',
    "https://example.org/a_b?c=d&e=%20f#g",
    "\u00a0nbsp\u2003em\u200bzero\u2028line",
    "$$\\int_0^1 x^2 dx = \\frac{1}{3}$$",
    "\x00\x01\x7f\ufeff",
]


def texts():
    """Some 300 texts: written ones, pieces of code, and mixtures of all."""
    rng = random.Random(7)
    lines = [
        line for module in (json, textwrap, random) for line in inspect.getsource(module).split("\n") if line.strip()
    ]
    code = ["\n".join(lines[at : at + 4]) for at in rng.sample(range(len(lines) - 4), 120)]
    alphabet = [*"ab Z09\n\t'.,_-é你😀½ \u00a0", "'s", "  ", "the", " in"]
    mixed = ["".join(rng.choices(alphabet, k=rng.randint(1, 40))) for _ in range(160)]
    return WRITTEN + code + mixed


@pytest.mark.real
def test_smollm2_gives_the_ids_of_a_plain_bpe_over_the_gguf_and_round_trips():
    path = refs.gguf_file("embedded:smollm2-135m")
    plain, tokenizer = SmolBpe(path), Tokenizer.from_file(str(refs.resolve(str(path)) / "tokenizer.json"))
    assert len(texts()) >= 200
    for text in texts():
        ids = tokenizer.encode(text, add_special_tokens=True).ids
        assert ids == plain.encode(text)
        assert tokenizer.decode(ids, skip_special_tokens=False) == text


@pytest.mark.real
def test_mlx_lm_reads_the_same_tokenizer_with_the_chat_template():
    from mlx_lm.tokenizer_utils import load as load_tokenizer

    folder = refs.resolve("embedded:smollm2-135m")
    wrapper, plain = load_tokenizer(folder), SmolBpe(refs.gguf_file("embedded:smollm2-135m"))
    for text in texts():
        assert wrapper.encode(text) == plain.encode(text)
    rendered = wrapper.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    assert rendered.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    assert wrapper.eos_token_id == wrapper.convert_tokens_to_ids("<|im_end|>")


def tiny_tokenizer(tmp_path, **options):
    convert(tiny_gguf.write(tmp_path / "tiny.gguf", **options), tmp_path / "out")
    return Tokenizer.from_file(str(tmp_path / "out/tokenizer.json"))


@pytest.mark.parametrize(
    ("pre", "text", "words"),
    [
        ("gpt-2", "ab 1234 é\n\n x", ["ab", " 1234", " é", "\n\n", " x"]),
        ("smollm", "ab 1234 x", ["ab", " ", "1", "2", "3", "4", " x"]),
        ("qwen2", "ab 1234\n\n x(y", ["ab", " ", "1", "2", "3", "4", "\n\n", " x", "(y"]),
        ("llama-bpe", "ab 1234\n x'LL", ["ab", " ", "123", "4", "\n", " x", "'LL"]),
    ],
)
def test_text_is_cut_as_the_pre_tokenizer_of_that_name_cuts(tmp_path, pre, text, words):
    tokenizer = tiny_tokenizer(tmp_path, pre=pre)
    assert [text[start:end] for _, (start, end) in tokenizer.pre_tokenizer.pre_tokenize_str(text)] == words
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_padding_at_the_end_of_the_matrix_is_not_in_the_vocabulary(tmp_path):
    tokens, types = tiny_gguf.vocabulary()
    padded = [*tokens, "[PAD265]", "[PAD266]"]
    tokenizer = tiny_tokenizer(tmp_path, tokens=padded, types=[*types, 5, 5])
    assert tokenizer.get_vocab_size() == len(tokens)
    assert json.loads((tmp_path / "out/config.json").read_text())["vocab_size"] == len(padded)


def test_user_defined_tokens_are_matched_whole_but_are_not_special(tmp_path):
    tokens, types = tiny_gguf.vocabulary()
    tokenizer = tiny_tokenizer(tmp_path, tokens=[*tokens, "<tool_call>"], types=[*types, 4])
    ids = tokenizer.encode("a<tool_call>the<|im_end|>").ids
    assert ids[1] == len(tokens)
    assert tokenizer.decode(ids) == "a<tool_call>the"


def test_every_token_that_ends_an_answer_is_an_end_token():
    tokens, types = tiny_gguf.vocabulary()
    metadata = {"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types}
    metadata["tokenizer.ggml.eos_token_id"] = tokens.index("<|im_end|>")
    assert gguf_tokenizer.eos_ids(metadata) == [tokens.index("<|im_end|>"), tokens.index("<|endoftext|>")]


def test_a_bos_token_is_put_in_front_where_the_file_says_so(tmp_path):
    def add(writer):
        writer.kv_data[-1].pop("tokenizer.ggml.add_bos_token", None)
        writer.add_add_bos_token(True)

    tokenizer = tiny_tokenizer(tmp_path, extra=add)
    bos = tokenizer.token_to_id("<|endoftext|>")
    assert tokenizer.encode("a").ids[0] == bos
    assert bos not in tokenizer.encode("a", add_special_tokens=False).ids


@pytest.fixture(scope="module")
def pieces():
    """A small SentencePiece BPE model of the kind llama 2 has."""
    sentencepiece = pytest.importorskip("sentencepiece")
    corpus = [line for line in (inspect.getsource(textwrap) + inspect.getsource(json)).split("\n") if line.strip()]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus),
        model_writer=model,
        vocab_size=700,
        model_type="bpe",
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


@pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")
def test_a_sentence_piece_vocabulary_gives_the_ids_of_sentence_piece(tmp_path, pieces):
    count = pieces.get_piece_size()
    kinds = [
        (2 if pieces.is_unknown(i) else 3 if pieces.is_control(i) else 6 if pieces.is_byte(i) else 1)
        for i in range(count)
    ]
    metadata = {
        "general.architecture": "llama",
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [pieces.id_to_piece(i) for i in range(count)],
        "tokenizer.ggml.scores": [pieces.get_score(i) for i in range(count)],
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.bos_token_id": pieces.bos_id(),
        "tokenizer.ggml.eos_token_id": pieces.eos_id(),
        "tokenizer.ggml.unknown_token_id": pieces.unk_id(),
    }
    files = gguf_tokenizer.tokenizer_files(metadata, tmp_path / "some.gguf")
    tokenizer = Tokenizer.from_str(json.dumps(files["tokenizer.json"]))
    for text in texts():
        # SentencePiece ends at a NUL and takes special tokens' texts apart: neither is asked of it.
        if not text or "\x00" in text or "<|" in text:
            continue
        ids = tokenizer.encode(text).ids
        assert ids == [pieces.bos_id(), *pieces.encode(text)]
        assert tokenizer.decode(ids) == text


def test_the_gguf_package_names_the_token_types_that_are_used():
    kinds = gguf.TokenType
    assert (kinds.CONTROL, kinds.USER_DEFINED, kinds.UNUSED) == (3, 4, 5)
