"""``conch cache``: count, check and delete stored answers and soft targets."""

from __future__ import annotations

import json

import click

from conch_dna.errors import ConchError
from conch_dna.models.cache import cache_dir
from conch_dna.models.seals import TRUST


@click.group(
    epilog="Examples:\n\n  conch cache stats\n\n  conch cache verify --json\n\n"
    "  conch cache gc --older-than 30 --dry-run\n\n  conch cache gc --teacher mlx:1a2b3c"
)
def cache() -> None:
    """Count, check and delete the stored answers and soft targets of teachers.

    They are in the platform's cache folder, or in $CONCH_CACHE. A teacher can produce all of them again. The answers of
    a base to held-out prompts are among them, as those of base:DIGEST.
    """


@cache.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stats(as_json: bool) -> None:
    """Show the number of stored answers and soft targets by teacher, and their bytes per token."""
    from conch_dna.teachers import cache_maintenance  # imports NumPy: not for --help

    found = cache_maintenance.stats(cache_dir())
    if as_json:
        rows = [{**one.model_dump(), "bytes_a_token": one.bytes_a_token} for one in found]
        click.echo(json.dumps({"root": str(cache_dir()), "teachers": rows}, indent=2))
        return
    for one in found:
        click.echo(one.teacher)
        if one.completions:
            click.echo(f"  {one.completions} answers, {_size(one.completion_bytes)}")
        if one.targets:
            click.echo(
                f"  soft targets of {one.targets} answers, {one.target_tokens} tokens, {_size(one.target_bytes)}, "
                f"{one.bytes_a_token:.1f} bytes per token"
            )
    click.echo(f"{cache_dir()}: {_size(sum(one.completion_bytes + one.target_bytes for one in found))}")


@cache.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def verify(ctx: click.Context, as_json: bool) -> None:
    """Check every stored answer and target; exit with 1 if one is damaged or lacks the seal of your key.

    Nothing is changed. A run asks the teacher again for damaged entries; conch cache gc deletes them.
    """
    from conch_dna.teachers import cache_maintenance  # imports NumPy: not for --help

    items = list(cache_maintenance.stored(cache_dir()))
    damaged, foreign = [item for item in items if item.fault], sum(item.foreign for item in items)
    if as_json:
        faults = [{"file": str(item.path), "kind": item.kind, "fault": item.fault} for item in damaged]
        click.echo(json.dumps({"files": len(items), "damaged": faults, "foreign": foreign}, indent=2))
    else:
        for item in damaged:
            click.echo(f"{item.path}: {item.fault}")
        click.echo(f"{len(items) - len(damaged)} files are intact, {len(damaged)} damaged")
        if foreign:
            click.echo(f"{foreign} lack the seal of your key and are not used. {TRUST}")
    ctx.exit(ConchError.exit_code if damaged or foreign else 0)


@cache.command()
def trust() -> None:
    """Use the answers and soft targets that another user, machine or version stored in this cache.

    Each file in the cache has a seal, made with the key in your configuration folder, or with $CONCH_CACHE_KEY. Files
    without it are not used, since they teach your neurons. This command seals all that are intact.
    """
    from conch_dna.teachers import cache_maintenance  # imports NumPy: not for --help

    click.echo(f"{cache_maintenance.trust(cache_dir())} files are used from now on")


@cache.command()
@click.option(
    "--older-than", type=click.FloatRange(min=0), metavar="DAYS",
    help="Also delete entries that were neither written nor read for this many days.",
)  # fmt: skip
@click.option("--teacher", metavar="FINGERPRINT", help="Also delete the entries of this teacher; a prefix is enough.")
@click.option("--dry-run", is_flag=True, help="List what would be deleted, and delete nothing.")
def gc(older_than: float | None, teacher: str | None, dry_run: bool) -> None:
    """Delete damaged entries and temporary files of killed processes, and the entries that the options select.

    With both --older-than and --teacher, an entry must match both. The command fails while another process writes to
    the cache. Models are not deleted.
    """
    from conch_dna.teachers import cache_maintenance  # imports NumPy: not for --help

    gone = cache_maintenance.collect(cache_dir(), older_than=older_than, teacher=teacher, dry_run=dry_run)
    for item in gone if dry_run else ():
        click.echo(f"{item.path}  {_size(item.bytes)}  {item.fault}".rstrip())
    done = "would be freed" if dry_run else "freed"
    click.echo(f"{len(gone)} files, {sum(item.bytes for item in gone)} bytes {done}")


def _size(count: float) -> str:
    """Return a number of bytes with the largest unit below it."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
