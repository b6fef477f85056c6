"""The preference loss is its formula, in value and gradient, however a step is cut, and never with all logits."""

import math

import mlx.core as mx
import numpy as np
import pytest
from dense_losses import log_softmax
from hypothesis import given, settings
from hypothesis import strategies as st
from mlx.utils import tree_flatten
from tiny import chats

from conch_dna.config import DistillConfig
from conch_dna.data.tokens import encode_chat
from conch_dna.losses import fused as module
from conch_dna.losses.dpo import Pairs, pair_sums
from conch_dna.losses.fused import CHUNK, Objective, Sums
from conch_dna.models.head import split
from conch_dna.train import lora
from conch_dna.train.loop import Trainee, gradients
from conch_dna.train.sources import FixedSource

VOCABULARY = 40


def dense(logits_NV, labels_N, rows_N, references_2P, beta):
    """Float64, straight from the paper: the summed loss (equation 7), its gradient in the logits, and the rewards."""
    logits_NV = np.asarray(logits_NV, np.float64)
    log_p_NV = log_softmax(logits_NV)
    log_p_N = log_p_NV[np.arange(len(labels_N)), labels_N]
    answers = np.array([log_p_N[rows_N == row].sum() for row in range(len(references_2P))])
    rewards_P2 = (beta * (answers - references_2P)).reshape(-1, 2)
    margin_P = rewards_P2[:, 0] - rewards_P2[:, 1]
    slope_P = -beta / (1 + np.exp(margin_P))  # of -log sigmoid(h) in the preferred answer's log-probability
    slope_N = np.stack([slope_P, -slope_P], axis=-1).reshape(-1)[rows_N]
    one_hot_NV = np.eye(logits_NV.shape[1])[labels_N]
    grad_NV = slope_N[:, None] * (one_hot_NV - np.exp(log_p_NV))
    return np.logaddexp(0, -margin_P).sum(), grad_NV, rewards_P2


def fused(logits_NV, labels_N, rows_N, references_2P, beta):
    pairs = Pairs(references_2P, beta)

    def loss(hidden_ND):
        sums = pair_sums(hidden_ND, lambda h: h, mx.array(labels_N), mx.array(rows_N), pairs)
        return sums[0], sums

    (_, sums), grad = mx.value_and_grad(loss)(mx.array(logits_NV.astype(np.float32)))
    return Sums(*sums.tolist()), np.array(grad, np.float64)


def case(seed, lengths, spread=2.0, off=3.0):
    """Random logits of answers of these lengths, and references that are about as likely."""
    rng = np.random.default_rng(seed)
    rows_N = np.repeat(np.arange(len(lengths)), lengths).astype(np.int32)
    logits_NV = (rng.normal(size=(len(rows_N), VOCABULARY)) * spread).astype(np.float32)
    labels_N = rng.integers(0, VOCABULARY, len(rows_N)).astype(np.int32)
    log_p_N = log_softmax(logits_NV.astype(np.float64))[np.arange(len(rows_N)), labels_N]
    answers = np.array([log_p_N[rows_N == row].sum() for row in range(len(lengths))])
    return logits_NV, labels_N, rows_N, (answers + rng.normal(size=len(lengths)) * off).astype(np.float32)


def assert_same(given, beta):
    sums, grad_NV = fused(*given, beta)
    loss, expected_NV, rewards_P2 = dense(*given, beta)
    assert sums.combined == pytest.approx(loss, rel=1e-5, abs=1e-5)
    assert np.abs(grad_NV - expected_NV).max() <= 1e-5
    margin_P = rewards_P2[:, 0] - rewards_P2[:, 1]
    nat = 1e-3 * beta  # float32's resolution of a thousand nats, which long answers come to, is a tenth of this
    assert sums.margin == pytest.approx(margin_P.sum(), rel=1e-5, abs=nat)
    assert sums.reward == pytest.approx(rewards_P2[:, 0].sum(), rel=1e-5, abs=nat)
    assert sums.pairs == len(margin_P)
    if np.abs(margin_P).min() > nat:
        assert sums.agreed == (margin_P > 0).sum()
    return sums, grad_NV


def test_the_dense_reference_is_its_own_finite_difference():
    logits, labels, rows, references = case(0, [3, 2, 4, 1])
    logits = logits.astype(np.float64)
    _, grad, _ = dense(logits, labels, rows, references, 0.3)
    for place in ((0, 0), (4, labels[4]), (7, 5), (9, labels[9])):
        step = np.zeros_like(logits)
        step[place] = 1e-6
        up, down = (dense(logits + s, labels, rows, references, 0.3)[0] for s in (step, -step))
        assert abs((up - down) / 2e-6 - grad[place]) < 1e-8


