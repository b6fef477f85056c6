"""``conch doctor``: what this machine and installation can do, and what is amiss."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from importlib import metadata
from typing import Any

import click

# Below this, training on the CPU is slow enough to be worth a warning; the reference BLAS gives 5 to 10.
SLOW_GFLOPS = 20.0


@click.command(epilog="\b\nExamples:\n  conch doctor\n  conch doctor --json")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check this machine and installation: device, speed, compiler, memory, cache and plug-ins.

    Exits with 1 if something is amiss that a command would stumble over.
    """
    facts = _facts(ctx.obj)
    problems = _problems(facts)
    if as_json:
        click.echo(json.dumps({**facts, "problems": problems}, indent=2))
    else:
        _show(facts, problems)
    ctx.exit(1 if problems else 0)


def _facts(app: object) -> dict[str, Any]:
    """Return everything that is reported."""
    # The order matters: an optimised BLAS counts only if it is there before mlx.
    from conch_dna.models import accel

    report = accel.switch_on()
    import mlx.core as mx
    import psutil

    from conch_dna.models.cache import bytes_under, cache_dir

    gpu = mx.metal.is_available() or mx.cuda.is_available()
    if not gpu:
        mx.set_default_device(mx.cpu)
    memory = psutil.virtual_memory()
    return {
        "device": ("metal" if mx.metal.is_available() else "cuda") if gpu else "cpu",
        "gflops": round(accel.measure_gflops(), 1),
        "accel": asdict(report),
        "compiler": shutil.which("g++"),
        "compile_disabled": bool(os.environ.get("MLX_DISABLE_COMPILE")),
        "memory": {"total": memory.total, "available": memory.available},
        "cache": {"folder": str(cache_dir()), "bytes": bytes_under(cache_dir())},
        "versions": {name: _version(name) for name in ("conch-dna", "mlx", "mlx-lm")},
        "plugins": _plugins(app),
    }


def _plugins(app: object) -> list[dict[str, str | None]]:
    """Return each plug-in's name, source and fault."""
    loaded = getattr(getattr(app, "host", None), "plugins", ())
    return [
        {"name": info.name, "source": info.source, "error": str(info.error) if info.error else None} for info in loaded
    ]


def _problems(facts: dict[str, Any]) -> list[str]:
    """Return what is amiss, each with its remedy."""
    found = [f"plug-in {info['name']} failed to load: {info['error']}" for info in facts["plugins"] if info["error"]]
    if facts["device"] == "cpu":
        if facts["gflops"] < SLOW_GFLOPS:
            found.append(f"matmuls are slow ({facts['gflops']} GFLOP/s): {facts['accel']['reason']}")
        if facts["compiler"] is None and not facts["compile_disabled"]:
            found.append(
                "mlx compiles its kernels with g++, and there is none: install it or set MLX_DISABLE_COMPILE=1"
            )
    return found


def _show(facts: dict[str, Any], problems: list[str]) -> None:
    """Print the facts, one a line, then what is amiss."""
    memory, cache = facts["memory"], facts["cache"]
    broken = sum(1 for info in facts["plugins"] if info["error"])
    lines = {
        "device": f"{facts['device']}, {facts['gflops']} GFLOP/s in float32",
        "accel": facts["accel"]["reason"],
        "compiler": facts["compiler"] or "none",
        "memory": f"{memory['available'] / 1e9:.1f} of {memory['total'] / 1e9:.1f} GB available",
        "cache": f"{cache['folder']} ({cache['bytes'] / 1e9:.2f} GB)",
        "versions": ", ".join(f"{name} {version or 'missing'}" for name, version in facts["versions"].items()),
        "plug-ins": f"{len(facts['plugins']) - broken} loaded, {broken} failed",
    }
    for name, text in lines.items():
        click.echo(f"{name:<9} {text}")
    for problem in problems:
        click.echo(f"PROBLEM   {problem}")


def _version(name: str) -> str | None:
    """Return the installed version of a distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
