"""The training loop, a function whose state is its arguments."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_map

from conch_dna.errors import TrainingError
from conch_dna.evaluation.fit import everywhere
from conch_dna.losses.dpo import Pairs, pair_sums
from conch_dna.losses.fused import Sums, loss_sums
from conch_dna.plugin.protocols import Targets
from conch_dna.records import StepReport
from conch_dna.train.schedules import learning_rate
from conch_dna.util.interrupts import raise_if_interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.data.batches import Batch
    from conch_dna.evaluation.fit import Over
    from conch_dna.losses.fused import Objective
    from conch_dna.train.sources import Source


@dataclass
class Trainee:
    """The model that is trained, and its optimizer.

    :param model: the base with LoRA layers attached; only these layers are trainable.
    :param body: (B, T) ids to (B, T, D) hidden states, a part of ``model``.
    :param head: (N, D) hidden states to (N, V) logits; frozen, unless tied to an embedding that carries an adapter.
    :param optimizer: an mlx optimizer.
    :param over: a context for the forward and backward pass of a batch; it sets the tokens on which the adapter acts.
    """

    model: Any
    body: Callable[[mx.array], mx.array]
    head: Callable[[mx.array], mx.array]
    optimizer: Any
    over: Over = everywhere


def step_seed(seed: int, step: int) -> int:
    """Return the dropout seed of ``step``; like the batches, it does not depend on earlier steps."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0])


def batch_sums(trainee: Trainee, batch: Batch, objective: Objective) -> mx.array:
    """Return the float32 sums of one batch, as :class:`conch_dna.losses.fused.Sums` names them.

    Pairs use the DPO loss and ignore the objective. The caller must enter ``trainee.over``, because checkpointed blocks
    run again after this function has returned.
    """
    hidden_BTD = trainee.body(mx.array(batch.ids_BT))
    hidden_ND = hidden_BTD[mx.array(batch.rows_N), mx.array(batch.cols_N)]
    targets: Any = batch.targets
    if isinstance(targets, Pairs):
        return pair_sums(hidden_ND, trainee.head, mx.array(batch.labels_N), mx.array(batch.rows_N), targets)
    if isinstance(targets, Targets):
        targets = (mx.array(targets.ids), mx.array(targets.log_probs), mx.array(targets.tail))
    return loss_sums(hidden_ND, trainee.head, mx.array(batch.labels_N), targets, objective)


def gradients(trainee: Trainee, batches: Sequence[Batch], objective: Objective) -> tuple[Any, Sums, int]:
    """Return the gradient of the mean loss over all tokens, or pairs, of ``batches``, their sums, and the token count.

    Sums are accumulated and divided once, by the tokens or pairs of the whole step, so that neither loss nor gradient
    depends on the division of the step into batches.

    :raises TrainingError: the batches have no trained token.
    """

    def loss(batch: Batch) -> tuple[mx.array, mx.array]:
        sums = batch_sums(trainee, batch, objective)
        return sums[0], sums

    grad_of = nn.value_and_grad(trainee.model, loss)
    total: Any = None
    sums: Sums | None = None
    for batch in batches:
        with trainee.over(batch):
            (_, parts), grad = grad_of(batch)
        total = grad if total is None else tree_map(mx.add, total, grad)
        mx.eval(total, parts)
        found = Sums(*parts.tolist())
        sums = found if sums is None else sums.joined(found)
    tokens = sum(len(batch.labels_N) for batch in batches)
    if sums is None or not tokens:
        raise TrainingError("the step has no token to train on", where=f"{len(batches)} batches")
    units = sums.units(tokens)
    return tree_map(lambda g: g / units, total), sums, tokens


def train(
    trainee: Trainee,
    config: DistillConfig,
    source: Source,
    objective: Callable[[int], Objective],
    first: int,
    on_step: Callable[[StepReport], bool | None],
) -> None:
    """Run the optimizer steps ``first`` … ``config.steps - 1``, and call ``on_step`` after each.

    :param source: returns the batches of each step; it may generate with the model, which is then in evaluation mode.
    :param objective: returns the objective of each step (from 0).
    :param on_step: ends the training by returning ``True``.
    :raises TrainingError: a loss or gradient is not finite; the weights are those of the last good step.
    :raises KeyboardInterrupt: a signal came; the weights are those of the last whole step.
    """
    try:
        for step in range(first, config.steps):
            raise_if_interrupted()
            started = time.perf_counter()
            mx.reset_peak_memory()
            trainee.model.eval()
            batches = source.batches(step)
            trainee.model.train()
            mx.random.seed(step_seed(config.seed, step))
            if on_step(_step(trainee, config, batches, objective(step), step, started)):
                return
    finally:
        trainee.model.eval()


def _step(
    trainee: Trainee, config: DistillConfig, batches: Sequence[Batch], objective: Objective, step: int, started: float
) -> StepReport:
    """Run one optimizer step and return its report."""
    if any(batch.on_policy for batch in batches):  # cross-entropy on its own samples would only sharpen the student
        objective = replace(objective, alpha=1.0)
    grad, sums, tokens = gradients(trainee, batches, objective)
    norm, units = _norm(grad), sums.units(tokens)
    if not math.isfinite(norm + sums.combined):
        names = [name for batch in batches for name in batch.names]
        raise TrainingError(
            "the loss or its gradient is not finite", where=f"step {step + 1}, examples {names}",
            got=f"loss {sums.combined / units}, gradient norm {norm}",
            next_step="Lower learning_rate or check these examples; the last good weights are kept",
        )  # fmt: skip
    clip = min(1.0, config.max_grad_norm / (norm + 1e-6))
    rate = learning_rate(config, step)
    trainee.optimizer.learning_rate = rate
    _update(trainee, tree_map(lambda g: g * clip, grad))
    soft = not sums.pairs and any(batch.targets is not None for batch in batches)
    bucketed = all(isinstance(batch.targets, Targets) for batch in batches)
    return StepReport(
        step=step + 1,
        loss=sums.combined / units,
        ce=sums.ce / tokens,
        kd=sums.kd / tokens if soft else None,
        kd_max=sums.kd_max if soft else None,
        entropy=sums.entropy / tokens,
        agreement=sums.agreed / units if bucketed or sums.pairs else None,
        margin=sums.margin / sums.pairs if sums.pairs else None,
        reward=sums.reward / sums.pairs if sums.pairs else None,
        alpha=objective.alpha if soft else None,
        beta=objective.beta if soft else None,
        learning_rate=rate,
        grad_norm=norm,
        tokens=tokens,
        seconds=time.perf_counter() - started,
        peak_memory=mx.get_peak_memory(),
    )


def _update(trainee: Trainee, grad: Any) -> None:
    """Apply one optimizer step; an interrupt during it restores weights and optimizer state."""
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
