"""The training loop: a plain function over visible state."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_map

from conch_dna.data.batches import collate, step_examples
from conch_dna.errors import TrainingError
from conch_dna.records import StepReport
from conch_dna.train.objective import loss_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.data.batches import Batch
    from conch_dna.data.tokens import Example
    from conch_dna.interfaces import Targets
    from conch_dna.train.objective import Objective


@dataclass
class Trainee:
    """What training changes and what it changes it with.

    :param model: the base with LoRA layers attached; only those are trainable.
    :param body: (B, T) ids to (B, T, D) hidden states, a part of ``model``.
    :param head: (N, D) hidden states to (N, V) logits, frozen.
    :param optimizer: an mlx optimizer.
    """

    model: Any
    body: Callable[[mx.array], mx.array]
    head: Callable[[mx.array], mx.array]
    optimizer: Any


def learning_rate(config: DistillConfig, step: int) -> float:
    """Return the rate of ``step`` (from 0): linear warm-up, then a cosine down to ``final_rate`` of the peak."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / (config.warmup + 1)
    share = (step - config.warmup) / max(1, config.steps - config.warmup)
    low = config.final_rate
    return config.learning_rate * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def step_seed(seed: int, step: int) -> int:
    """Return the seed of the dropout in ``step``: like the batches it hangs on nothing that came before."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0])


def batch_sums(trainee: Trainee, batch: Batch, objective: Objective) -> mx.array:
    """Return float32 (3,): the batch's sums of combined loss, cross-entropy and divergence."""
    hidden_BTD = trainee.body(mx.array(batch.ids_BT))
    hidden_ND = hidden_BTD[mx.array(batch.rows_N), mx.array(batch.cols_N)]
    targets = None
    if batch.targets is not None:
        targets = (mx.array(batch.targets.ids), mx.array(batch.targets.log_probs), mx.array(batch.targets.tail))
    return loss_sums(hidden_ND, trainee.head, mx.array(batch.labels_N), targets, objective)


def gradients(trainee: Trainee, batches: Sequence[Batch], objective: Objective) -> tuple[Any, list[float], int]:
    """Return the gradient of the mean loss over all tokens of ``batches``, the three sums, and the token count.

    Sums are accumulated and divided once, by the tokens of the whole step, so that neither loss nor gradient depends on
    how the step was cut into batches.
    """

    def loss(batch: Batch) -> tuple[mx.array, mx.array]:
        sums = batch_sums(trainee, batch, objective)
        return sums[0], sums

    grad_of = nn.value_and_grad(trainee.model, loss)
    total: Any = None
    sums = [0.0, 0.0, 0.0]
    for batch in batches:
        (_, parts), grad = grad_of(batch)
        total = grad if total is None else tree_map(mx.add, total, grad)
        mx.eval(total, parts)
        sums = [a + b for a, b in zip(sums, parts.tolist(), strict=True)]
    tokens = sum(len(batch.labels_N) for batch in batches)
    return tree_map(lambda g: g / tokens, total), sums, tokens


def train(
    trainee: Trainee,
    config: DistillConfig,
    examples: Sequence[Example],
    targets: Sequence[Targets] | None,
    objective: Objective,
    first: int,
    on_step: Callable[[StepReport], None],
) -> None:
    """Take the optimizer steps ``first`` … ``config.steps - 1``; ``on_step`` hears of each after it is done.

    :param targets: soft targets, one an example, or ``None``.
    :raises TrainingError: a loss or gradient is not finite; the weights are those of the last good step.
    """
    per_step = config.batch_size * config.accumulation
    trainee.model.train()
    try:
        for step in range(first, config.steps):
            started = time.perf_counter()
            mx.reset_peak_memory()
            mx.random.seed(step_seed(config.seed, step))
            picks = step_examples(len(examples), per_step, config.seed, step)
            cuts = range(0, len(picks), config.batch_size)
            batches = [collate(examples, picks[cut : cut + config.batch_size], targets) for cut in cuts]
            grad, sums, tokens = gradients(trainee, batches, objective)
            norm = _norm(grad)
            if not math.isfinite(norm + sums[0]):
                raise TrainingError(
                    "the loss or its gradient is not finite", where=f"step {step + 1}, examples {picks}",
                    got=f"loss {sums[0] / tokens}, gradient norm {norm}",
                    next_step="Lower learning_rate or look at these examples; the last good weights are kept",
                )  # fmt: skip
            clip = min(1.0, config.max_grad_norm / (norm + 1e-6))
            rate = learning_rate(config, step)
            trainee.optimizer.learning_rate = rate
            _update(trainee, tree_map(lambda g, c=clip: g * c, grad))
            total, ce, kd = (s / tokens for s in sums)
            on_step(
                StepReport(
                    step=step + 1, loss=total, ce=ce, kd=kd if targets is not None else None, learning_rate=rate,
                    grad_norm=norm, tokens=tokens, seconds=time.perf_counter() - started,
                    peak_memory=mx.get_peak_memory(),
                )
            )  # fmt: skip
    finally:
        trainee.model.eval()


def _update(trainee: Trainee, grad: Any) -> None:
    """Take one optimizer step whole: a Ctrl-C in its middle leaves weights and optimizer as they were."""
    before = trainee.model.trainable_parameters(), tree_map(lambda x: x, trainee.optimizer.state)
    try:
        trainee.optimizer.update(trainee.model, grad)
        mx.eval(trainee.model.trainable_parameters(), trainee.optimizer.state)
    except BaseException:
        trainee.model.update(before[0])
        trainee.optimizer.state = before[1]
        raise


def _norm(grad: Any) -> float:
    """Return the Euclidean norm of a tree of gradients."""
    squares: list[mx.array] = []
    tree_map(lambda g: squares.append(g.astype(mx.float32).square().sum()), grad)
    total: Any = mx.stack(squares).sum().item()
    return math.sqrt(total)
