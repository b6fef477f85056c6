"""``conch distill --all`` with the preset quick, against a separate ``mlx_lm.lora`` run on each domain as installed.

Conch is measured whole: targets, training, gate and publishing of every domain, in an empty folder. The peer would
take hours, so the script measures loading, the first step and ``--peer-steps`` more on each domain's recording, and
*extrapolates* its run as load + first + (steps - 1) * step. A step is the median of those after the first, or the first
if there is no other. The peer uses the preset's steps and batch size, and does not evaluate its result; Conch does.

    python benchmarks/distill_all.py [--peer-steps 1] [--domains action --domains debug ...]
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _common import Contender, compete, distil_seconds, forwarded, header, parse, parser

if TYPE_CHECKING:
    import argparse

QUICK = {"peer_steps": 0, "steps": 2, "batch": 1, "length": 2048}


def peer(options: argparse.Namespace) -> dict[str, Any]:
    """Measure loading and a few steps of mlx-lm on one domain's recording."""
    started = time.perf_counter()
    from _training import mlx_lm_steps

    from conch_dna.config import DistillConfig
    from conch_dna.data.tokens import encode_answer
    from conch_dna.domains.domain import load_domain
    from conch_dna.domains.recordings import find_recording
    from conch_dna.models.load import load
    from conch_dna.plugin.manager import load_plugins
    from conch_dna.train.lora import attached

    base = load(options.model)
    domain = load_domain(load_plugins().catalog.get("domains", options.variant))
    answers = find_recording(domain).answers
    with attached(base.model, DistillConfig()):
        loaded = time.perf_counter() - started
        asked = [p for p in domain.prompts if p.digest in answers]
        examples = [encode_answer(base.tokenizer, p, answers[p.digest].text) for p in asked]
        sequences = [(list(e.ids), e.answer_start) for e in examples if len(e.ids) <= options.length]
        report = mlx_lm_steps(base, sequences, options.peer_steps, options.batch)
    return {"load": loaded, "examples": len(sequences), **report}


def ours(options: argparse.Namespace, domains: list[str]) -> float:
    """Run ``conch distill`` in an empty folder and return its wall time in seconds; a domain may fail its gate."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = distil_seconds(options, [*domains, "--preset", "quick"], Path(folder), CONCH_ACCEL="1")
        trained = list(Path(folder).glob("runs/*/*/adapter"))
        if len(trained) != len(domains):
            raise SystemExit(f"conch distill trained {len(trained)} of {len(domains)} domains")
    return seconds


def main() -> None:
    made = parser(__doc__)
    made.set_defaults(steps=40, length=512)
    made.add_argument("--peer-steps", type=int, default=1, help="timed steps of the peer after the first")
    made.add_argument("--domains", action="append", help="measure only this domain; may be repeated")
    options = parse(made, QUICK)
    if options.variant:
        print(json.dumps(peer(options)))
        return
    root = Path(__file__).parents[1] / "domains"
    domains = options.domains or sorted(folder.name for folder in root.iterdir() if folder.is_dir())
    seconds = ours(options, domains)
    words = forwarded(options, "model", "steps", "batch", "length", "peer_steps")
    found = compete(__file__, [Contender(name, name, accel=False) for name in domains], words, 1)
    header(options)
    print(f"{'peer, as installed':<20}{'load s':>9}{'first s':>9}{'step s':>9}{'examples':>10}{'extrapolated s':>16}")
    total = 0.0
    for name, (report,) in found.items():
        step = statistics.median(report["seconds"] or [report["first"]])
        run = report["load"] + report["first"] + (options.steps - 1) * step
        total += run
        figures = "".join(f"{value:>9.1f}" for value in (report["load"], report["first"], step))
        print(f"{name:<20}{figures}{report['examples']:>10}{run:>16.0f}")
    print(f"\n{'conch distill':<40}{seconds:>9.1f} s, measured, gate and publishing included")
    print(f"{f'{len(domains)} runs of mlx_lm.lora, as installed':<40}{total:>9.1f} s, ", end="")
    print(f"extrapolated from {1 + options.peer_steps} step(s) of each")
    print(f"ratio {total / seconds:.1f}")


if __name__ == "__main__":
    main()
