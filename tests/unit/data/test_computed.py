"""Tokens inside a computed span carry no loss; everything else in the answer does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from languages import PROSE, byte_level, pieces

from conch_dna.data.batches import collate
from conch_dna.data.computed import computed_spans
from conch_dna.data.tokens import encode_answer
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Message, Prompt

CALCULATOR = load_plugins(strict=True, block=[]).catalog.get("processors", "calculator")
TOKENIZERS = {"digits": byte_level(digits=True), "merged": byte_level(600, PROSE), "pieces": pieces()}
PROMPT = Prompt(messages=(Message(role="user", content="How much?"),))
ANSWER = "1. Honey sales: 6 * 7 = 42.\n2. Less the fee: 42 - 3 = 39 dollars.\nAnswer: 39"


def spans_of(text):
    return [text[start:end] for start, end in computed_spans(text, [CALCULATOR])]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        (ANSWER, [" 42", " 39"]),
        ("6*7=42", ["42"]),
        ("6 * 7 = 43. So 43 + 1 = 44.", [" 43", " 44"]),
        ("6 * 7 = 420", [" 420"]),
        ("10 / 4 = 2", [" 2"]),
        ("4 / 2 = 2.5 m", [" 2.5"]),
        ("7 * 6 = $42.", [" $42"]),
        ("(4 x 8) + (3 x 6) = 32 + 18 = 50.", [" 32", " 50"]),
        ("14:50 + 95 min = 16:25.", [" 16:25"]),
        ("1 + 2 =", []),
        ("1 + 2 =\nNext", []),
        ("1 pound = 16 ounces", []),
        ("", []),
    ],
)
def test_the_spans_are_what_follows_an_expression(text, spans):
    assert spans_of(text) == spans


def test_without_processors_there_are_no_spans():
    assert computed_spans(ANSWER, []) == []


@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
def test_only_the_tokens_of_the_results_are_not_trained(tokenizer):
    plain = encode_answer(tokenizer, PROMPT, ANSWER)
    example = encode_answer(tokenizer, PROMPT, ANSWER, [CALCULATOR])
    assert plain.computed == ()
    assert (example.ids, example.answer_start, example.answer_ids) == (plain.ids, plain.answer_start, plain.answer_ids)
    untrained = [i for i, (a, b) in enumerate(zip(plain.trained, example.trained, strict=True)) if a and not b]
    assert untrained == list(example.computed)
    assert sum(example.answer_trained) == len(example.answer_ids) - len(example.computed)
    assert example.answer_trained[-1], "the end of the turn is trained"
    hidden = "".join(tokenizer.decode([example.ids[i]]) for i in example.computed)
    assert plain.answer_bytes - example.answer_bytes == sum(len(span) for span in (" 42", " 39"))
    assert "".join(hidden.split()) == "4239"


def test_a_token_across_the_border_of_a_span_stays_trained():
    """Its loss teaches the text that follows the result."""
    tokenizer, text = TOKENIZERS["merged"], "so: the thing"
    cut = next(token for token in map(tokenizer.decode, zip(tokenizer.encode(text))) if len(token.strip()) > 1)
    before, _, _ = text.partition(cut)

    def half_of_it(answer):
        return cut[:-1] if answer == before else None

    example = encode_answer(tokenizer, PROMPT, text, [half_of_it])
    assert computed_spans(text, [half_of_it]) == [(len(before), len(before) + len(cut) - 1)]
    assert example.computed == ()


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=4), st.sampled_from("déé→ x"))
def test_offsets_hold_for_any_text_before_them(sums, letter):
    text = "".join(f"{letter} sum: {a} + {b} = {a + b}.\n" for a, b in sums) + "é"
    example = encode_answer(TOKENIZERS["digits"], PROMPT, text, [CALCULATOR])
    hidden = TOKENIZERS["digits"].decode([example.ids[i] for i in example.computed])
    assert "".join(hidden.split()) == "".join(str(a + b) for a, b in sums)


def test_a_batch_has_no_position_of_a_computed_token():
    example = encode_answer(TOKENIZERS["digits"], PROMPT, ANSWER, [CALCULATOR])
    batch = collate([example], [0])
    assert len(batch.labels_N) == sum(example.trained)
    assert not {place - 1 for place in example.computed} & set(batch.cols_N.tolist())
