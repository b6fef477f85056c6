"""Shared parts of the benchmarks: contenders in separate processes, measured in turns, and a table of ratios.

Each measurement is a process, because the BLAS of mlx and the malloc setting apply to a whole process.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PACKAGES = ("mlx", "mlx-lm", "numpy", "conch-dna")
COMMAND = "from conch_dna.cli.main import main; main()"
QUICK = {"rounds": 1, "steps": 1, "batch": 2, "length": 32, "trained": 8}


@dataclass(frozen=True)
class Contender:
    """One row of a table.

    :param name: as printed.
    :param variant: the variant that the child process measures.
    :param accel: use Conch's BLAS and malloc setting in the process.
    :param compute: ``CONCH_COMPUTE`` of the process; empty for that of this one.
    :param rounds: most processes, for contenders that take minutes; ``None`` takes as many as the others.
    :param command: the command to run instead of the benchmark script with ``--variant``.
    """

    name: str
    variant: str
    accel: bool = True
    compute: str = ""
    rounds: int | None = None
    command: tuple[str, ...] = ()


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that all step benchmarks share."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--model", default="embedded:smollm2-135m", help="model reference")
    made.add_argument("--rounds", type=int, default=3, help="processes per contender, run in turns")
    made.add_argument("--steps", type=int, default=3, help="timed steps per process, after one warm-up step")
    made.add_argument("--batch", type=int, default=4, help="sequences per step")
    made.add_argument("--length", type=int, default=256, help="tokens per sequence")
    made.add_argument("--trained", type=int, default=128, help="trained tokens at the end of each sequence")
    made.add_argument("--quick", action="store_true", help="smoke test: one tiny step each; the figures mean nothing")
    made.add_argument("--variant", help=argparse.SUPPRESS)
    return made


def parse(made: argparse.ArgumentParser, quick: Mapping[str, Any] = QUICK) -> argparse.Namespace:
    """Parse the command line; ``--quick`` overrides sizes and counts."""
    options = made.parse_args()
    if options.quick:
        for name, value in quick.items():
            setattr(options, name, value)
    return options


def forwarded(options: argparse.Namespace, *names: str) -> list[str]:
    """Return command-line words that a child process parses to the same options."""
    words = []
    for name in names:
        words += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    return words


def compete(
    script: str, contenders: Sequence[Contender], words: Sequence[str], rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """Measure each contender ``rounds`` times, in turns, so that load affects all; return their reports."""
    found: dict[str, list[dict[str, Any]]] = {c.name: [] for c in contenders}
    for turn in range(rounds):
        for c in contenders:
            if turn < (rounds if c.rounds is None else c.rounds):
                command = c.command or (sys.executable, script, "--variant", c.variant, *words)
                found[c.name].append(child(command, accel=c.accel, compute=c.compute))
    return {name: reports for name, reports in found.items() if reports}


def child(command: Sequence[str], *, accel: bool = True, compute: str = "") -> dict[str, Any]:
    """Run one measurement and return the JSON object on the last line of its output.

    :raises SystemExit: the process failed; the message holds the end of its stderr.
    """
    environment = {**os.environ, "CONCH_ACCEL": "1" if accel else "0"}
    environment |= {"CONCH_COMPUTE": compute} if compute else {}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)} failed:\n{done.stderr[-4000:]}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def distil_seconds(options: argparse.Namespace, words: Sequence[str], folder: Path, **environment: str) -> float:
    """Run ``conch distill`` in a folder and return its wall time in seconds; a domain may fail its gate.

    :param words: domains and options, beside the model, steps and batch size of the benchmark.
    :raises SystemExit: the command failed; the message holds the end of its output.
    """
    command = [sys.executable, "-c", COMMAND, "distill", *words, "--student", options.model]
    command += ["--steps", str(options.steps), "--batch-size", str(options.batch)]
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, check=False, capture_output=True, text=True
    )
    seconds = time.perf_counter() - started
    if done.returncode not in {0, 3}:  # 3: a domain did not pass its gate
        raise SystemExit(f"conch distill failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return seconds


def timed(step: Callable[[], float], steps: int) -> dict[str, Any]:
    """Run one warm-up step, whose loss is reported, and time ``steps`` more; the mlx peak covers the timed steps."""
    import mlx.core as mx

    loss, seconds = step(), []
    mx.reset_peak_memory()
    for _ in range(steps):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return {"loss": loss, "seconds": seconds, "peak": mx.get_peak_memory(), "rss": peak_rss()}


def peak_rss() -> int:
    """Return the peak resident memory of this process in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def header(options: argparse.Namespace, packages: Sequence[str] = PACKAGES) -> None:
    """Print the command, the machine, the threads and the versions."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    print(f"$ python {shlex.join(sys.argv)}")
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "all")
    print(f"{platform.platform()}, {_processor()}, {os.cpu_count()} cores, BLAS threads: {threads}")
    print(f"Python {platform.python_version()}, {versions}; {options.model}\n")


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def table(found: Mapping[str, Sequence[Mapping[str, Any]]], reference: str, tokens: int) -> None:
    """Print medians of timed steps, their spread, and ratios to ``reference`` (above 1: the reference is better)."""

    def seconds(name: str) -> list[float]:
        return [s for report in found[name] for s in report["seconds"]]

    def memory(name: str, kind: str) -> float:
        return statistics.median(report.get(kind) or 0 for report in found[name])

    base, base_rss = statistics.median(seconds(reference)), memory(reference, "rss")
    base_peak = memory(reference, "peak")
    print(
        f"{'':<28}{'median s':>9}{'min-max':>16}{'tokens/s':>10}{'time x':>8}"
        f"{'RSS GB':>8}{'x':>6}{'mlx GB':>8}{'x':>6}{'loss':>11}"
    )
    for name in found:
        times = seconds(name)
        median, rss, peak = statistics.median(times), memory(name, "rss"), memory(name, "peak")
        spread = f"{min(times):.2f}-{max(times):.2f}"
        mlx = f"{peak / 1e9:>8.2f}{peak / base_peak:>6.2f}" if peak and base_peak else f"{'-':>8}{'-':>6}"
        loss = found[name][0].get("loss")
        print(
            f"{name:<28}{median:>9.2f}{spread:>16}{tokens / median:>10.1f}{median / base:>8.2f}"
            f"{rss / 1e9:>8.2f}{rss / base_rss:>6.2f}{mlx}{f'{loss:.5f}' if loss is not None else '-':>11}"
        )
