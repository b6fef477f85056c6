"""Peak memory of the loss by sequence length: the fused objective, and a plain form of the same loss.

The script measures the value and the gradient with respect to the hidden states of one loss: forward KL to top-32
targets and one tail bucket at T = 1, plus cross-entropy, at the vocabulary of Qwen2.5. The plain form computes the
logits at all positions and uses mlx autodiff. Full teacher logits beside them, as in most code, would add one more
copy. Peaks exclude the inputs: hidden states, targets and head. Each measurement is a separate process; a plain run
that would not fit into --limit is skipped.

    python benchmarks/loss_memory.py [--quick] [--limit 8]
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys

LENGTHS, VOCABULARY, WIDTH, TOP_K = (512, 1024, 2048, 4096), 151_936, 64, 32
QUICK = (64, 256, 512), 4096
PLAIN_COPIES = 7  # of the logits, alive at the peak of the plain form


def measure(variant: str, positions: int, vocabulary: int) -> dict[str, float]:
    """Return the peak memory of value and gradient in bytes, and the value in nats per position."""
    from conch_dna.models import accel

    accel.switch_on()
    import mlx.core as mx
    from mlx import nn

    from conch_dna.losses.fused import Objective, loss_sums, temper
    from conch_dna.plugin.manager import load_plugins

    mx.random.seed(0)
    hidden_ND = mx.random.normal((positions, WIDTH))
    weight_VD = mx.random.normal((vocabulary, WIDTH)) * WIDTH**-0.5
    labels_N = mx.random.randint(0, vocabulary, (positions,))
    ids_NK = mx.random.randint(0, vocabulary - TOP_K, (positions, 1)) + mx.arange(TOP_K)  # no id occurs twice
    log_p_NK = nn.log_softmax(mx.random.normal((positions, TOP_K + 1)) * 3, axis=-1)
    targets = (ids_NK, log_p_NK[:, :-1], log_p_NK[:, -1])
    divergence = load_plugins().catalog.get("losses", "forward_kl")

    def ours(hidden: mx.array) -> mx.array:
        objective = Objective(divergence, 1.0, t_squared=True, alpha=0.5)
        return loss_sums(hidden, lambda h: h @ weight_VD.T, labels_N, targets, objective)[0]

    def plain(hidden: mx.array) -> mx.array:
        log_q_NV = nn.log_softmax(hidden @ weight_VD.T, axis=-1)
        log_q_NK = mx.take_along_axis(log_q_NV, ids_NK, axis=-1)
        rest_N1 = mx.log(mx.maximum(1 - mx.exp(log_q_NK).sum(axis=-1, keepdims=True), 1e-7))
        student_NK = mx.concatenate([log_q_NK, rest_N1], axis=-1)
        ce_N1 = -mx.take_along_axis(log_q_NV, labels_N[:, None], axis=-1)
        kd_N = divergence(student_NK, temper(*targets[1:], 1.0), beta=0.5)
        return 0.5 * kd_N.sum() + 0.5 * ce_N1.sum()

    mx.eval(hidden_ND, weight_VD, labels_N, targets)
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    value, grad = mx.value_and_grad({"ours": ours, "plain": plain}[variant])(hidden_ND)
    mx.eval(value, grad)
    return {"peak": mx.get_peak_memory() - before, "value": float(value.item()) / positions}


def measure_in_process(variant: str, positions: int, vocabulary: int) -> dict[str, float]:
    """Return the result of :func:`measure` in a new process."""
    command = [sys.executable, __file__, "--measure", variant, str(positions), str(vocabulary)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="use a small vocabulary and short sequences")
    parser.add_argument("--limit", type=float, default=8.0, help="most GB for a plain run")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        variant, positions, vocabulary = options.measure
        print(json.dumps(measure(variant, int(positions), int(vocabulary))))
        return
    lengths, vocabulary = QUICK if options.quick else (LENGTHS, VOCABULARY)
    print(f"{platform.machine()}; V = {vocabulary:,}, D = {WIDTH}, k = {TOP_K}, float32; peak of loss and gradient")
    print(f"{'positions':>9}{'ours MB':>10}{'plain MB':>10}{'less':>8}{'ours nats':>12}{'plain nats':>12}")
    for positions in lengths:
        ours = measure_in_process("ours", positions, vocabulary)
        row = f"{positions:>9}{ours['peak'] / 1e6:>10.1f}"
        needed = PLAIN_COPIES * positions * vocabulary * 4 / 1e9
        if needed > options.limit:
            print(f"{row}{'—':>10}{'—':>8}{ours['value']:>12.5f}{'—':>12}  plain needs about {needed:.0f} GB")
            continue
        plain = measure_in_process("plain", positions, vocabulary)
        less = f"{1 - ours['peak'] / plain['peak']:.1%}"
        print(f"{row}{plain['peak'] / 1e6:>10.1f}{less:>8}{ours['value']:>12.5f}{plain['value']:>12.5f}")


if __name__ == "__main__":
    main()
