"""Rollouts do not depend on their batch, stop at their end token, and have the log-probabilities of their tokens."""

import mlx.core as mx
import numpy as np
import pytest
from tiny import chats

from conch_dna.config import DistillConfig
from conch_dna.data.tokens import prompt_ids
from conch_dna.runtime import generate
from conch_dna.train import lora
from conch_dna.train.rollouts import roll_out, rollout_seeds

CONFIG = DistillConfig(rank=4, dropout=0.5)


@pytest.fixture
def model(tiny_model):
    """The tiny model as in the middle of training: with LoRA, with dropout, and far from its initial weights."""
    with lora.attached(tiny_model.model, CONFIG):
        mx.random.seed(1)
        moved = [(name, mx.random.normal(value.shape) * 0.1) for name, value in lora.weights(tiny_model.model).items()]
        tiny_model.model.load_weights(moved, strict=False)
        tiny_model.model.train()
        yield tiny_model.model


@pytest.fixture
def prompts(tiny_model):
    return [prompt_ids(tiny_model.tokenizer, chat[:1]) for chat in chats(6)]


def drawn(model, tiny_model, prompts, seeds, *, temperature=1.0, max_tokens=12):
    return roll_out(model, tiny_model.tokenizer, prompts, seeds, max_tokens=max_tokens, temperature=temperature)


def same(one, other):
    return one.tokens == other.tokens and np.allclose(one.log_probs, other.log_probs, atol=1e-5)


def dense_log_probs(model, prompt, rollout):
    """Return float64 (R, V) log-probabilities of a full forward pass over prompt and rollout, without dropout."""
    model.eval()
    logits_TV = np.array(model(mx.array([[*prompt, *rollout.tokens]]))[0], np.float64)
    logits_RV = logits_TV[len(prompt) - 1 : -1]
    return logits_RV - np.logaddexp.reduce(logits_RV, axis=-1, keepdims=True)


def test_a_rollout_does_not_depend_on_its_batch(model, tiny_model, prompts):
    seeds = rollout_seeds(0, 3, [str(n) for n in range(6)])
    together = drawn(model, tiny_model, prompts, seeds)
    mx.random.seed(5)
    backwards = drawn(model, tiny_model, prompts[::-1], seeds[::-1])[::-1]
    for place, rollout in enumerate(together):
        assert same(drawn(model, tiny_model, [prompts[place]], [seeds[place]])[0], rollout)
        assert same(backwards[place], rollout)


def test_a_shared_prefix_changes_nothing(model, tiny_model, prompts, monkeypatch):
    shared = drawn(model, tiny_model, prompts, range(6))
    monkeypatch.setattr(generate, "prefill", lambda *_: None)
    assert all(map(same, drawn(model, tiny_model, prompts, range(6)), shared))


def test_candidates_of_one_prompt_differ_by_their_seeds(model, tiny_model, prompts):
    found = drawn(model, tiny_model, [prompts[0]] * 5, [1, 2, 3, 4, 1])
    assert len({rollout.tokens for rollout in found}) == 4
    assert same(found[0], found[4])


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0, 1.5])
def test_log_probs_are_those_of_a_full_forward_pass(model, tiny_model, prompts, temperature):
    for prompt, rollout in zip(
        prompts, drawn(model, tiny_model, prompts, range(6), temperature=temperature), strict=True
    ):
        log_probs_RV = dense_log_probs(model, prompt, rollout)
        places = np.arange(len(rollout.tokens))
        assert np.allclose(rollout.log_probs, log_probs_RV[places, rollout.tokens], atol=1e-4)
        if temperature == 0:
            assert rollout.tokens == tuple(log_probs_RV.argmax(axis=-1))
            assert not rollout.sampler_log_probs.any()
        else:
            scores_RV = log_probs_RV / temperature
            scores_RV -= np.logaddexp.reduce(scores_RV, axis=-1, keepdims=True)
            assert np.allclose(rollout.sampler_log_probs, scores_RV[places, rollout.tokens], atol=1e-4)


def ending(tiny_model, tokens):
    """Return a tokenizer for which any of ``tokens`` ends a turn."""
    return type("Tokenizer", (), {"eos_token_ids": set(tokens)})


def test_a_rollout_stops_at_its_end_token_or_at_the_limit(model, tiny_model, prompts):
    whole = drawn(model, tiny_model, prompts[:1], [4])[0]
    assert (len(whole.tokens), whole.finished) == (12, False)
    end = whole.tokens[5]
    place = whole.tokens.index(end)
    (stopped,) = roll_out(model, ending(tiny_model, {end}), prompts[:1], [4], max_tokens=12, temperature=1.0)
    assert stopped.finished
    assert stopped.tokens == whole.tokens[: place + 1]
    tokenizer = tiny_model.tokenizer
    assert stopped.text(tokenizer) == tokenizer.decode(list(whole.tokens[:place]))
    assert whole.text(tokenizer) == tokenizer.decode(list(whole.tokens))
    assert np.array_equal(stopped.log_probs, whole.log_probs[: place + 1])


def test_an_end_token_at_once_is_a_rollout_of_one_token(model, tiny_model, prompts):
    every = range(tiny_model.model.args.vocab_size)
    found = roll_out(model, ending(tiny_model, every), prompts, range(6), max_tokens=12, temperature=1.0)
    assert all(rollout.finished and len(rollout.tokens) == 1 for rollout in found)
    assert all(rollout.log_probs.shape == (1,) for rollout in found)


def test_dropout_is_off_during_a_rollout_and_on_afterwards(model, tiny_model, prompts):
    layer = model.model.layers[0].self_attn.q_proj
    assert layer.training
    first = drawn(model, tiny_model, prompts, range(6))
    assert layer.training
    model.eval()
    assert all(map(same, drawn(model, tiny_model, prompts, range(6)), first))
    assert not layer.training


def test_the_mode_is_restored_after_a_fault(model, tiny_model):
    with pytest.raises(ValueError, match="empty prompt"):
        drawn(model, tiny_model, [[]], [1])
    assert model.training


def test_no_prompts_have_no_rollouts(model, tiny_model):
    assert drawn(model, tiny_model, [], []) == []


def test_seeds_depend_on_seed_step_and_prompt():
    prompts = ["a", "b", "a", "c"]
    seeds = rollout_seeds(1, 2, prompts)
    assert len(set(seeds)) == 4
    assert rollout_seeds(1, 2, ["c", "b"]) == [seeds[3], seeds[1]]
    assert not set(seeds) & set(rollout_seeds(1, 3, prompts))
    assert not set(seeds) & set(rollout_seeds(2, 2, prompts))
