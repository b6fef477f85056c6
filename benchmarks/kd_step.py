"""One distillation step, ours against the same loss written plainly on mlx-lm as installed from its wheel.

Same model (SmolLM2-135M), same LoRA (rank 8, all linear layers), same batch: 4 sequences of 256 tokens, of which 128
are trained, with top-32 teacher targets and one tail bucket; forward KL at T = 1. The plain form takes logits of all
positions, a log-softmax over the vocabulary and mlx's own differentiation. Each variant runs in a process of its own.

    python benchmarks/kd_step.py [--plain-steps 1] [--steps 5]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time

BATCH, LENGTH, TRAINED, TOP_K = 4, 256, 128, 32


def measure(variant: str, steps: int) -> dict[str, object]:
    """Time ``steps`` optimizer steps of one variant in this process, after one warm-up step."""
    from conch_dna.models.load import load

    base = load("embedded:smollm2-135m")
    import mlx.core as mx
    import mlx.optimizers as optim
    import numpy as np
    from mlx import nn
    from mlx.utils import tree_map

    from conch_dna.config import DistillConfig
    from conch_dna.data.batches import Batch
    from conch_dna.interfaces import Targets
    from conch_dna.plugins import load_plugins
    from conch_dna.train.fastmath import fast_activations
    from conch_dna.train.loop import Trainee, gradients
    from conch_dna.train.lora import attached, split
    from conch_dna.train.objective import Objective

    config = DistillConfig()
    rng = np.random.default_rng(0)
    count = BATCH * TRAINED
    ids = rng.integers(3, 49_000, (BATCH, LENGTH)).astype(np.int32)
    rows = np.repeat(np.arange(BATCH, dtype=np.int32), TRAINED)
    cols = np.tile(np.arange(LENGTH - TRAINED - 1, LENGTH - 1, dtype=np.int32), BATCH)
    top = np.sort(rng.dirichlet(np.full(TOP_K + 1, 0.3), count), axis=1)[:, ::-1].clip(1e-6)
    targets = Targets(
        np.stack([rng.choice(49_000, TOP_K, replace=False) for _ in range(count)]).astype(np.int32),
        np.log(top[:, :TOP_K]).astype(np.float32),
        np.log(top[:, TOP_K]).astype(np.float32),
    )
    batch = Batch(ids, rows, cols, ids[rows, cols + 1], targets, tuple(range(BATCH)))
    divergence = load_plugins().catalog.get("losses", "forward_kl")
    seconds, loss = [], 0.0
    quick = fast_activations(base.model) if variant == "ours" else contextlib.nullcontext()
    with attached(base.model, config), quick:
        body, head = split(base.model)
        trainee = Trainee(base.model, body, head, optim.AdamW(learning_rate=1e-4))
        ids_NK, tail_N = mx.array(targets.ids), mx.array(targets.tail)
        log_p_NK = mx.concatenate([mx.array(targets.log_probs), tail_N[:, None]], axis=-1)
        log_p_NK = log_p_NK - mx.logsumexp(log_p_NK, axis=-1, keepdims=True)

        def plain(inputs: mx.array) -> mx.array:
            log_q = nn.log_softmax(base.model(inputs).astype(mx.float32), axis=-1)
            log_q_NV = log_q[mx.array(rows), mx.array(cols)]
            log_q_NK = mx.take_along_axis(log_q_NV, ids_NK, axis=-1)
            rest = mx.log(mx.maximum(1 - mx.exp(log_q_NK).sum(axis=-1, keepdims=True), 1e-7))
            return divergence(mx.concatenate([log_q_NK, rest], axis=-1), log_p_NK).sum() / count

        plain_grad = nn.value_and_grad(base.model, plain)
        base.model.train()
        for step in range(steps + 1):
            mx.reset_peak_memory()
            started = time.perf_counter()
            if variant == "ours":
                grad, sums, tokens = gradients(trainee, [batch], Objective(divergence, 1.0, t_squared=True, alpha=1.0))
                value = sums[0] / tokens
            else:
                value, grad = plain_grad(mx.array(ids))
            trainee.optimizer.update(base.model, tree_map(lambda g: g, grad))
            mx.eval(base.model.trainable_parameters(), trainee.optimizer.state)
            if step == 0:
                loss = float(value)
            if step or steps == 0:
                seconds.append(time.perf_counter() - started)
    return {"seconds": seconds, "loss": loss, "peak": mx.get_peak_memory()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=5, help="timed steps of ours, and of plain with our BLAS")
    parser.add_argument("--plain-steps", type=int, default=1, help="timed steps of plain as installed (minutes each)")
    parser.add_argument("--variant", choices=("ours", "plain"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.variant:
        print(json.dumps(measure(options.variant, options.steps)))
        return
    rows = {}
    for name, variant, steps, accel in (
        ("ours", "ours", options.steps, "1"),
        ("plain, our BLAS", "plain", options.steps, "1"),
        ("plain, as installed", "plain", options.plain_steps, "0"),
    ):
        command = [sys.executable, __file__, "--variant", variant, "--steps", str(steps)]
        done = subprocess.run(command, env={**os.environ, "CONCH_ACCEL": accel}, check=True, capture_output=True)
        rows[name] = json.loads(done.stdout.splitlines()[-1])
    ours = rows["ours"]
    print(f"{platform.machine()}, {os.cpu_count()} cores; {BATCH}x{LENGTH} tokens, {BATCH * TRAINED} trained")
    print(f"{'':<22}{'median s':>10}{'min-max':>16}{'ratio':>8}{'peak GB':>9}{'ratio':>8}{'first loss':>12}")
    for name, row in rows.items():
        median = statistics.median(row["seconds"])
        spread = f"{min(row['seconds']):.2f}-{max(row['seconds']):.2f}"
        print(
            f"{name:<22}{median:>10.2f}{spread:>16}{median / statistics.median(ours['seconds']):>8.1f}"
            f"{row['peak'] / 1e9:>9.2f}{row['peak'] / ours['peak']:>8.2f}{row['loss']:>12.5f}"
        )


if __name__ == "__main__":
    main()
