"""The training loop: a plain function over visible state."""

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

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.data.batches import Batch
    from conch_dna.evaluation.fit import Over
    from conch_dna.losses.fused import Objective
    from conch_dna.train.sources import Source


@dataclass
class Trainee:
    """What training changes and what it changes it with.

    :param model: the base with LoRA layers attached; only those are trainable.
    :param body: (B, T) ids to (B, T, D) hidden states, a part of ``model``.
    :param head: (N, D) hidden states to (N, V) logits; frozen, unless tied to an embedding that carries an adapter.
    :param optimizer: an mlx optimizer.
    :param over: entered for both passes over a batch; says on which of its tokens the adapter acts.
    """

    model: Any
    body: Callable[[mx.array], mx.array]
    head: Callable[[mx.array], mx.array]
    optimizer: Any
    over: Over = everywhere


def step_seed(seed: int, step: int) -> int:
    """Return the seed of the dropout in ``step``: like the batches it hangs on nothing that came before."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0])


def batch_sums(trainee: Trainee, batch: Batch, objective: Objective) -> mx.array:
    """Return the float32 sums of one batch, as :class:`conch_dna.losses.fused.Sums` names them.

    Pairs have a loss of their own, and the objective plays no part. ``trainee.over`` is for the caller to enter, since
    checkpointed blocks run again after this.
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
    depends on how the step was cut into batches.

    :raises TrainingError: there is no token to train on.
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
        raise TrainingError("a step without a token to train on", where=f"{len(batches)} batches")
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
    """Take the optimizer steps ``first`` … ``config.steps - 1``; ``on_step`` hears of each after it is done.

    :param source: gives the batches of each step; it may draw them with the model, which is in evaluation mode then.
    :param objective: gives the objective of each step (from 0).
    :param on_step: ``True`` from it ends the training.
    :raises TrainingError: a loss or gradient is not finite; the weights are those of the last good step.
    """
    try:
        for step in range(first, config.steps):
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
    """Take one optimizer step and report on it."""
    if any(batch.on_policy for batch in batches):  # no cross-entropy towards the student's own samples
        objective = replace(objective, alpha=1.0)
    grad, sums, tokens = gradients(trainee, batches, objective)
    norm, units = _norm(grad), sums.units(tokens)
    if not math.isfinite(norm + sums.combined):
        names = [name for batch in batches for name in batch.names]
        raise TrainingError(
            "the loss or its gradient is not finite", where=f"step {step + 1}, examples {names}",
            got=f"loss {sums.combined / units}, gradient norm {norm}",
            next_step="Lower learning_rate or look at these examples; the last good weights are kept",
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
