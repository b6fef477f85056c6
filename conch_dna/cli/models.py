"""``conch models``: list the embedded models, fetch a model, and show its properties."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from conch_dna.errors import ModelError
from conch_dna.models import embedded, refs

if TYPE_CHECKING:
    from pathlib import Path

_REF = "REF is one of: org/name on the hub, a model folder, a .gguf file, or embedded:NAME."
# click does not rewrap a paragraph that begins with \b.
_EXAMPLES = "\b\nExamples:\n  conch models {0} embedded:smollm2-135m\n  conch models {0} ./model.gguf\n\n" + _REF


@click.group()
def models() -> None:
    """List and resolve model references."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_(as_json: bool) -> None:
    """List the embedded models, which need no model hub, and their state."""
    rows: list[dict[str, Any]] = [
        {
            "ref": embedded.PREFIX + model.name,
            "summary": model.summary,
            "licence": model.licence,
            "bytes": model.size,
            "sha256": model.sha256,
            "fetched": embedded.is_cached(model),
        }
        for model in embedded.MODELS.values()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(len(row["ref"]) for row in rows)
    for row in rows:
        state = "fetched" if row["fetched"] else "not fetched"
        click.echo(f"{row['ref']:<{width}}  {_size(int(row['bytes'])):>7}  {state:<11}  {row['licence']}")
        click.echo(f"{'':<{width}}  {row['summary']}")


@models.command(epilog=_EXAMPLES.format("pull"))
@click.argument("ref")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def pull(ref: str, as_json: bool) -> None:
    """Fetch REF, convert it if needed, and print its local folder."""
    folder, digest = _resolved(ref)
    click.echo(json.dumps({"ref": ref, "folder": str(folder), "digest": digest}) if as_json else str(folder))


@models.command(epilog=_EXAMPLES.format("show"))
@click.argument("ref")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def show(ref: str, as_json: bool) -> None:
    """Show folder, digest, shape and tokens of REF; fetch it first if needed."""
    folder, digest = _resolved(ref)
    facts = {"ref": ref, "folder": str(folder), "digest": digest, **_facts(folder)}
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        shown = _size(value) if name == "weights_bytes" else value
        click.echo(f"{name.replace('_', ' '):<{width}}  {shown}")


def _resolved(ref: str) -> tuple[Path, str]:
    """Resolve ``ref`` under a progress bar; return its folder and digest."""
    # rich takes 0.1 s: not for --help.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    # The bar goes to stderr: scripts read the result from stdout.
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(ref, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, description="converting" if done >= total else ref)

        folder = refs.resolve(ref, report)
        return folder, refs.digest(folder)


def _facts(folder: Path) -> dict[str, Any]:
    """Return properties from the files of a model folder, without loading the weights."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"not valid JSON ({error})", where=folder / "config.json") from error
    # Multimodal models have the language model's figures in text_config.
    figures = {**config, **config.get("text_config", {})}
    names = {
        "layers": "num_hidden_layers",
        "width": "hidden_size",
        "heads": "num_attention_heads",
        "key_value_heads": "num_key_value_heads",
        "vocabulary": "vocab_size",
        "context": "max_position_embeddings",
        "end_tokens": "eos_token_id",
    }
    return {
        "architecture": config.get("model_type"),
        **{name: figures.get(key) for name, key in names.items()},
        "quantised": bool(config.get("quantization")),
        "weights_bytes": sum(file.stat().st_size for file in folder.glob("model*.safetensors")),
    }


def _size(count: int) -> str:
    """Return a size in decimal megabytes or gigabytes."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
