"""The fit of each text equals the dense formula, in the order of the texts."""

import math

import mlx.core as mx
import numpy as np
import pytest
from tiny import chats, soft_targets, targets_of

from conch_dna.data.tokens import encode_chat
from conch_dna.evaluation import fit as evaluate
from conch_dna.evaluation.fit import fits
from conch_dna.models.head import split


@pytest.fixture
def parts(tiny_model):
    return split(tiny_model.model)


@pytest.fixture
def examples(tiny_model):
    return [encode_chat(tiny_model.tokenizer, chat) for chat in chats(11)]


def log_probs_of(model, example):
    """Float64 (T, V) log-probabilities at the answer's tokens, from all logits of the unpadded text."""
    logits = np.array(model(mx.array([example.ids]))[0], np.float64)
    log_probs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    return log_probs[example.answer_start - 1 :][: len(example.answer_ids)]


def test_figures_equal_the_dense_formula(tiny_model, parts, examples):
    targets = soft_targets(examples, k=6)
    found = fits(*parts, examples, targets)
    for fit, example, target in zip(found, examples, targets, strict=True):
        log_q = log_probs_of(tiny_model.model, example)
        answer = np.array(example.answer_ids)
        nats = -log_q[np.arange(len(answer)), answer].sum()
        rest = np.delete(np.exp(log_q[0]), target.ids[0]).sum()
        at_ids = np.take_along_axis(log_q, target.ids.astype(int), axis=-1)
        tail = np.log(1 - np.exp(at_ids).sum(axis=-1))
        assert math.isclose(tail[0], math.log(rest), rel_tol=1e-9)
        kl = (np.exp(target.log_probs) * (target.log_probs - at_ids)).sum()
        kl += (np.exp(target.tail) * (target.tail - tail)).sum()
        assert math.isclose(fit.bits, nats / math.log(2), rel_tol=1e-4)
        assert math.isclose(fit.divergence, kl, rel_tol=1e-4)
        assert fit.tokens == len(answer)
        assert fit.agreements == (log_q.argmax(axis=-1) == target.ids[:, 0]).sum()


@pytest.mark.parametrize("name", ["ROWS", "CHUNK"])
def test_figures_do_not_depend_on_the_division_into_chunks(parts, examples, monkeypatch, name):
    targets = soft_targets(examples)
    expected = fits(*parts, examples, targets)
    monkeypatch.setattr(evaluate, name, 3)
    for one, other in zip(fits(*parts, examples, targets), expected, strict=True):
        assert np.allclose(one, other, rtol=1e-5)


def test_only_the_last_turn_counts(tiny_model, parts):
    turns = [
        {"role": "user", "content": "the"}, {"role": "assistant", "content": "in on an"},
        {"role": "user", "content": "or"}, {"role": "assistant", "content": "hour"},
    ]  # fmt: skip
    example = encode_chat(tiny_model.tokenizer, turns)
    assert sum(example.trained) > len(example.answer_ids)
    (fit,) = fits(*parts, [example])
    assert fit.tokens == len(example.answer_ids)
    assert (fit.divergence, fit.agreements) == (0, 0)


def test_no_texts_have_no_figures(parts):
    assert fits(*parts, []) == []


def test_a_model_has_no_divergence_from_itself(tiny_model, parts, examples):
    targets = [targets_of(log_probs_of(tiny_model.model, e), 10) for e in examples]
    found = fits(*parts, examples, targets)
    assert max(f.divergence for f in found) < 1e-4
    assert [f.agreements for f in found] == [f.tokens for f in found]
