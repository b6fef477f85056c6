"""A training step does not depend on its division into batches, and a failed step leaves the last good weights."""

import contextlib
import math
import signal

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten
from tiers import thin
from tiny import chats, soft_targets

from conch_dna.config import DistillConfig
from conch_dna.data import batches as batching
from conch_dna.data.batches import collate
from conch_dna.data.tokens import encode_chat
from conch_dna.errors import TrainingError
from conch_dna.losses.fused import Objective
from conch_dna.models.head import split
from conch_dna.train import lora
from conch_dna.train.loop import Trainee, gradients, step_seed, train
from conch_dna.train.sources import FixedSource
from conch_dna.util import interrupts

CONFIG = DistillConfig(steps=4, batch_size=2, accumulation=1, rank=4, warmup=1, learning_rate=0.01)


@pytest.fixture
def trainee(tiny_model):
    """The tiny model with LoRA, both factors random, so that no gradient is zero."""
    with lora.attached(tiny_model.model, CONFIG):
        mx.random.seed(1)
        for name, value in tree_flatten(tiny_model.model.trainable_parameters()):
            tiny_model.model.load_weights([(name, mx.random.normal(value.shape) * 0.1)], strict=False)
        optimizer = optim.AdamW(learning_rate=0.01)
        optimizer.init(tiny_model.model.trainable_parameters())
        yield Trainee(tiny_model.model, *split(tiny_model.model), optimizer)


@pytest.fixture
def examples(tiny_model):
    return [encode_chat(tiny_model.tokenizer, chat) for chat in chats(8)]


@pytest.fixture
def objective(host):
    return Objective(host.catalog.get("losses", "forward_kl"), 2.0, True, 0.7)


def weights(trainee):
    return {name: np.array(value) for name, value in tree_flatten(trainee.model.trainable_parameters())}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def run(trainee, config, examples, targets, objective, on_step):
    """Train on given examples with one objective for all steps."""
    train(trainee, config, FixedSource(examples, targets, config), lambda _: objective, 0, on_step)


def assert_close(got, expected):
    """Compare two (gradient tree, sums, tokens)."""
    assert got[2] == expected[2]
    assert np.allclose(got[1], expected[1], rtol=1e-5)
    ours, theirs = (dict(tree_flatten(g[0])) for g in (got, expected))
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert mx.abs(value).max() > 0
        assert mx.abs(ours[name] - value).max() <= 1e-5 * max(1.0, mx.abs(value).max().item()), name


@pytest.mark.parametrize("soft", [True, False], ids=["soft targets", "text"])
@pytest.mark.parametrize("rows", thin([1, 2, 4], 2), ids=["8x1", "4x2", "2x4"])
def test_loss_and_gradient_do_not_depend_on_the_division_into_batches(trainee, examples, objective, rows, soft):
    targets = soft_targets(examples) if soft else None

    def cut(size):
        return [collate(examples, range(i, i + size), targets) for i in range(0, 8, size)]

    assert_close(gradients(trainee, cut(rows), objective), gradients(trainee, cut(8), objective))


def test_loss_and_gradient_do_not_depend_on_padding(trainee, examples, objective, monkeypatch):
    targets = soft_targets(examples)
    batch = collate(examples, range(8), targets)
    expected = gradients(trainee, [batch], objective)
    monkeypatch.setattr(batching, "PAD_TO", 128)
    wide = collate(examples, range(8), targets)
    assert wide.ids_BT.shape[1] > batch.ids_BT.shape[1]
    assert_close(gradients(trainee, [wide], objective), expected)
    lengths = np.array([len(e.ids) for e in examples])[:, None]
    other_pad = np.where(np.arange(batch.ids_BT.shape[1]) < lengths, batch.ids_BT, 77)
    assert_close(gradients(trainee, [batch._replace(ids_BT=other_pad)], objective), expected)


def test_the_gradient_is_that_of_the_mean_over_the_trained_tokens(trainee, examples):
    """Compare with the cross-entropy over all logits in plain mlx."""
    batch = collate(examples, range(8))
    grad, sums, tokens = gradients(trainee, [batch], Objective())

    def loss(parameters):
        trainee.model.update(parameters)
        logits_BTV = trainee.model(mx.array(batch.ids_BT))
        logits_NV = logits_BTV[mx.array(batch.rows_N), mx.array(batch.cols_N)]
        chosen = mx.take_along_axis(logits_NV, mx.array(batch.labels_N)[:, None], axis=-1)[:, 0]
        return (mx.logsumexp(logits_NV, axis=-1) - chosen).mean()

    parameters = trainee.model.trainable_parameters()
    value, expected = mx.value_and_grad(loss)(parameters)
    trainee.model.update(parameters)
    assert math.isclose(sums[0] / tokens, value.item(), rel_tol=1e-5)
    theirs = dict(tree_flatten(expected))
    for name, ours in tree_flatten(grad):
        assert mx.abs(ours - theirs[name]).max() < 1e-5


