"""``conch distill`` with one process and with several, each time in an empty folder and with an empty cache of answers.

Each domain is trained for ``--steps`` steps and asked as many held-out prompts as ``quick`` asks. Seconds are those of
the whole command.

    python benchmarks/jobs.py [--domains memory --domains reflection ...] [--jobs 1 --jobs 2 ...]
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _common import Contender, compete, distil_seconds, forwarded, header, parse, parser

if TYPE_CHECKING:
    import argparse

QUICK = {"rounds": 1, "steps": 1, "batch": 1}


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Run the command once."""
    from conch_dna.models.cache import cache_dir

    asked = ["--gate-prompts", "2", "--gate-generated", "1"] if options.quick else []
    words = [*options.domains, "--jobs", options.variant, *asked]
    with tempfile.TemporaryDirectory() as folder:
        cache, project = Path(folder) / "cache", Path(folder) / "project"
        project.mkdir()
        cache.mkdir()
        for part in cache_dir().glob("*"):
            if part.name != "completions":
                (cache / part.name).symlink_to(part)
        return {"seconds": distil_seconds(options, words, project, CONCH_CACHE=str(cache))}


def main() -> None:
    made = parser(__doc__)
    made.set_defaults(steps=24)
    made.add_argument("--domains", action="append", help="one of the domains, at least two; may be repeated")
    made.add_argument("--jobs", action="append", type=int, help="a number of processes; may be repeated")
    options = parse(made, QUICK)
    options.domains = options.domains or ["memory", "reflection"]
    if options.variant:
        print(json.dumps(measured(options)))
        return
    words = [*forwarded(options, "model", "steps", "batch"), *(["--quick"] if options.quick else [])]
    words += [word for name in options.domains for word in ("--domains", name)]
    contenders = [Contender(f"{jobs} at once", str(jobs)) for jobs in options.jobs or [1, 2]]
    found = compete(__file__, contenders, words, options.rounds)
    header(options)
    first = None
    print(f"{'domains':<16}{'median s':>10}{'min-max':>18}{'ratio':>8}")
    for name, reports in found.items():
        seconds = [report["seconds"] for report in reports]
        median = statistics.median(seconds)
        first = first or median
        print(f"{name:<16}{median:>10.1f}{f'{min(seconds):.1f}-{max(seconds):.1f}':>18}{first / median:>8.2f}")


if __name__ == "__main__":
    main()
