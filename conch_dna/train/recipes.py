"""From teacher material to a saved adapter: train, checkpoint, resume."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog

from conch_dna.files import write_atomic
from conch_dna.records import StepReport, digest_of, to_json_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import mlx.core as mx

    from conch_dna.config import DistillConfig
    from conch_dna.data.tokens import Example
    from conch_dna.interfaces import Divergence, Targets
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugins import PluginHost
    from conch_dna.progress import Progress

log = structlog.get_logger()


@dataclass(frozen=True)
class Material:
    """What one domain is trained on.

    :param examples: tokenised conversations.
    :param targets: soft targets of their last turns, one an example, or ``None`` for text alone.
    """

    domain: str
    examples: Sequence[Example]
    targets: Sequence[Targets] | None = None

    @cached_property
    def digest(self) -> str:
        """The identity of the tokens and of whether soft targets go with them."""
        return digest_of([[(e.ids, e.trained) for e in self.examples], self.targets is not None])


def train_adapter(
    base: LoadedModel,
    config: DistillConfig,
    host: PluginHost,
    material: Material,
    identity: dict[str, Any],
    folder: Path,
    progress: Progress,
    on_step: Callable[[StepReport], None],
) -> list[StepReport]:
    """Train LoRA layers on ``base`` and save them to ``folder/adapter``; the base is as it was afterwards.

    Goes on from the newest checkpoint under ``folder``, to the same losses as if it had never stopped. A finished
    adapter is not trained again.

    :returns: the reports of all steps, those before a resume included.
    :raises CheckpointError: the checkpoints belong to another base, teacher, data or settings.
    :raises TrainingError: a loss is not finite; the last good state is in a checkpoint.
    """
    import mlx.optimizers as optim

    from conch_dna.train import checkpoint, lora
    from conch_dna.train.fastmath import fast_activations
    from conch_dna.train.loop import Trainee, train
    from conch_dna.train.objective import Objective

    metrics, checkpoints = folder / "metrics.jsonl", folder / "checkpoints"
    objective = Objective()
    if material.targets is not None:
        objective = Objective(_divergence(host, config.loss), config.temperature, config.t_squared, config.alpha)
        log.info("objective", loss=config.loss, alpha=config.alpha, temperature=config.temperature,
                 t_squared=config.t_squared)  # fmt: skip
    with lora.attached(base.model, config), fast_activations(base.model):
        body, head = lora.split(base.model)
        optimizer = optim.AdamW(learning_rate=config.learning_rate, weight_decay=config.weight_decay)
        optimizer.init(base.model.trainable_parameters())
        first = checkpoint.restore(checkpoints, base.model, optimizer, identity)
        reports = [r for r in _read(metrics) if r.step <= first]
        write_atomic(metrics, "".join(map(to_json_line, reports)))
        if first < config.steps:  # what an earlier training left, of other data perhaps
            shutil.rmtree(folder / "adapter", ignore_errors=True)
        if first:
            log.info("training_resumed", domain=material.domain, step=first)
        progress.stage(material.domain, "training", config.steps)
        progress.advance(first)

        def save(step: int) -> None:
            checkpoint.save(checkpoints, step, base.model, optimizer, identity, config.keep_checkpoints)

        def after(report: StepReport) -> None:
            reports.append(report)
            with metrics.open("a", encoding="utf-8") as file:
                file.write(to_json_line(report))
            if report.step % config.checkpoint_every == 0 or report.step == config.steps:
                save(report.step)
            progress.advance(1, f"loss {report.loss:.3f}")
            on_step(report)

        try:
            train(
                Trainee(base.model, body, head, optimizer),
                config, material.examples, material.targets, objective, first, after,
            )  # fmt: skip
        except (KeyboardInterrupt, ArithmeticError):
            # Stopped between the update and its report, the weights are one step ahead: that step is taken again.
            if len(reports) > first and int(optimizer.step.item()) == len(reports):
                write_atomic(metrics, "".join(map(to_json_line, reports)))
                save(len(reports))
            raise
        if not (folder / "adapter").exists():
            lora.save_adapter(base.model, config, folder / "adapter")
    return reports


def _divergence(host: PluginHost, name: str) -> Divergence:
    """Return the loss of that name; a fault in it names its plug-in."""
    loss: Divergence = host.catalog.get("losses", name)

    def blamed(student_NK: mx.array, teacher_NK: mx.array) -> mx.array:
        with host.blaming("losses", name):
            return loss(student_NK, teacher_NK)

    return blamed


def _read(path: Path) -> list[StepReport]:
    """Return the reports written so far; a last line that a kill cut short is dropped."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [StepReport.model_validate_json(line) for line in lines if line.endswith("}")]