def test_training_lowers_the_loss(trainee, examples, objective):
    reports = []
    config = CONFIG.model_copy(update={"steps": 20, "batch_size": 8})
    run(trainee, config, examples, soft_targets(examples), objective, reports.append)
    assert [r.step for r in reports] == list(range(1, 21))
    assert reports[-1].loss < 0.9 * reports[0].loss
    last = reports[-1]
    assert math.isclose(last.loss, 0.7 * 4 * last.kd + 0.3 * last.ce, rel_tol=1e-5)
    assert last.tokens == sum(len(e.answer_ids) for e in examples)
    assert not trainee.model.training


def test_a_step_that_is_not_finite_is_named_and_changes_nothing(trainee, examples, objective):
    targets = soft_targets(examples)
    picks = batching.step_examples(8, 2, CONFIG.seed, 2)
    targets[picks[1]].log_probs[0, 0] = np.nan
    good = []

    def on_step(report):
        good.append((weights(trainee), int(trainee.optimizer.step.item())))

    with pytest.raises(TrainingError) as caught:
        run(trainee, CONFIG, examples, targets, objective, on_step)
    assert f"step 3, examples {picks}" in str(caught.value)
    assert "nan" in str(caught.value)
    assert len(good) == 2
    assert same(weights(trainee), good[-1][0])
    assert int(trainee.optimizer.step.item()) == good[-1][1]


class Stopping(optim.AdamW):
    """Raises in the middle of its third update, when the model has the new weights already."""

    def update(self, model, gradients):
        super().update(model, gradients)
        if self.step.item() == 3:
            raise KeyboardInterrupt


def test_ctrl_c_during_an_update_reverts_the_step(trainee, examples, objective):
    trainee.optimizer = Stopping(learning_rate=0.01)
    trainee.optimizer.init(trainee.model.trainable_parameters())
    states = []

    def state():
        return weights(trainee), {k: np.array(v) for k, v in tree_flatten(trainee.optimizer.state)}

    with pytest.raises(KeyboardInterrupt):
        run(trainee, CONFIG, examples, None, objective, lambda _: states.append(state()))
    now = state()
    assert len(states) == 2
    assert same(now[0], states[-1][0])
    now[1].pop("learning_rate")
    states[-1][1].pop("learning_rate")
    assert same(now[1], states[-1][1])


def test_an_interrupt_that_was_taken_for_a_failed_conversion_ends_the_training(
    trainee, examples, objective, monkeypatch
):
    monkeypatch.setattr(interrupts, "_received", False)
    before, reports = signal.getsignal(signal.SIGINT), []
    interrupts.listen(signal.SIGINT)

    def on_step(report):
        reports.append(report)
        with contextlib.suppress(KeyboardInterrupt):  # as mx.array does while it tries one conversion after another
            signal.raise_signal(signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt):
            run(trainee, CONFIG, examples, None, objective, on_step)
    finally:
        signal.signal(signal.SIGINT, before)
    assert [report.step for report in reports] == [1]


def test_the_gradient_is_clipped_to_its_norm(trainee, examples, objective):
    """Adam's first moment after one step is a tenth of the clipped gradient."""
    config = CONFIG.model_copy(update={"steps": 1, "max_grad_norm": 0.01})
    reports = []
    run(trainee, config, examples, None, objective, reports.append)
    moments = [v for k, v in tree_flatten(trainee.optimizer.state) if k.endswith(".m")]
    norm = math.sqrt(sum(float(m.square().sum().item()) for m in moments)) * 10
    assert reports[0].grad_norm > 0.01
    assert math.isclose(norm, 0.01, rel_tol=1e-3)


def test_the_seed_of_a_step_depends_only_on_seed_and_step():
    seeds = {step_seed(seed, step) for seed in range(20) for step in range(50)}
    assert len(seeds) == 1000
    assert step_seed(3, 4) == step_seed(3, 4)
