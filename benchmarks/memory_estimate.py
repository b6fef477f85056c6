"""Estimated peak memory of training, against the measured peak of real steps.

Uses the real base (SmolLM2-135M) and random examples whose second half is trained, two steps per case.

    python benchmarks/memory_estimate.py
"""

from __future__ import annotations

import platform
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from conch_dna.config import DistillConfig
    from conch_dna.models.load import LoadedModel

STUDENT = "embedded:smollm2-135m"
CASES = (
    {"batch_size": 4, "width": 256},
    {"batch_size": 1, "width": 512},
    {"batch_size": 4, "width": 256, "gradient_checkpointing": True},
    {"batch_size": 4, "width": 256, "rank": 16},
    {"batch_size": 1, "width": 1024, "gradient_checkpointing": True},
    {"batch_size": 2, "width": 128, "dropout": 0.1},
    {"batch_size": 8, "width": 64, "top_k": 32},
    {"batch_size": 4, "width": 256, "layers": 8},
)


def measured(base: LoadedModel, config: DistillConfig, width: int, *, soft: bool) -> int:
    """Return the peak memory, in bytes, of two steps of ``config`` on examples of ``width`` tokens."""
    from conch_dna.data.tokens import Example
    from conch_dna.losses.fused import Objective
    from conch_dna.plugin.manager import load_plugins
    from conch_dna.plugin.protocols import Targets
    from conch_dna.train.sources import FixedSource
    from conch_dna.train.stage import Stage, train_stage
    from conch_dna.util.progress import Progress

    rng = np.random.default_rng(0)
    half = width // 2
    trained = (*[False] * half, *[True] * (width - half))
    examples, targets = [], []
    for _ in range(config.batch_size):
        examples.append(Example(tuple(rng.integers(3, 49_000, width).tolist()), trained, half, 1))
        ids = np.stack([rng.choice(49_000, config.top_k, replace=False) for _ in range(width - half)])
        flat = np.full(ids.shape, -np.log(config.top_k + 1), np.float32)
        targets.append(Targets(ids.astype(np.int32), flat, flat[:, 0]))
    objective = Objective()
    if soft:
        divergence = load_plugins().catalog.get("losses", config.loss)
        objective = Objective(divergence, config.temperature, config.t_squared, config.alpha, config.beta)
    source = FixedSource(examples, targets if soft else None, config)
    stage = Stage("memory", "kd" if soft else "sft", source, lambda _: objective)
    with tempfile.TemporaryDirectory() as folder:
        reports = train_stage(base, config, stage, {}, Path(folder), Progress(), lambda _: None)
    return max(report.peak_memory for report in reports)


def main() -> None:
    from conch_dna.config import DistillConfig
    from conch_dna.models import accel

    accel.switch_on()  # before the imports below, which import mlx
    from conch_dna.models.load import load
    from conch_dna.train.memory_estimate import estimate, read_shapes

    base = load(STUDENT)
    shapes = read_shapes(base.folder)
    print(f"{platform.machine()}; {STUDENT}; MB")
    print(f"{'':<58}{'estimate':>9}{'measured':>9}{'ratio':>7}  of which")
    for case in CASES:
        settings = {"rank": 8, **{key: value for key, value in case.items() if key != "width"}}
        config = DistillConfig(steps=2, checkpoint_every=2, **settings)
        found = estimate(shapes, config, case["width"])
        peak = measured(base, config, case["width"], soft="top_k" in case)
        parts = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in found.parts().items() if size)
        name = ", ".join(f"{key}={value}" for key, value in case.items())
        in_mlx = found.total - found.packed  # the peak is mlx's own
        print(f"{name:<58}{in_mlx / 1e6:>9.0f}{peak / 1e6:>9.0f}{in_mlx / peak:>7.2f}  {parts}", flush=True)


if __name__ == "__main__":
    main()
