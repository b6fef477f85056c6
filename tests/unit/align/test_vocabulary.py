"""A token is its bytes, whatever alphabet the tokenizer writes them in."""

import pytest
from languages import PROSE, TEXTS, byte_level, encode, pieces, widened, wrapped
from mlx_lm.tokenizer_utils import TokenizerWrapper, load
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from conch_dna.align.vocabulary import vocabulary_of
from conch_dna.errors import ConchError
from conch_dna.models import refs

KINDS = {"digits": lambda: byte_level(digits=True), "merged": lambda: byte_level(600, PROSE), "pieces": pieces}


@pytest.mark.parametrize("kind", KINDS)
def test_the_tokens_of_a_text_are_its_bytes(kind):
    tokenizer = KINDS[kind]()
    vocabulary = vocabulary_of(tokenizer)
    for text in TEXTS:
        spelled = b"".join(vocabulary.pieces[i] for i in encode(tokenizer, text))
        assert spelled == (b" " if kind == "pieces" else b"") + text.encode()


@pytest.mark.real
def test_those_of_smollm2_are_too():
    tokenizer = load(refs.resolve("embedded:smollm2-135m"))
    vocabulary = vocabulary_of(tokenizer)
    for text in TEXTS:
        assert b"".join(vocabulary.pieces[i] for i in encode(tokenizer, text)) == text.encode()
    assert (len(vocabulary.pieces), vocabulary.virtual_blank) == (49_152, False)


def test_beginnings_ends_and_padding_have_no_bytes_but_other_added_tokens_are_their_text():
    tokenizer = widened(byte_level(), "<tool>")
    vocabulary = vocabulary_of(tokenizer)
    named = {t: vocabulary.pieces[tokenizer.convert_tokens_to_ids(t)] for t in ("<|im_end|>", "<|im_start|>", "<tool>")}
    assert named == {"<|im_end|>": b"", "<|im_start|>": b"<|im_start|>", "<tool>": b"<tool>"}
    assert vocabulary.ends == {tokenizer.eos_token_id}
    assert vocabulary.marks == vocabulary.ends | {tokenizer.bos_token_id}


def test_a_token_that_holds_half_a_character_is_that_half():
    tokenizer = pieces()
    vocabulary = vocabulary_of(tokenizer)
    ids = tokenizer.encode("é", add_special_tokens=False)
    assert [vocabulary.pieces[i] for i in ids] == [b" ", b"\xc3", b"\xa9"]


def test_of_two_tokens_of_the_same_bytes_the_word_is_meant_and_not_the_byte():
    tokenizer = pieces()
    vocabulary = vocabulary_of(tokenizer)
    assert vocabulary.ids[b"a"] == tokenizer.convert_tokens_to_ids("a")
    assert vocabulary.pieces[tokenizer.convert_tokens_to_ids("<0x61>")] == b"a"
    assert vocabulary.ids[b"\xc3"] == tokenizer.convert_tokens_to_ids("<0xC3>")


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_token_of_a_text_is_the_tokenizers_own(kind):
    tokenizer = KINDS[kind]()
    vocabulary = vocabulary_of(tokenizer)
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False)
        if kind == "pieces":  # the tokenizer's own begins with a blank that is not in the text
            assert vocabulary.first(b" " + text.encode()) == ids[0]
        else:
            assert vocabulary.first(text.encode()) == ids[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", [b"\xf0\x9f", b"\x9f", b"the \xe4\xbb", b"\xff"])
def test_text_cut_inside_a_character_has_a_first_token_too(kind, text):
    vocabulary = vocabulary_of(KINDS[kind]())
    piece = vocabulary.pieces[vocabulary.first(text)]
    assert piece
    assert text.startswith(piece)


def test_nothing_begins_with_no_token():
    assert vocabulary_of(byte_level()).first(b"") == -1


def test_a_tokenizer_is_read_once_and_known_by_its_content():
    first = vocabulary_of(byte_level())
    assert vocabulary_of(byte_level()) is first
    copy = wrapped(Tokenizer.from_str(byte_level().backend_tokenizer.to_str()))
    assert vocabulary_of(copy) is first
    assert vocabulary_of(widened(byte_level(), "<tool>")).digest != first.digest


def test_tokens_that_are_no_bytes_are_refused():
    plain = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))  # noqa: S106  # no password
    fast = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="a")  # noqa: S106
    with pytest.raises(ConchError, match="cannot be written as bytes; got decoder none"):
        vocabulary_of(TokenizerWrapper(fast))
