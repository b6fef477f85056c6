"""Tokens that servers return are read, although each server joins, splits and ends them differently."""

import math

import pytest

from conch_dna.align.served_logprobs import answer_in, is_absent, raw_piece, soft_tokens, spelled, trail_behind
from conch_dna.records import SoftToken

END, START = {"id": 151645, "token": "", "bytes": []}, {"id": 151644, "token": "", "bytes": []}
HALF = "\ufffd".encode().decode("latin-1")


def item(token, *others, logprob=-0.1):
    """A token with its own likelihood, and those of ``others``, each less likely than the one before."""
    ranked = [token, *others]
    returned = [{**t, "logprob": logprob - n} for n, t in enumerate(ranked)]
    return {**returned[0], "top_logprobs": returned}


def token(number, data):
    return {"id": number, "token": data.decode(errors="replace"), "bytes": list(data)}


def choice(items, text, reason="stop"):
    return {"finish_reason": reason, "message": {"content": text}, "logprobs": {"content": items}}


def shell():
    """The last of three tokens that make a blank and an emoji: its own bytes are the emoji's last."""
    last = item(token(248, b"\x9a"), token(249, b"\x9b"))
    return {**last, "token": " 🐚", "bytes": list(" 🐚".encode())}


def test_joined_tokens_are_separated_and_the_end_is_the_end():
    country = item(token(101059, "日本".encode()), token(9, b"Ja"))
    found = soft_tokens(choice([country, shell(), item(END, START)], "日本 🐚"))
    japan, before = ("日本".encode().decode("latin-1"), " \xf0\x9f\x90")
    assert [(t.piece, t.choices) for t in found] == [
        (japan, ((japan, -0.1), ("Ja", -1.1))),
        (before, ((before, 0.0),)),
        ("\x9a", (("\x9a", -0.1), ("\x9b", -1.1))),
        (None, ((None, -0.1),)),
    ]


def test_a_token_drawn_from_outside_the_likeliest_is_among_its_choices():
    drawn = {**item(token(8, b"y")), **token(7, b"x"), "logprob": -5.0}
    (found,) = soft_tokens(choice([drawn], "x", "length"))
    assert (found.piece, found.choices) == ("x", (("y", -0.1), ("x", -5.0)))


def test_an_answer_that_was_cut_off_has_no_end():
    found = soft_tokens(choice([item(token(7, b"x"), END)], "x", "length"))
    assert [(t.piece, t.choices) for t in found] == [("x", (("x", -0.1),))]


def test_another_end_stays_in_the_tail():
    items = [item(token(7, b"x"), START, END), item(END, START)]
    found = soft_tokens(choice(items, "x"))
    assert [t.choices for t in found] == [(("x", -0.1), (None, -2.1)), ((None, -0.1),)]


def test_a_special_token_inside_an_answer_without_other_choices_is_no_fault():
    items = [item(START), item(token(7, b"x")), item(END)]
    assert [t.piece for t in soft_tokens(choice(items, "x"))] == ["", "x", None]


def test_tokens_of_another_text_tell_nothing():
    assert soft_tokens(choice([shell(), item(END)], "🐚")) == ()


def openai(text, *others, logprob=-0.1, returned=True):
    """A token as OpenAI and vLLM tell it: without an id."""
    ranked = [(text, logprob), *((other, logprob - 1 - n) for n, other in enumerate(others))]
    items = [{"token": t, "logprob": v, "bytes": list(t.encode()) if returned else None} for t, v in ranked]
    return {**items[0], "top_logprobs": items}


def test_tokens_without_ids_are_identified_by_their_bytes():
    found = soft_tokens(choice([openai("Hel", "Hi"), openai("lo", "p")], "Hello"))
    assert [(t.piece, t.choices) for t in found] == [
        ("Hel", (("Hel", -0.1), ("Hi", -1.1))),
        ("lo", (("lo", -0.1), ("p", -1.1))),
    ]


def test_an_end_returned_as_text_is_the_end_of_the_turn():
    found = soft_tokens(choice([openai("Hi", "<|im_end|>"), openai("<|im_end|>", "!")], "Hi"))
    assert [(t.piece, t.choices) for t in found] == [
        ("Hi", (("Hi", -0.1), (None, -1.1))),
        (None, ((None, -0.1), ("!", -1.1))),
    ]


def test_the_same_text_within_an_answer_that_was_cut_off_is_no_end():
    assert soft_tokens(choice([openai("Hi"), openai("<|im_end|>")], "Hi", "length")) == ()


