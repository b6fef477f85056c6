"""Checkpointed blocks give the same losses and gradients in less memory, and leave the model unchanged."""

import contextlib

import mlx.core as mx
import numpy as np
import pytest
from mlx import nn
from mlx.utils import tree_flatten, tree_map
from tiny import chats, write_tiny_model

from conch_dna.config import DistillConfig
from conch_dna.data.batches import collate
from conch_dna.data.tokens import encode_chat
from conch_dna.kernels.patch import fast_ops
from conch_dna.models.load import load
from conch_dna.records import Sampling
from conch_dna.runtime.generate import answer_many
from conch_dna.train import lora
from conch_dna.train.gradient_checkpointing import checkpointed


def loss_and_gradients(model, batches):
    """Mean cross-entropy of all next tokens, batch by batch, and its gradients by name."""

    def loss(ids_BT):
        return nn.losses.cross_entropy(model(ids_BT)[:, :-1], ids_BT[:, 1:], reduction="mean")

    grad_of = nn.value_and_grad(model, loss)
    value, total = 0.0, None
    for ids_BT in batches:
        one, grad = grad_of(ids_BT)
        total = grad if total is None else tree_map(mx.add, total, grad)
        mx.eval(one, total)
        value += one.item()
    return value, {name: np.array(g) for name, g in tree_flatten(total)}


def measured(base, config, batches, *, fast=False):
    """Loss, gradients by name, and peak bytes above the memory in use before."""
    quick = fast_ops(base.model) if fast else contextlib.nullcontext()
    with lora.attached(base.model, config), quick, checkpointed(base.model, on=config.gradient_checkpointing):
        for name, value in tree_flatten(base.model.trainable_parameters()):
            if name.endswith("lora_b"):  # initially 0, so that lora_a would have no gradient
                value[:] = 0.02 * mx.random.normal(value.shape)
        base.model.train()
        mx.eval(base.model.parameters())
        mx.random.seed(3)
        standing = mx.get_active_memory()
        mx.reset_peak_memory()
        loss, grad = loss_and_gradients(base.model, batches)
        peak = mx.get_peak_memory() - standing
        base.model.eval()
    return loss, grad, peak


@pytest.fixture
def batches(tiny_model):
    return ids_of(tiny_model, chats(6), 3)


def ids_of(base, conversations, rows):
    examples = [encode_chat(base.tokenizer, chat) for chat in conversations]
    cuts = range(0, len(examples), rows)
    return [mx.array(collate(examples, range(cut, cut + rows)).ids_BT) for cut in cuts]


@pytest.mark.parametrize("fast", [False, True], ids=["own operations", "fast operations"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_losses_and_gradients_are_equal(tiny_model, batches, dropout, fast):
    plain = DistillConfig(rank=2, dropout=dropout)
    loss, grad, _ = measured(tiny_model, plain, batches, fast=fast)
    again = plain.model_copy(update={"gradient_checkpointing": True})
    loss_again, grad_again, _ = measured(tiny_model, again, batches, fast=fast)
    assert loss_again == pytest.approx(loss, rel=1e-6)
    assert grad_again.keys() == grad.keys()
    for name, value in grad.items():
        assert np.abs(value).max() > 0
        np.testing.assert_allclose(grad_again[name], value, rtol=1e-4, atol=1e-5 * np.abs(value).max(), err_msg=name)


@pytest.mark.full
def test_checkpointing_needs_less_memory(tmp_path):
    base = load(str(write_tiny_model(tmp_path / "deep", layers=12, width=64)))
    batches = ids_of(base, chats(8, words=(60, 80)), 8)
    _, _, plain = measured(base, DistillConfig(rank=2), batches)
    _, _, less = measured(base, DistillConfig(rank=2, gradient_checkpointing=True), batches)
    assert less < 0.4 * plain


def test_an_exit_by_an_exception_restores_the_model(tiny_model, batches):
    model = tiny_model.model
    classes = [type(block) for block in model.layers]
    logits = model(mx.array([[1, 2, 3]]))
    other = load(tiny_model.ref).model

    def stopped():
        with checkpointed(model):
            assert not {type(block) for block in model.layers} & set(classes)
            assert [type(block) for block in other.layers] == classes, "another model of the same class"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert [type(block) for block in model.layers] == classes
    assert mx.array_equal(model(mx.array([[1, 2, 3]])), logits)


def test_no_tracer_stays_in_the_model(tiny_model):
    """A traced pass works on tracer arrays; they must not replace the parameters."""
    model = tiny_model.model
    with lora.attached(model, DistillConfig(rank=2)), checkpointed(model):
        model.train()
        before = dict(tree_flatten(model.trainable_parameters()))
        x_BTD = mx.random.normal((2, 5, 32))
        grad_BTD = mx.grad(lambda x: model.layers[0](x).square().sum())(x_BTD)
        assert grad_BTD.abs().max().item() > 0
        assert all(value is before[name] for name, value in tree_flatten(model.trainable_parameters()))


def test_generation_with_a_cache_is_unchanged(tiny_model):
    sampling, prompts = Sampling(max_tokens=6), [[1, 2, 3], [1, 2, 9, 7]]

    def answers():
        found = answer_many(tiny_model.model, tiny_model.tokenizer, prompts, sampling)
        return sorted((answer.place, answer.tokens) for answer in found)

    expected = answers()
    with checkpointed(tiny_model.model):
        assert answers() == expected
