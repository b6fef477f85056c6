"""One distillation step of Conch, of a plain mlx-lm implementation, and of TRL's GKD trainer on torch.

All use the same model (float32), LoRA (rank 8, all linear layers) and batch, and forward KL at T = 1. Conch and the
plain form learn from top-32 targets and a tail bucket. The plain form computes logits at all positions, a log-softmax
over the vocabulary and mlx autodiff, once with Conch's BLAS and once as installed from its wheel. TRL's form
(``GKDTrainer.generalized_jsd_loss``, beta = 0) computes the teacher's full logits by a forward pass in every step; it
is also timed without that pass. "time x" is a contender's time over Conch's ("ours").

    python benchmarks/kd_step.py --setup-trl      # once: torch, trl, transformers and peft in a separate venv
    python benchmarks/kd_step.py [--trl-python PYTHON] [--plain-rounds 1] [--rounds 3] [--steps 3]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _common import Contender, child, compete, forwarded, header, parse, parser, table, timed

if TYPE_CHECKING:
    import argparse

HERE = Path(__file__).parent
TRL_VENV = HERE / ".venv-trl"
# Pin torch: only some versions have a CPU-only build.
TRL_PACKAGES = ("torch==2.13.0", "trl==1.16.0", "transformers", "peft", "safetensors")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure Conch's step or the plain form in this process."""
    from _training import plain_kd_step, workload

    from conch_dna.losses.fused import Objective
    from conch_dna.models.accel import measure_gflops
    from conch_dna.plugin.manager import load_plugins

    ours = options.variant == "ours"
    divergence = load_plugins().catalog.get("losses", "forward_kl")
    with workload(options, soft=True, fast=ours) as work:
        objective = Objective(divergence, alpha=1.0)
        step = (lambda: work.step(objective)) if ours else plain_kd_step(work, divergence)
        report = timed(step, options.steps)
        if ours:
            report |= {"flops": work.useful_flops(), "gflops": measure_gflops()}
    return report


def export(options: argparse.Namespace) -> dict[str, Any]:
    """Write the model, the batch and mlx's logits of its first row in the format of transformers."""
    import mlx.core as mx
    import numpy as np
    from _training import random_batch
    from mlx.utils import tree_flatten

    from conch_dna.models.load import load

    base, folder = load(options.model), Path(options.exchange)
    config = json.loads((base.folder / "config.json").read_text(encoding="utf-8"))
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    weights = dict(tree_flatten(base.model.parameters()))
    if config.pop("rope_traditional", False):  # pairs (2i, 2i + 1) of a head become (i, i + half)
        for name, weight in weights.items():
            if count := heads.get(name.split(".")[-2]):
                pairs = weight.reshape(count, -1, 2, *weight.shape[1:])
                weights[name] = pairs.swapaxes(1, 2).reshape(weight.shape)
    config |= {"architectures": ["LlamaForCausalLM"], "dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    mx.save_safetensors(str(folder / "model.safetensors"), weights, {"format": "pt"})
    batch = random_batch(options, base.width, soft=False)
    logits = np.array(base.model(mx.array(batch.ids_BT[:1])))
    np.savez(folder / "batch.npz", ids=batch.ids_BT, rows=batch.rows_N, cols=batch.cols_N, logits=logits)
    return {}


def setup_trl() -> None:
    """Create the venv of the TRL contender."""
    subprocess.run([sys.executable, "-m", "venv", str(TRL_VENV)], check=True)
    subprocess.run([str(TRL_VENV / "bin" / "python"), "-m", "pip", "install", *TRL_PACKAGES], check=True)


def trl_python(options: argparse.Namespace) -> Path | None:
    """Return the Python interpreter that has TRL, or ``None`` if none is installed.

    :raises SystemExit: the interpreter given by ``--trl-python`` does not exist.
    """
    if options.no_trl:
        return None
    if options.trl_python is None:
        found = TRL_VENV / "bin" / "python"
        return found if found.exists() else None
    if not options.trl_python.exists():
        raise SystemExit(f"--trl-python: no such file: {options.trl_python}")
    return Path(options.trl_python)


def contenders(options: argparse.Namespace, python: Path | None, folder: str) -> list[Contender]:
    rows = [
        Contender("ours", "ours"),
        Contender("plain, our BLAS", "plain"),
        Contender("plain, as installed", "plain", accel=False, rounds=options.plain_rounds),
    ]
    if python is not None:
        run = (str(python), str(HERE / "trl_step.py"), folder, "--steps", str(options.steps))
        rows.append(Contender("TRL GKD, teacher forward", "", command=run))
        rows.append(Contender("TRL GKD, without it", "", command=(*run, "--no-teacher")))
    return rows


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--plain-rounds", type=int, default=1, help="processes of the plain form as installed (slow)")
    made.add_argument("--trl-python", type=Path, help="Python with TRL installed; default: the one of --setup-trl")
    made.add_argument("--no-trl", action="store_true", help="do not measure TRL even if it is installed")
    made.add_argument("--setup-trl", action="store_true", help=f"install TRL into {TRL_VENV.name} (1.5 GB), and stop")
    made.add_argument("--exchange", help="folder for --variant export")
    options = parse(made)
    if options.setup_trl:
        setup_trl()
        return
    if options.variant:
        print(json.dumps(export(options) if options.variant == "export" else measure(options)))
        return
    python = trl_python(options)
    words = forwarded(options, "model", "steps", "batch", "length", "trained")
    with tempfile.TemporaryDirectory() as folder:
        if python is not None:
            child((sys.executable, __file__, "--variant", "export", "--exchange", folder, *words))
        found = compete(__file__, contenders(options, python, folder), words, options.rounds)
    header(options)
    if python is None:
        print("TRL left out; --setup-trl installs it\n")
    table(found, "ours", options.batch * options.length)
    ours = found["ours"]
    median = statistics.median(s for report in ours for s in report["seconds"])
    peak = statistics.median(report["gflops"] for report in ours)
    reached = ours[0]["flops"] / median / 1e9
    print(f"\nours: {ours[0]['flops'] / 1e9:.1f} useful GFLOP a step, {reached:.1f} GFLOP/s")
    print(f"{reached / peak:.0%} of the sgemm peak, {peak:.1f} GFLOP/s at 1024 x 1024 x 1024")


if __name__ == "__main__":
    main()
