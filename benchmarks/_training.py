"""One optimizer step on one batch, shared by the training benchmarks. Import before mlx: it selects the BLAS."""

from __future__ import annotations

import contextlib
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conch_dna.models import accel
from conch_dna.models.load import load

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from conch_dna.data.batches import Batch

TOP_K = 32
RANK = 8  # also in trl_step.py

accel.switch_on()  # must precede the first import of mlx


@dataclass
class Workload:
    """A model with LoRA (rank 8, all linear layers), a batch of random ids, and random top-k targets.

    :param base: the loaded model.
    :param trainee: the argument of ``conch_dna.train.loop``.
    :param batch: has soft targets if the benchmark uses them.
    """

    base: Any
    trainee: Any
    batch: Batch

    def step(self, objective: Any) -> float:
        """Run one Conch optimizer step; return the mean loss before the update."""
        import mlx.core as mx

        from conch_dna.train.loop import gradients

        grad, sums, tokens = gradients(self.trainee, [self.batch], objective)
        self.trainee.optimizer.update(self.base.model, grad)
        mx.eval(self.base.model.trainable_parameters(), self.trainee.optimizer.state)
        return float(sums.combined) / tokens

    def useful_flops(self) -> float:
        """Return the FLOPs that any implementation of one step needs.

        4 per weight and token in the frozen linear layers (forward, and the gradient of the input), causal attention
        (2 matmuls forward, 4 backward, half of the square) and the head at trained positions, forward and backward.
        LoRA's factors, below 3 %, are not counted.
        """
        from mlx import nn

        rows, length = self.batch.ids_BT.shape
        frozen = {id(m): m for m in self.base.model.model.modules() if isinstance(m, nn.Linear)}
        linear = 4 * rows * length * sum(m.weight.size for m in frozen.values())
        config = self.base.model.args
        width = config.head_dim or config.hidden_size // config.num_attention_heads
        attention = 6 * rows * length**2 * width * config.num_attention_heads * config.num_hidden_layers
        return float(linear + attention + 4 * len(self.batch.labels_N) * config.hidden_size * config.vocab_size)


def random_batch(options: argparse.Namespace, vocabulary: int, *, soft: bool) -> Batch:
    """Return ``batch`` random sequences of ``length`` tokens; the last ``trained`` tokens of each are trained."""
    import numpy as np

    from conch_dna.data.batches import Batch
    from conch_dna.plugin.protocols import Targets

    rng = np.random.default_rng(0)
    count = options.batch * options.trained
    ids = rng.integers(3, vocabulary - 8, (options.batch, options.length)).astype(np.int32)
    rows = np.repeat(np.arange(options.batch, dtype=np.int32), options.trained)
    places = np.arange(options.length - options.trained - 1, options.length - 1, dtype=np.int32)
    cols = np.tile(places, options.batch)
    targets = None
    if soft:
        top = np.sort(rng.dirichlet(np.full(TOP_K + 1, 0.3), count), axis=1)[:, ::-1].clip(1e-6)
        top = np.log(top / top.sum(axis=1, keepdims=True)).astype(np.float32)
        chosen = np.stack([rng.choice(vocabulary, TOP_K, replace=False) for _ in range(count)]).astype(np.int32)
        targets = Targets(chosen, top[:, :TOP_K], top[:, TOP_K])
    starts = np.full(options.batch, options.length - options.trained, np.int32)
    return Batch(ids, rows, cols, ids[rows, cols + 1], targets, tuple(range(options.batch)), starts)


@contextlib.contextmanager
def workload(options: argparse.Namespace, *, soft: bool, fast: bool) -> Iterator[Workload]:
    """Yield a workload; ``fast`` uses the operations of Conch's training."""
    base = load(options.model)
    import mlx.optimizers as optim

    from conch_dna.config import DistillConfig
    from conch_dna.kernels.patch import fast_ops
    from conch_dna.models.head import split
    from conch_dna.train.loop import Trainee
    from conch_dna.train.lora import attached

    quick = fast_ops(base.model) if fast else contextlib.nullcontext()
    with attached(base.model, DistillConfig(rank=RANK)), quick:
        body, head = split(base.model)
        trainee = Trainee(base.model, body, head, optim.AdamW(learning_rate=1e-4))
        base.model.train()
        yield Workload(base, trainee, random_batch(options, base.width, soft=soft))


def mlx_lm_steps(base: Any, sequences: Sequence[tuple[list[int], int]], steps: int, batch: int) -> dict[str, Any]:
    """Run mlx-lm's training loop on a model with LoRA attached; return loss, seconds per step and peak memory.

    :param sequences: token ids and the index where training starts; at least ``batch`` of them.
    """
    import mlx.core as mx
    import mlx.optimizers as optim
    from _common import peak_rss
    from mlx_lm.tuner import trainer

    reports: list[dict[str, Any]] = []

    class Reports(trainer.TrainingCallback):
        def on_train_loss_report(self, train_info: dict[str, Any]) -> None:
            reports.append(train_info)
            if len(reports) == 1:
                mx.reset_peak_memory()

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        arguments = trainer.TrainingArgs(
            batch_size=batch, iters=steps + 1, steps_per_report=1, steps_per_save=1 << 30,
            adapter_file=str(Path(folder) / "adapters.safetensors"),
        )  # fmt: skip
        optimizer = optim.AdamW(learning_rate=1e-4)
        trainer.train(base.model, optimizer, list(sequences), args=arguments, training_callback=Reports())
    seconds = [1 / report["iterations_per_second"] for report in reports]
    return {
        "loss": float(reports[0]["train_loss"]),
        "first": seconds[0],
        "seconds": seconds[1:],
        "peak": mx.get_peak_memory(),
        "rss": peak_rss(),
    }


def plain_kd_step(work: Workload, divergence: Callable[..., Any]) -> Callable[[], float]:
    """Return a step of the same loss in plain form: all logits, log-softmax over the vocabulary, mlx autodiff."""
    import mlx.core as mx
    from mlx import nn

    batch, model = work.batch, work.base.model
    ids, rows, cols = (mx.array(x) for x in (batch.ids_BT, batch.rows_N, batch.cols_N))
    top = mx.array(batch.targets.ids)
    teacher = mx.concatenate([mx.array(batch.targets.log_probs), mx.array(batch.targets.tail)[:, None]], axis=-1)

    def loss(inputs: mx.array) -> mx.array:
        log_q = nn.log_softmax(model(inputs).astype(mx.float32), axis=-1)[rows, cols]
        at_top = mx.take_along_axis(log_q, top, axis=-1)
        rest = mx.log(mx.maximum(1 - mx.exp(at_top).sum(axis=-1, keepdims=True), 1e-7))
        student = mx.concatenate([at_top, rest], axis=-1)
        return divergence(student, teacher, beta=0.5).sum() / len(batch.labels_N)

    grad_of = nn.value_and_grad(model, loss)

    def step() -> float:
        value, grad = grad_of(ids)
        work.trainee.optimizer.update(model, grad)
        mx.eval(model.trainable_parameters(), work.trainee.optimizer.state, value)
        return float(value.item())

    return step
