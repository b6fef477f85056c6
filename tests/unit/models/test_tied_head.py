"""A head tied to an embedding that carries an adapter trains with it, as if all logits had been there at once."""

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from architectures import FEW, answers, build, move
from dense_losses import Dense, case, dense, fused, log_softmax
from mlx import nn
from mlx.utils import tree_flatten
from mlx_lm.tuner.utils import load_adapters
from tiers import thin
from tiny import soft_targets

from conch_dna.config import DistillConfig
from conch_dna.data.batches import collate
from conch_dna.data.tokens import Example
from conch_dna.losses import fused as module
from conch_dna.losses.fused import CHUNK, Objective, Sums, loss_sums
from conch_dna.models.head import split
from conch_dna.plugin.protocols import Targets
from conch_dna.train import lora
from conch_dna.train.loop import Trainee, gradients, train
from conch_dna.train.sources import FixedSource

VOCABULARY = 64
CASES = {
    "llama": ("llama", "lora", None),
    "llama, dora": ("llama", "dora", None),
    "llama, 4 bits": ("llama", "lora", 4),
    "soft-capped": ("gemma2", "lora", None),
    "soft-capped, dora": ("gemma2", "dora", None),
    "scaled": ("granite", "lora", 8),
    "wrapped": ("gemma3", "lora", None),
}
SETTINGS = {"rank": 4, "embeddings": True, "steps": 12, "batch_size": 4, "warmup": 1, "learning_rate": 0.01}


@pytest.fixture(params=thin(CASES.values(), CASES["llama"], CASES["soft-capped, dora"], one=True), ids=CASES)
def kind(request):
    return request.param


@pytest.fixture(params=["soft targets", "text"])
def objective(request, host):
    if request.param == "text":
        return Objective()
    return Objective(host.catalog.get("losses", "reverse_kl"), 1.0, True, 0.7)


@pytest.fixture
def examples():
    """Eight short texts of which the second half is trained."""
    rng = np.random.default_rng(0)
    found = []
    for length in range(5, 13):
        ids = tuple(int(i) for i in rng.integers(1, VOCABULARY, length))
        start = length // 2
        found.append(Example(ids, tuple(i >= start for i in range(length)), start, 1))
    return found


class Tied(nn.Module):
    """A head with a bias and a soft cap over an embedding that the body looks up; all of it trains."""

    def __init__(self):
        super().__init__()
        self.embedding, self.bias = nn.Embedding(40, 6), mx.linspace(-1, 1, 40)
        self.embedding.weight = mx.random.normal((40, 6), key=mx.random.key(0))

    def __call__(self, hidden):
        return 5 * mx.tanh((self.embedding.as_linear(hidden) + self.bias) / 5)

    def dense(self, ids, labels, targets, objective):
        """The loss, and its gradients in embedding and bias, in float64 by hand."""
        weight, bias = np.array(self.embedding.weight, np.float64), np.array(self.bias, np.float64)
        logits = 5 * np.tanh((weight[ids] @ weight.T + bias) / 5)
        if callable(targets):
            found = of_the_logits(logits, dense(logits, labels, None, "", objective), objective.alpha)
        else:
            found = dense(logits, labels, targets, "jsd", objective)
        d = found.grad * (1 - (logits / 5) ** 2)
        d_weight = d.T @ weight[ids]
        np.add.at(d_weight, ids, d @ weight)
        return found.sums.combined, d_weight, d.sum(axis=0)


def squared(logits_CV, _):
    return mx.logsumexp(logits_CV, axis=-1).square()


def of_the_logits(logits, ce, alpha):
    """The same in float64, mixed with the cross-entropy."""
    lse = np.logaddexp.reduce(logits, axis=-1)
    grad = 2 * lse[:, None] * np.exp(log_softmax(logits))
    total = alpha * np.square(lse).sum() + (1 - alpha) * ce.sums.ce
    return Dense(Sums(total, *ce.sums[1:]), alpha * grad + (1 - alpha) * ce.grad)