@pytest.mark.parametrize(
    "logprobs", [None, {}, {"content": None}, {"content": []}], ids=["null", "empty", "null content", "no content"]
)
def test_a_response_without_tokens_gives_none(logprobs):
    assert soft_tokens({"finish_reason": "stop", "message": {"content": "Hi"}, "logprobs": logprobs}) == ()


def test_figures_that_were_not_worked_out_are_no_choices():
    item = openai("a", "b")
    item["top_logprobs"].append({"token": "z", "logprob": -9999.0, "bytes": [122]})
    (found,) = soft_tokens(choice([item], "a"))
    assert [piece for piece, _ in found.choices] == ["a", "b"]


def test_halves_of_a_character_become_the_bytes_of_the_text():
    half = openai("\ufffd", "x", logprob=-0.5)
    found = soft_tokens(choice([openai("a"), half, half, openai(" b", "\ufffd")], "a🐚 b"))
    shell = "🐚".encode().decode("latin-1")
    assert [(t.piece, t.choices) for t in found] == [
        ("a", (("a", -0.1),)),
        (shell, ((shell, -1.0),)),
        (" b", ((" b", -0.1),)),
    ]


def test_halves_at_the_end_of_the_text_take_the_rest():
    tokens = [SoftToken(piece="a", choices=(("a", -0.1),)), SoftToken(piece=HALF, choices=((HALF, -0.2),))]
    assert [t.piece for t in spelled(tokens, "aé".encode())] == ["a", "é".encode().decode("latin-1")]


@pytest.mark.parametrize("text", ["b🐚", "a", "a🐚c"], ids=["before", "nothing for the half", "behind"])
def test_halves_within_another_text_spell_nothing(text):
    tokens = [SoftToken(piece=p, choices=((p, -0.1),)) for p in ("a", HALF, "b")]
    assert spelled(tokens, text.encode()) is None


def tokens_of(*pieces):
    return [SoftToken(piece=p, choices=((p, -0.1), ("<end>", -2.0))) for p in pieces]


CONVERSATION = ["<user>", "Hi", "<end>", "<bot>", "Hi", " there", "<end>", "\n"]


def test_an_answer_is_found_in_a_conversation_that_ends_with_it():
    found = answer_in(tokens_of(*CONVERSATION), "Hi there", 2)
    assert [t.piece for t in found] == ["Hi", " there", None]
    assert found[0].choices == (("Hi", -0.1), (None, -2.0))
    assert found[-1].choices[0] == (None, -0.1)


def test_the_last_of_two_same_texts_is_the_answer():
    tokens = tokens_of("<bot>", "a", "a", "<end>")
    assert len(answer_in(tokens, "a", 1)) == 2


def test_blank_that_a_template_trimmed_is_no_other_text():
    assert [t.piece for t in answer_in(tokens_of(*CONVERSATION), " Hi there\n", 2)] == ["Hi", " there", None]


@pytest.mark.parametrize("text", ["Hello", "", "  "], ids=["another", "empty", "blank"])
def test_an_answer_that_is_not_there_is_not_found(text):
    assert answer_in(tokens_of(*CONVERSATION), text, 2) is None


def test_the_tokens_behind_an_answer_are_counted():
    assert trail_behind(tokens_of(*CONVERSATION), "Hi there") == 2
    assert trail_behind(tokens_of(*CONVERSATION), "Hi you") is None
    assert trail_behind(tokens_of("Hi", " there"), "Hi there") == 0


def rows(*values, count=4):
    """Tokens whose choices all have these values."""
    token = SoftToken(piece="0", choices=tuple((str(n), value) for n, value in enumerate(values)))
    return [[token] * count]


@pytest.mark.parametrize(
    ("returned", "why"),
    [
        (rows(0.0, 0.0), "add up to more than 1"),
        (rows(-1.0, -1.0, -1.0, -1.0), "add up to more than 1"),
        (rows(-5.0, -5.0, -5.0, -5.0), "all log-probabilities are -5"),
        (rows(0.5), "above 0"),
        (rows(math.nan), "above 0, or not a number"),
        ([[]], "no token has"),
        ([], "no token has"),
    ],
    ids=["zeros", "constant", "small constant", "above 0", "not a number", "no tokens", "no answers"],
)
def test_figures_that_are_no_probabilities_are_no_signal(returned, why):
    assert why in is_absent(returned)


def test_a_teacher_that_is_sure_is_a_signal():
    assert is_absent(rows(0.0, -18.0)) is None
    assert is_absent(rows(-0.1, -3.0, count=1)) is None


def test_raw_tokens_are_text_or_bytes():
    assert raw_piece("é") == "é".encode().decode("latin-1")
    assert raw_piece("bytes:\\xf0\\x9f") == "\xf0\x9f"
