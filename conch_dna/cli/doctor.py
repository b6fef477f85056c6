"""``conch doctor``: report what this machine and installation can do, and find problems."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from typing import Any

import click

from conch_dna.errors import ModelError
from conch_dna.models import accel
from conch_dna.models.backend import command_to_replace, has_driver, installed_backends, version_of
from conch_dna.models.cache import bytes_under, cache_dir
from conch_dna.sandbox.programs import can_confine

# Training on the CPU below this speed deserves a warning; the reference BLAS reaches 5 to 10.
SLOW_GFLOPS = 20.0
_ADVICE = "install its CPU backend: pip install 'mlx[cpu]'"


@click.command(epilog="\b\nExamples:\n  conch doctor\n  conch doctor --json")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check this machine and installation: MLX backend, speed, compiler, memory, cache and plug-ins.

    Exits with 1 if it finds a problem that makes a command slow or stops it.
    """
    facts = _facts(ctx.obj)
    problems, notes = _problems(facts), _notes(facts)
    if as_json:
        click.echo(json.dumps({**facts, "problems": problems, "notes": notes}, indent=2))
    else:
        _show(facts, problems, notes)
    ctx.exit(1 if problems else 0)


def _facts(app: object) -> dict[str, Any]:
    """Return everything that is reported."""
    import psutil  # slow to import: not for --help

    memory = psutil.virtual_memory()
    return {
        **_mlx(),
        "backends": [asdict(backend) for backend in installed_backends()],
        "nvidia_driver": has_driver(),
        "compiler": shutil.which("g++"),
        "compile_disabled": bool(os.environ.get("MLX_DISABLE_COMPILE")),
        "sandbox": {"confines": (fault := can_confine()) is None, "reason": fault},
        "memory": {"total": memory.total, "available": memory.available},
        "cache": {"folder": str(cache_dir()), "bytes": bytes_under(cache_dir())},
        "versions": {name: version_of(name) for name in ("conch-dna", "mlx", "mlx-lm")},
        "plugins": _plugins(app),
    }


def _mlx() -> dict[str, Any]:
    """Return mlx's device and speed, or the fault that keeps it from being loaded."""
    try:
        report = accel.switch_on()
        import mlx.core as mx  # after switch_on: an optimised BLAS has an effect only if it is loaded before mlx
    except (ModelError, ImportError) as error:
        fault = str(error) if isinstance(error, ModelError) else f"mlx cannot be imported: {error}; {_ADVICE}"
        return {"device": None, "gflops": None, "accel": None, "mlx_fault": fault}
    gpu = mx.metal.is_available() or mx.cuda.is_available()
    if not gpu:
        mx.set_default_device(mx.cpu)
    return {
        "device": ("metal" if mx.metal.is_available() else "cuda") if gpu else "cpu",
        "gflops": round(accel.measure_gflops(), 1),
        "accel": asdict(report),
        "mlx_fault": None,
    }


def _plugins(app: object) -> list[dict[str, str | None]]:
    """Return each plug-in's name, source and fault."""
    loaded = getattr(getattr(app, "host", None), "plugins", ())
    return [
        {"name": info.name, "source": info.source, "error": str(info.error) if info.error else None} for info in loaded
    ]


def _problems(facts: dict[str, Any]) -> list[str]:
    """Return the problems, each with its fix."""
    found = [f"plug-in {info['name']} failed to load: {info['error']}" for info in facts["plugins"] if info["error"]]
    found += [facts["mlx_fault"]] if facts["mlx_fault"] else []
    mlx = facts["versions"]["mlx"]
    for backend in facts["backends"]:
        name, version = backend["distribution"], backend["version"]
        if version != mlx:
            found.append(f"{name} {version} does not fit mlx {mlx}: run: pip install {name}=={mlx}")
    if facts["device"] == "cpu":
        if facts["gflops"] < SLOW_GFLOPS:
            found.append(f"matmuls are slow ({facts['gflops']} GFLOP/s): {facts['accel']['reason']}")
        if facts["compiler"] is None and not facts["compile_disabled"]:
            found.append("mlx compiles its kernels with g++, which is missing: install it or set MLX_DISABLE_COMPILE=1")
    return found


def _notes(facts: dict[str, Any]) -> list[str]:
    """Return hints that do not change the exit code."""
    found = []
    if facts["nvidia_driver"] and [backend["device"] for backend in facts["backends"]] == ["cpu"]:
        found.append(f"this machine has an NVIDIA driver; to use CUDA, run: {command_to_replace('mlx-cpu', 'cuda12')}")
    if not facts["sandbox"]["confines"]:
        found.append("generated code is not tested here, and the agent runs no programs: that needs Linux 6.2 or newer")
    return found


def _compute(device: str | None, report: dict[str, Any] | None) -> str:
    """Return in which numbers frozen weights are multiplied; on a CPU also by which instructions, or why in float32."""
    if report is None or device is None:
        return "none"
    if device != "cpu":
        return "frozen weights as the model stores them"
    return f"{report['compute']} for frozen weights: {report['unit'] or report['compute_reason']}"


def _show(facts: dict[str, Any], problems: list[str], notes: list[str]) -> None:
    """Print the facts, one a line, then notes and problems."""
    memory, cache = facts["memory"], facts["cache"]
    broken = sum(1 for info in facts["plugins"] if info["error"])
    backends = ", ".join(f"{one['device']} ({one['distribution']} {one['version']})" for one in facts["backends"])
    lines = {
        "backend": backends or ("part of the mlx distribution" if facts["device"] else "none"),
        "device": f"{facts['device']}, {facts['gflops']} GFLOP/s in float32" if facts["device"] else "none",
        "accel": facts["accel"]["reason"] if facts["accel"] else "none",
        "compute": _compute(facts["device"], facts["accel"]),
        "compiler": facts["compiler"] or "none",
        "sandbox": "confines programs" if facts["sandbox"]["confines"] else facts["sandbox"]["reason"],
        "memory": f"{memory['available'] / 1e9:.1f} of {memory['total'] / 1e9:.1f} GB available",
        "cache": f"{cache['folder']} ({cache['bytes'] / 1e9:.2f} GB)",
        "versions": ", ".join(f"{name} {version or 'missing'}" for name, version in facts["versions"].items()),
        "plug-ins": f"{len(facts['plugins']) - broken} loaded, {broken} failed",
    }
    for name, text in lines.items():
        click.echo(f"{name:<9} {text}")
    for note in notes:
        click.echo(f"NOTE      {note}")
    for problem in problems:
        click.echo(f"PROBLEM   {problem}")
