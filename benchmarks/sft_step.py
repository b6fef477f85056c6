"""One step of supervised fine-tuning: Conch against mlx-lm's training loop, with Conch's BLAS and as installed.

Conch is measured in the numbers that this machine chooses for frozen weights, and in float32.

All use the same model, LoRA (rank 8, all linear layers), lengths and trained positions, and AdamW. The loop of mlx-lm
is that of ``mlx_lm.lora`` (``mlx_lm.tuner.trainer.train``, compiled by default), timed by its own reports. "time x" is
a contender's time over Conch's ("ours").

    python benchmarks/sft_step.py [--installed-rounds 1] [--rounds 3] [--steps 3]
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from _common import Contender, compete, forwarded, header, parse, parser, table, timed

if TYPE_CHECKING:
    import argparse


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from _training import mlx_lm_steps, workload

    from conch_dna.losses.fused import Objective

    ours = options.variant == "ours"
    with workload(options, soft=False, fast=ours) as work:
        if ours:
            return timed(lambda: work.step(Objective()), options.steps)
        first = options.length - options.trained
        sequences = [(row.tolist(), first) for row in work.batch.ids_BT]
        return mlx_lm_steps(work.base, sequences, options.steps, options.batch)


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--installed-rounds", type=int, default=1, help="processes of mlx-lm as installed (minutes)")
    options = parse(made)
    if options.variant:
        print(json.dumps(measure(options)))
        return
    rows = [
        Contender("ours", "ours"),
        Contender("ours, float32", "ours", compute="float32"),
        Contender("mlx-lm, our BLAS", "mlx_lm"),
        Contender("mlx-lm, as installed", "mlx_lm", accel=False, rounds=options.installed_rounds),
    ]
    words = forwarded(options, "model", "steps", "batch", "length", "trained")
    found = compete(__file__, rows, words, options.rounds)
    header(options)
    table(found, "ours", options.batch * options.length)


if __name__ == "__main__":
    main()