@pytest.mark.parametrize(
    ("chunk", "compiled"),
    [(7, False), (1000, False), (CHUNK, False), (CHUNK, True)],
    ids=["many chunks", "one chunk", "two chunks", "compiled"],
)
@pytest.mark.parametrize("signal", ["text", "soft targets", "of the logits"])
def test_weights_that_body_and_head_share_get_the_gradient_of_both(host, signal, chunk, compiled, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", chunk)
    _, labels, targets = case(5, CHUNK + 9, 40, 4)
    ids = np.random.default_rng(1).integers(0, 40, CHUNK + 9)
    targets = {"text": None, "soft targets": targets}.get(signal, squared)
    some = tuple(map(mx.array, targets)) if isinstance(targets, tuple) else targets
    objective, head = Objective(host.catalog.get("losses", "jsd"), 2.0, True, 0.7, 0.3), Tied()

    def of_parameters(parameters):
        head.update(parameters)
        return 3 * loss_sums(head.embedding(mx.array(ids)), head, mx.array(labels), some, objective)[0]

    start = head.trainable_parameters()
    step = mx.value_and_grad(of_parameters)
    value, grad = (mx.compile(step) if compiled else step)(start)
    head.update(start)
    found = (value, grad["embedding"]["weight"], grad["bias"])
    for ours, theirs in zip(found, head.dense(ids, labels, targets, objective), strict=True):
        assert np.abs(np.array(ours) - 3 * theirs).max() < 1e-5 * np.abs(3 * theirs).max()


def test_a_head_that_does_not_train_changes_nothing():
    _, labels, targets = case(5, CHUNK + 9, 40, 4)
    hidden = np.random.default_rng(6).normal(size=(CHUNK + 9, 6)).astype(np.float32)
    head = Tied()
    head.freeze()
    as_function, as_module = (fused(hidden, h, labels, targets, Objective()) for h in (head.__call__, head))
    assert as_module[0] == as_function[0]
    assert np.array_equal(as_module[1], as_function[1])


def test_memory_for_logits_does_not_grow_with_the_positions_where_the_head_trains():
    vocabulary, width = 4096, 8
    head = nn.Linear(width, vocabulary)

    def peak(chunks):
        hidden_ND, labels_N = mx.zeros((chunks * CHUNK, width)), mx.zeros(chunks * CHUNK, mx.int32)
        mx.eval(head.parameters(), hidden_ND, labels_N)
        mx.reset_peak_memory()
        before = mx.get_active_memory()
        mx.eval(nn.value_and_grad(head, lambda: loss_sums(hidden_ND, head, labels_N, None, Objective())[0])())
        return mx.get_peak_memory() - before

    few, many, logits = peak(4), peak(64), CHUNK * vocabulary * 4
    assert many - few < 4 * logits + 64 * CHUNK * width * 4, "how many arrays are in flight at the peak is chance"
    assert many < 64 * logits / 3


def tied(name, bits):
    return build(name, bits=bits, tie_word_embeddings=True)


def trainee_of(model, optimizer=None):
    return Trainee(model, *split(model), optimizer)


def given(examples, objective):
    return soft_targets(examples, vocabulary=VOCABULARY) if objective.divergence else None


def plain_loss(model, batch, objective):
    """The mean of the loss at T = 1 from all logits, for mlx's own differentiation."""
    logits_BTV = model(mx.array(batch.ids_BT)).astype(mx.float32)
    log_q_NV = nn.log_softmax(logits_BTV[mx.array(batch.rows_N), mx.array(batch.cols_N)], axis=-1)
    ce_N1 = -mx.take_along_axis(log_q_NV, mx.array(batch.labels_N)[:, None], axis=-1)
    if not isinstance(batch.targets, Targets):
        return ce_N1.mean()
    inside_NV = np.zeros(log_q_NV.shape, bool)
    np.put_along_axis(inside_NV, batch.targets.ids, np.True_, axis=-1)
    rest_N1 = mx.logsumexp(mx.where(mx.array(inside_NV), -1e4, log_q_NV), axis=-1, keepdims=True)
    ids_NK = mx.take_along_axis(log_q_NV, mx.array(batch.targets.ids), axis=-1)
    teacher_NK = mx.array(np.concatenate([batch.targets.log_probs, batch.targets.tail[:, None]], axis=-1))
    kd_N = objective.divergence(mx.concatenate([ids_NK, rest_N1], axis=-1), teacher_NK, beta=objective.beta)
    return objective.alpha * kd_N.mean() + (1 - objective.alpha) * ce_N1.mean()


def assert_same_gradient(ours, theirs):
    ours, theirs = dict(tree_flatten(ours)), dict(tree_flatten(theirs))
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        size = mx.abs(expected).max().item()
        assert size > 0, name
        assert mx.abs(ours[name] - expected).max().item() < 1e-5 * max(1.0, size), name


@pytest.mark.parametrize("chunk", [7, 128])
def test_the_gradient_is_that_of_all_logits_however_the_step_is_cut(kind, objective, examples, chunk, monkeypatch):
    name, adapter, bits = kind
    monkeypatch.setattr(module, "CHUNK", chunk)
    model, targets = tied(name, bits), given(examples, objective)
    with lora.attached(model, DistillConfig(adapter=adapter, **SETTINGS)):
        trainee = trainee_of(model)  # while the first factor has no gradient in the head yet
        move(model)
        whole = collate(examples, range(8), targets)
        value, expected = nn.value_and_grad(model, lambda: plain_loss(model, whole, objective))()
        for rows in (8, 2):
            cut = [collate(examples, range(i, i + rows), targets) for i in range(0, 8, rows)]
            grad, sums, tokens = gradients(trainee, cut, objective)
            assert sums.combined / tokens == pytest.approx(value.item(), rel=1e-5)
            assert_same_gradient(grad, expected)


def test_it_learns_and_stock_mlx_lm_loads_what_it_learned(kind, objective, examples, tmp_path):
    name, adapter, bits = kind
    model, config, reports = tied(name, bits), DistillConfig(adapter=adapter, dropout=0.1, **SETTINGS), []
    with lora.attached(model, config):
        start = {key: np.array(value) for key, value in lora.weights(model).items()}
        optimizer = optim.AdamW(learning_rate=0.01)
        optimizer.init(model.trainable_parameters())
        source = FixedSource(examples, given(examples, objective), config)
        train(trainee_of(model, optimizer), config, source, lambda _: objective, 0, reports.append)
        trained = answers(model)
        learned = lora.weights(model)
        lora.save_adapter(model, config, tmp_path / "adapter")
    assert np.mean([r.loss for r in reports[-3:]]) < np.mean([r.loss for r in reports[:3]])
    assert all(not np.array_equal(learned[key], start[key]) for key in start if "embed_tokens" in key)
    stock = load_adapters(tied(name, bits), str(tmp_path / "adapter"))
    stock.eval()
    assert np.array_equal(answers(stock), trained)


@pytest.mark.parametrize("settings", [{}, {"embeddings": True}], ids=["blocks", "embeddings"])
@pytest.mark.parametrize("tie", [True, False], ids=["tied", "untied"])
def test_a_head_trains_with_the_adapter_on_the_embedding_it_is_tied_to_alone(tie, settings):
    model = build("qwen2", tie_word_embeddings=tie)
    base = answers(model)
    with lora.attached(model, DistillConfig(rank=4, **settings)):
        body, head = split(model)
        layers = [model.model.embed_tokens] if tie and settings else []
        assert all(a is b for a, b in zip(head.layers, layers, strict=True))
        move(model)
        assert np.allclose(head(body(mx.array(FEW))[0]), answers(model)[0], rtol=1e-4, atol=1e-5)
        with lora.switched_off(model):
            assert np.allclose(head(body(mx.array(FEW))[0]), base[0], rtol=1e-4, atol=1e-5)
