"""Measure a student trained by a live teacher with another tokenizer, for each way of comparing the two.

The teacher (Qwen2.5-Coder-1.5B in mlx) answers the prompts and scores its answers in its own tokens once; every run
reads them from the cache. Then ``conch distill --mode kd`` runs with each ``--cross-tokenizer``, and ``--mode sft`` on
the same answers. The figures are the gate's, on held-out prompts: bits per byte of the teacher's answers, and the
quality of the student's own answers by the domain's scorers.

    python benchmarks/cross_tokenizer.py [--domain memory] [--prompts 60] [--steps 24] [--seeds 1]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _common import COMMAND, header, parse, parser

WAYS = ("sft", "bytes", "p_kl", "gold", "uld")
QUICK = {"prompts": 32, "steps": 1, "teacher": "mlx:embedded:smollm2-135m", "ways": ["sft"]}


def distilled(folder: Path, way: str, seed: int, options: Any) -> dict[str, Any]:
    """Train one neuron and return its result; a failed gate is a valid result."""
    mode = ["--mode", "sft"] if way == "sft" else ["--mode", "kd", "--cross-tokenizer", way]
    command = [sys.executable, "-c", COMMAND, "distill", "--prompts", "prompts.jsonl", "--name", "cross", "--json"]
    command += ["--run", f"{way}-{seed}", "--teacher", options.teacher, "--student", options.model, *mode]
    command += ["--steps", str(options.steps), "--seed", str(seed), "--held-out", "0.3", "--rank", "8"]
    done = subprocess.run(command, cwd=folder, check=False, stdout=subprocess.PIPE)
    if done.returncode not in {0, 3}:
        raise SystemExit(f"conch distill ended with {done.returncode}")
    (result,) = json.loads(done.stdout)["results"]
    return dict(result)


def main() -> None:
    made = parser(__doc__)
    made.set_defaults(steps=24)
    made.add_argument("--domain", default="memory", help="domain of the prompts; its context is not used")
    made.add_argument("--prompts", type=int, default=60, help="number of prompts, from the first")
    made.add_argument("--teacher", default="mlx:embedded:qwen2.5-coder-1.5b")
    made.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    made.add_argument("--seeds", type=int, default=1)
    options = parse(made, QUICK)
    lines = (Path(__file__).parents[1] / "domains" / options.domain / "prompts.jsonl").read_text().splitlines(True)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "prompts.jsonl").write_text("".join(lines[: options.prompts]))
        found = {w: [distilled(Path(folder), w, seed, options) for seed in range(options.seeds)] for w in options.ways}
    header(options)
    verdicts = {way: [result["verdict"] for result in results] for way, results in found.items()}
    one = verdicts[options.ways[0]][0]
    print(f"{options.prompts} prompts of {options.domain}, {one['prompts']} held out; teacher {options.teacher}\n")
    print(f"{'':<8}{'bits/byte':>16}{'quality':>16}")
    print(f"{'base':<8}{one['base']['bits_per_byte']:>16.3f}{one['base']['quality']:>16.3f}")
    for way, found in verdicts.items():
        cells = [_spread([v["candidate"][figure] for v in found]) for figure in ("bits_per_byte", "quality")]
        print(f"{way:<8}" + "".join(f"{cell:>16}" for cell in cells))


def _spread(values: list[float]) -> str:
    """Write mean ± standard deviation over seeds."""
    text = f"{statistics.mean(values):.3f}"
    return text if len(values) < 2 else f"{text} ± {statistics.stdev(values):.3f}"


if __name__ == "__main__":
    main()
