"""What the ``llamacpp`` teacher makes of replies: llama.cpp joins tokens that split a character, ends have no bytes."""

import sys

import pytest

from conch_dna.plugins import load_plugins

END, START = {"id": 151645, "token": "", "bytes": []}, {"id": 151644, "token": "", "bytes": []}


@pytest.fixture
def soft_tokens():
    return sys.modules[load_plugins().catalog.get("teachers", "llamacpp").__module__].soft_tokens


def item(token, *others, logprob=-0.1):
    """A token with its own likelihood, and those of ``others``, each less likely than the one before."""
    ranked = [token, *others]
    told = [{**t, "logprob": logprob - n} for n, t in enumerate(ranked)]
    return {**told[0], "top_logprobs": told}


def token(number, data):
    return {"id": number, "token": data.decode(errors="replace"), "bytes": list(data)}


def choice(items, text, reason="stop"):
    return {"finish_reason": reason, "message": {"content": text}, "logprobs": {"content": items}}


def shell():
    """The last of three tokens that make a blank and an emoji: its own bytes are the emoji's last."""
    last = item(token(248, b"\x9a"), token(249, b"\x9b"))
    return {**last, "token": " 🐚", "bytes": list(" 🐚".encode())}


def test_joined_tokens_are_told_apart_and_the_end_is_the_end(soft_tokens):
    country = item(token(101059, "日本".encode()), token(9, b"Ja"))
    found = soft_tokens(choice([country, shell(), item(END, START)], "日本 🐚"))
    japan, before = ("日本".encode().decode("latin-1"), " \xf0\x9f\x90")
    assert [(t.piece, t.choices) for t in found] == [
        (japan, ((japan, -0.1), ("Ja", -1.1))),
        (before, ((before, 0.0),)),
        ("\x9a", (("\x9a", -0.1), ("\x9b", -1.1))),
        (None, ((None, -0.1),)),
    ]


def test_a_token_drawn_from_outside_the_likeliest_is_among_its_choices(soft_tokens):
    drawn = {**item(token(8, b"y")), **token(7, b"x"), "logprob": -5.0}
    (found,) = soft_tokens(choice([drawn], "x", "length"))
    assert (found.piece, found.choices) == ("x", (("y", -0.1), ("x", -5.0)))


def test_an_answer_that_was_cut_off_has_no_end(soft_tokens):
    found = soft_tokens(choice([item(token(7, b"x"), END)], "x", "length"))
    assert [(t.piece, t.choices) for t in found] == [("x", (("x", -0.1),))]


def test_another_end_stays_in_the_tail(soft_tokens):
    items = [item(token(7, b"x"), START, END), item(END, START)]
    found = soft_tokens(choice(items, "x"))
    assert [t.choices for t in found] == [(("x", -0.1), (None, -2.1)), ((None, -0.1),)]


def test_a_special_token_inside_an_answer_without_other_choices_is_no_fault(soft_tokens):
    items = [item(START), item(token(7, b"x")), item(END)]
    assert [t.piece for t in soft_tokens(choice(items, "x"))] == ["", "x", None]


def test_tokens_of_another_text_tell_nothing(soft_tokens):
    assert soft_tokens(choice([shell(), item(END)], "🐚")) == ()
