"""Time of a Conch distillation step by class of operation, and its share of the sgemm peak.

Each class is timed alone, forward and backward, on one layer's arrays, and multiplied by the number of layers. The rest
of the step is "other" (residuals, the gradients of LoRA's factors, scheduling).

    python benchmarks/profile_step.py [--rounds 3]
"""

from __future__ import annotations

import json
import statistics
import time
from typing import TYPE_CHECKING, Any

from _common import Contender, compete, forwarded, header, parse, parser, timed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

REPEATS = 5


def both_ways(function: Callable[..., Any], *arrays: Any) -> float:
    """Return the fastest time, in seconds, of a function and its gradient with respect to all ``arrays``."""
    import mlx.core as mx

    weight = mx.random.normal(function(*arrays).shape)
    mx.eval(weight, *arrays)

    def run() -> None:
        mx.eval(mx.vjp(function, list(arrays), [weight]))

    return least(run)


def least(run: Callable[[], object]) -> float:
    """Return the fastest time, in seconds, of several runs after a warm-up run."""
    run()
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def parts(work: Any, objective: Any) -> dict[str, float]:
    """Return the seconds of one step by class of operation, forward and backward."""
    import mlx.core as mx
    from mlx.utils import tree_map

    from conch_dna.kernels.attention import causal_attention
    from conch_dna.kernels.exp import pays, swiglu
    from conch_dna.losses.fused import loss_sums

    model, batch = work.base.model, work.batch
    args, layer, count = model.args, model.layers[0], len(model.layers)
    rows, length = batch.ids_BT.shape
    width = args.head_dim or args.hidden_size // args.num_attention_heads
    heads, key_heads = args.num_attention_heads, args.num_key_value_heads

    def drawn(*shape: int) -> mx.array:
        return mx.random.normal(shape)

    x, inner = drawn(rows, length, args.hidden_size), drawn(rows, length, args.intermediate_size)
    q, k = drawn(rows, heads, length, width), drawn(rows, key_heads, length, width)
    attention, mlp = layer.self_attn, layer.mlp
    wide = [attention.q_proj, attention.k_proj, attention.v_proj, mlp.gate_proj, mlp.up_proj]
    linear = sum(both_ways(m, x) for m in wide) + both_ways(mlp.down_proj, inner)
    linear += both_ways(attention.o_proj, drawn(rows, length, heads * width))
    native = pays()  # otherwise training uses MLX's operations

    def scores(q: mx.array, k: mx.array, v: mx.array) -> mx.array:
        if native:
            return causal_attention(attention.scale)(q, k, v)
        return mx.fast.scaled_dot_product_attention(q, k, v, scale=attention.scale, mask="causal")

    def activation(gate: mx.array, up: mx.array) -> mx.array:
        return swiglu()(gate, up) if native else gate * mx.sigmoid(gate) * up

    hidden, labels = drawn(len(batch.labels_N), args.hidden_size), mx.array(batch.labels_N)
    targets = tuple(mx.array(a) for a in (batch.targets.ids, batch.targets.log_probs, batch.targets.tail))

    def loss(h: mx.array) -> mx.array:
        return loss_sums(h, work.trainee.head, labels, targets, objective)[0]

    def optimize() -> None:
        grad = tree_map(mx.ones_like, model.trainable_parameters())
        work.trainee.optimizer.update(model, grad)
        mx.eval(model.trainable_parameters(), work.trainee.optimizer.state)

    return {
        "linear layers with LoRA": count * linear,
        "attention": count * both_ways(scores, q, k, k),
        "activation": count * both_ways(activation, inner, inner),
        "norms": (2 * count + 1) * both_ways(layer.input_layernorm, x),
        "rope": count * (both_ways(attention.rope, q) + both_ways(attention.rope, k)),
        "head and loss": least(lambda: mx.eval(mx.value_and_grad(loss)(hidden))),
        "optimizer": least(optimize),
    }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from _training import workload

    from conch_dna.losses.fused import Objective
    from conch_dna.models.accel import measure_gflops
    from conch_dna.plugin.manager import load_plugins

    objective = Objective(load_plugins().catalog.get("losses", "forward_kl"), alpha=1.0)
    with workload(options, soft=True, fast=True) as work:
        report = timed(lambda: work.step(objective), options.steps)
        return {
            **report, "parts": parts(work, objective), "flops": work.useful_flops(), "gflops": measure_gflops(),
        }  # fmt: skip


def show(reports: Sequence[dict[str, Any]]) -> None:
    """Print a table of medians over processes."""
    step = statistics.median(s for report in reports for s in report["seconds"])
    names = reports[0]["parts"]
    seconds = {name: [report["parts"][name] for report in reports] for name in names}
    print(f"{'':<26}{'median s':>9}{'min-max':>16}{'share':>8}")
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"{name:<26}{median:>9.3f}{f'{min(times):.3f}-{max(times):.3f}':>16}{median / step:>8.0%}")
    other = step - sum(statistics.median(times) for times in seconds.values())
    print(f"{'other':<26}{other:>9.3f}{'':>16}{other / step:>8.0%}")
    print(f"{'the step':<26}{step:>9.3f}")
    peak, flops = statistics.median(report["gflops"] for report in reports), reports[0]["flops"]
    print(f"\n{flops / 1e9:.1f} useful GFLOP a step; {flops / step / 1e9:.1f} GFLOP/s of {peak:.1f} (sgemm): ", end="")
    print(f"{flops / step / 1e9 / peak:.0%} of the peak")


def main() -> None:
    options = parse(parser(__doc__))
    if options.variant:
        print(json.dumps(measure(options)))
        return
    words = forwarded(options, "model", "steps", "batch", "length", "trained")
    found = compete(__file__, [Contender("ours", "ours")], words, options.rounds)
    header(options)
    show(found["ours"])


if __name__ == "__main__":
    main()