@pytest.mark.parametrize("beta", [0.05, 0.1, 1.0])
@pytest.mark.parametrize(
    "lengths", [[1, 1], [7, 3, 2, 9], [CHUNK - 5, CHUNK + 9, 4, 1]], ids=["one token", "some", "over chunks"]
)
def test_value_and_gradient_are_those_of_the_formula(lengths, beta):
    sums, grad_NV = assert_same(case(1, lengths), beta)
    assert np.abs(grad_NV).max() > 1e-3, "or the comparison proves nothing"
    assert sums.ce > 0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=4).map(lambda some: [*some, *reversed(some)]),
    beta=st.floats(0.01, 0.5),
    off=st.sampled_from([0.0, 1.0, 200.0]),
)
def test_any_case_is_the_formula(seed, lengths, beta, off):
    assert_same(case(seed, lengths, spread=4.0, off=off), beta)


def test_at_the_reference_the_loss_is_ln_2_and_swapped_verdicts_turn_the_gradient_round():
    logits, labels, rows, references = case(2, [4, 6], off=0.0)
    sums, grad = fused(logits, labels, rows, references, 0.1)
    assert sums.combined == pytest.approx(math.log(2), abs=1e-6)
    _, other = fused(logits, labels, 1 - rows, references[::-1].copy(), 0.1)
    assert np.abs(grad + other).max() < 1e-6
    assert np.abs(grad).max() > 1e-3


@pytest.fixture
def answers(tiny_model):
    """Six pairs of short conversations."""
    return [encode_chat(tiny_model.tokenizer, chat) for chat in chats(12, words=(1, 20))]


def moved(model):
    """Move an attached adapter off its start, where its second factors are 0."""
    key = mx.random.key(3)
    changes = []
    for name, weight in tree_flatten(model.trainable_parameters()):
        key, own = mx.random.split(key)
        changes.append((name, weight + 0.1 * mx.random.normal(weight.shape, key=own)))
    model.load_weights(changes, strict=False)


@pytest.mark.parametrize("embeddings", [False, True], ids=["blocks", "tied head too"])
def test_a_steps_gradient_is_that_of_all_logits_however_it_is_cut(tiny_model, answers, embeddings, monkeypatch):
    """Against mlx's own differentiation of the mean over pairs, pair by pair, in one piece."""
    monkeypatch.setattr(module, "CHUNK", 16)
    model, beta = tiny_model.model, 0.2
    references_2P = np.linspace(-60, -40, 12).astype(np.float32)
    with lora.attached(model, DistillConfig(rank=2, embeddings=embeddings)):
        moved(model)

        def log_p(example):
            ids = mx.array([example.ids])
            log_p_TV = model(ids)[0, :-1].astype(mx.float32)
            log_p_TV = log_p_TV - mx.logsumexp(log_p_TV, axis=-1, keepdims=True)
            start = example.answer_start
            places = [t for t in range(start, len(example.ids)) if example.trained[t]]
            return sum(log_p_TV[t - 1, example.ids[t]] for t in places)

        def loss(parameters):
            model.update(parameters)
            total = mx.array(0.0)
            for p in range(6):
                gains = [log_p(answers[2 * p + side]) - float(references_2P[2 * p + side]) for side in (0, 1)]
                total = total + mx.logaddexp(mx.array(0.0), -beta * (gains[0] - gains[1]))
            return total / 6

        value, expected = mx.value_and_grad(loss)(model.trainable_parameters())
        expected = dict(tree_flatten(expected))
        body, head = split(model)
        trainee = Trainee(model, body, head, None)
        cuts = set()
        for cut in ({"batch_size": 6}, {"batch_size": 2, "accumulation": 3}, {"batch_size": 6, "token_budget": 280}):
            source = FixedSource(
                answers, lambda picks: Pairs(references_2P[list(picks)], beta), DistillConfig(**cut), together=2
            )
            batches = source.passes(range(6))
            cuts.add(tuple(batch.names for batch in batches))
            grad, sums, tokens = gradients(trainee, batches, Objective())
            assert tokens == sum(len(a.answer_ids) for a in answers)
            assert sums.units(tokens) == 6
            assert sums.combined / 6 == pytest.approx(value.item(), rel=1e-5)
            found = dict(tree_flatten(grad))
            assert found.keys() == expected.keys()
            for name, wanted in expected.items():
                assert mx.abs(wanted).max() > 0
                assert mx.abs(found[name] - wanted).max() <= 1e-5 * max(1.0, mx.abs(wanted).max().item()), name
        assert len(cuts) == 3, "three different cuts"


def test_no_more_than_a_chunk_of_logits_is_there_at_once(tiny_model, answers):
    rows = []
    with lora.attached(tiny_model.model, DistillConfig(rank=2)):
        body, head = split(tiny_model.model)

        def watched(hidden):
            rows.append(hidden.shape[0])
            return head(hidden)

        source = FixedSource(
            answers * 3, lambda picks: Pairs(np.zeros(len(picks), np.float32), 0.1), DistillConfig(batch_size=18), 2
        )
        (batch,) = source.passes(range(18))
        gradients(Trainee(tiny_model.model, body, watched, None), [batch], Objective())
    assert len(batch.labels_N) > 2 * CHUNK
    assert max(rows) == CHUNK
    assert sum(rows) == 2 * len(batch.labels_N), "once for the margins, once for the gradient"
