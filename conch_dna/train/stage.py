"""One stage of training, from the start weights to a saved adapter: train, validate, checkpoint, resume."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from mlx import optimizers as optim
from mlx.utils import tree_unflatten

from conch_dna.data.alora import invocation_tokens_of
from conch_dna.errors import BudgetReached, TrainingError
from conch_dna.evaluation.fit import everywhere
from conch_dna.kernels.patch import fast_ops
from conch_dna.losses.fused import Sums
from conch_dna.models.head import split
from conch_dna.records import StepReport, read_sound, to_json_line
from conch_dna.train import checkpoint, lora
from conch_dna.train.activated_lora import Activation
from conch_dna.train.checkpoint import State
from conch_dna.train.ema import Ema
from conch_dna.train.gradient_checkpointing import checkpointed
from conch_dna.train.loop import Trainee, batch_sums, train
from conch_dna.util.files import append, sha256_file, write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from conch_dna.config import DistillConfig
    from conch_dna.data.batches import Batch
    from conch_dna.losses.fused import Objective
    from conch_dna.models.load import LoadedModel
    from conch_dna.train.sources import Source
    from conch_dna.util.progress import Progress

API_LINE = b'{"api"'  # start of the lines in metrics.jsonl with the cost of a teacher behind an API
SHOWN = 10  # steps in the mean loss of the progress: the loss of one step depends on its examples
log = structlog.get_logger()


@dataclass(frozen=True)
class Stage:
    """The inputs of one stage of training.

    :param domain: the domain's name.
    :param recipe: the recipe's name; it is in every row of ``metrics.jsonl``.
    :param source: provides the batches.
    :param objective: returns the objective of each step (from 0).
    :param validation: batches that are measured at every checkpoint; empty for none.
    :param start: the adapter with the start weights, or ``None`` for a fresh one.
    :param right: returns the share of right answers of the model in training; called with each validation.
    """

    domain: str
    recipe: str
    source: Source
    objective: Callable[[int], Objective]
    validation: Sequence[Batch] = ()
    start: Path | None = None
    right: Callable[[], float] | None = None


def train_stage(
    base: LoadedModel,
    config: DistillConfig,
    stage: Stage,
    identity: dict[str, Any],
    folder: Path,
    progress: Progress,
    on_step: Callable[[StepReport], None],
) -> list[StepReport]:
    """Train an adapter on ``base`` and save it to ``folder/adapter``; ``base`` is unchanged afterwards.

    Training resumes from the newest checkpoint in ``folder`` and gives the same losses as an uninterrupted run. A
    finished adapter is not trained again. The saved weights are those of the last step, or with ``keep_best`` of the
    best validated checkpoint; with ``ema`` they are the moving average.

    :returns: the reports of all steps, including those before a resume.
    :raises CheckpointError: the checkpoints belong to another base, teacher, data or settings.
    :raises TrainingError: a loss is not finite; the last good state is in a checkpoint.
    """
    identity = {**identity, "recipe": stage.recipe}
    if stage.start is not None:
        identity["start"] = sha256_file(stage.start / lora.ADAPTER_FILE)
    with trainee_on(base, config, stage.start) as trainee:
        about = lora.adapter_config(base.model, config, _invocation_tokens(base, config))
        state = State(base.model, trainee.optimizer, stage.source, about, Ema(config.ema) if config.ema else None)
        run = StageRun(config, stage, trainee, state, identity, folder, progress, on_step)
        first = run.resume()
        # An adapter from an earlier training may be damaged or of other data; checkpoints are verified.
        shutil.rmtree(folder / "adapter", ignore_errors=True)
        if first < config.steps and not exhausted(state.validation, config.patience):
            try:
                train(trainee, config, stage.source, stage.objective, first, run.after)
            except (KeyboardInterrupt, ArithmeticError, BudgetReached):
                run.save_last(first)
                raise
        elif first:  # a kill may have come between the last checkpoint and the removal of old ones
            checkpoint.prune(run.checkpoints, state.validation, run.keep)
        if config.keep_best and state.validation:
            best = checkpoint.best_steps(state.validation)[0]
            checkpoint.load_step(run.checkpoints, best, state)
            log.info("best_checkpoint_kept", domain=stage.domain, step=best, validation=state.validation[best])
        with _averaged(state):
            lora.save_adapter(base.model, config, folder / "adapter", _invocation_tokens(base, config))
    return run.reports


@contextlib.contextmanager
def trainee_on(base: LoadedModel, config: DistillConfig, start: Path | None) -> Iterator[Trainee]:
    """Attach an adapter with its optimizer to ``base`` within a context; ``base`` is unchanged afterwards.

    :param start: the adapter with the start weights, or ``None`` for a fresh one.
    """
    invocation_tokens = _invocation_tokens(base, config)
    activation = Activation(invocation_tokens) if invocation_tokens else None
    checkpointing = checkpointed(base.model, on=config.gradient_checkpointing)
    with lora.attached(base.model, config, activation), fast_ops(base.model), checkpointing:
        if start is not None:
            lora.start_from(base.model, config, start, invocation_tokens)
        optimizer = optim.AdamW(learning_rate=config.learning_rate, weight_decay=config.weight_decay)
        optimizer.init(base.model.trainable_parameters())
        yield Trainee(base.model, *split(base.model), optimizer, activation.over if activation else everywhere)


def _invocation_tokens(base: LoadedModel, config: DistillConfig) -> tuple[int, ...]:
    return invocation_tokens_of(base.tokenizer) if config.activated else ()


def exhausted(validation: dict[int, float], patience: int) -> bool:
    """Return whether at least ``patience`` validations followed the best one; with 0 always false."""
    if not patience or not validation:
        return False
    best = checkpoint.best_steps(validation)[0]
    return sum(step > best for step in validation) >= patience


@dataclass
class StageRun:
    """A running stage: its state, its files, and the reports so far."""

    config: DistillConfig
    stage: Stage
    trainee: Trainee
    state: State
    identity: dict[str, Any]
    folder: Path
    progress: Progress
    on_step: Callable[[StepReport], None]

    def __post_init__(self) -> None:
        self.metrics, self.checkpoints = self.folder / "metrics.jsonl", self.folder / "checkpoints"
        self.keep = checkpoint.Keep(self.config.keep_checkpoints, self.config.keep_best)
        self.reports: list[StepReport] = []

    def resume(self) -> int:
        """Restore the newest checkpoint that has all reports before it; return its step."""
        reports = read_reports(self.metrics)
        first = checkpoint.restore(self.checkpoints, self.state, self.identity, most=len(reports))
        self.reports = reports[:first]
        self._rewrite()
        if first:
            log.info("training_resumed", domain=self.stage.domain, recipe=self.stage.recipe, step=first)
        self.progress.stage(self.stage.domain, f"training {self.stage.recipe}", self.config.steps)
        self.progress.advance(first)
        return first

    def after(self, report: StepReport) -> bool:
        """Record one finished step; return whether the stage must stop early."""
        step = report.step
        report = report.model_copy(update={"recipe": self.stage.recipe})
        if self.state.average is not None:
            self.state.average.update(lora.weights(self.trainee.model))
        due = step % self.config.checkpoint_every == 0 or step == self.config.steps
        if due and self.stage.validation:
            self.state.validation[step] = self._validated(step)
            report = report.model_copy(update={"validation": self.state.validation[step], "right": self._right()})
        self.reports.append(report)
        append(self.metrics, to_json_line(report))
        if due:
            self._save(step)
        self.progress.advance(1, self._note())
        self.on_step(report)
        stops = due and exhausted(self.state.validation, self.config.patience)
        if stops:
            log.info("training_stopped_early", domain=self.stage.domain, recipe=self.stage.recipe, step=step)
        return stops

    def _note(self) -> str:
        """Return the figures worth showing: the mean loss of the last steps, and the last validation."""
        losses = [report.loss for report in self.reports[-SHOWN:]]
        parts = [f"loss {sum(losses) / len(losses):.3f}"]
        if validated := next((one for one in reversed(self.reports) if one.validation is not None), None):
            parts.append(f"validation {validated.validation:.3f}")
            parts += [f"right {validated.right:.2f}"] if validated.right is not None else []
        return " · ".join(parts)

    def save_last(self, first: int) -> None:
        """Save the last complete step after a stop.

        If the stop came between the update and its report, the weights are one step ahead of the reports. Nothing is
        saved then, and that step runs again.
        """
        done = len(self.reports)
        average = self.state.average
        if done > first and done == int(self.trainee.optimizer.step.item()) and _is_at(average, done):
            self._rewrite()
            self._save(done)

    def _save(self, step: int) -> None:
        checkpoint.save(self.checkpoints, step, self.state, self.identity, self.keep)

    def _rewrite(self) -> None:
        """Rewrite ``metrics.jsonl``: the API lines of earlier runs, then the reports."""
        lines = self.metrics.read_bytes().splitlines(keepends=True) if self.metrics.exists() else []
        api_lines = [line.decode() for line in lines if line.startswith(API_LINE) and line.endswith(b"\n")]
        write_atomic(self.metrics, "".join([*api_lines, *map(to_json_line, self.reports)]))

    def _validated(self, step: int) -> float:
        """Return the validation loss, in nats per token or pair, under the objective of the last step.

        :raises TrainingError: it is not finite, and so cannot be compared with others.
        """
        objective = self.stage.objective(self.config.steps - 1)
        self.trainee.model.eval()
        with _averaged(self.state):
            sums = functools.reduce(Sums.joined, (self._sums(batch, objective) for batch in self.stage.validation))
        loss = sums.combined / sums.units(sum(len(batch.labels_N) for batch in self.stage.validation))
        if not math.isfinite(loss):
            raise TrainingError(
                "the validation loss is not finite", where=f"step {step}", got=loss,
                next_step="Lower learning_rate, or check the validation answers; the checkpoints so far are kept",
            )  # fmt: skip
        return loss

    def _right(self) -> float | None:
        """Return the share of right answers to validation prompts, if the stage measures it."""
        if self.stage.right is None:
            return None
        with _averaged(self.state):
            return self.stage.right()

    def _sums(self, batch: Batch, objective: Objective) -> Sums:
        """Return the sums of one batch, without gradients."""
        with self.trainee.over(batch):
            vector: Any = batch_sums(self.trainee, batch, objective).tolist()
        return Sums(*vector)


def _is_at(average: Ema | None, steps: int) -> bool:
    """Return whether the average includes exactly these steps."""
    return average is None or average.steps == steps


@contextlib.contextmanager
def _averaged(state: State) -> Iterator[None]:
    """Load the moving average, if there is one, into the model within a context."""
    if state.average is None:
        yield
        return
    own = lora.weights(state.model)
    state.model.update(tree_unflatten(list(state.average.weights(own).items())))
    try:
        yield
    finally:
        state.model.update(tree_unflatten(list(own.items())))


def read_reports(path: Path) -> list[StepReport]:
    """Return the reports of the steps 1, 2, … up to the first one that is missing or damaged."""
    numbered = enumerate(read_sound(path, StepReport, beside=API_LINE), 1)
    return [report for _, report in itertools.takewhile(lambda pair: pair[0] == pair[1].step, numbered)]
