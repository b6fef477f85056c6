"""``conch neurons push`` and ``conch neurons pull``: exchange neurons with a folder, a store or a model hub."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import click

from conch_dna.cli.neurons.tables import json_option, print_json, print_table
from conch_dna.registry.remotes import push_pull
from conch_dna.registry.remotes.base import public_url
from conch_dna.util.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conch_dna.registry.remotes.base import Offer
    from conch_dna.registry.remotes.push_pull import PullResult
    from conch_dna.registry.store import Registry

_KEYS = (
    "Each store's library finds its credentials (for S3 the AWS variables and files, for the hub "
    "HF_TOKEN or `hf auth login`); the command line takes none."
)
# click keeps the lines of a paragraph that starts with a backspace.
_PUSH_EXAMPLES = f"""\b
Examples:
  conch neurons push thinking /mnt/share/neurons
  conch neurons push thinking@3 s3://team/neurons --alias prod
  conch neurons push thinking hf://me/thinking-neuron

{_KEYS}"""
_PULL_EXAMPLES = f"""\b
Examples:
  conch neurons pull s3://team/neurons --list
  conch neurons pull s3://team/neurons thinking@prod
  conch neurons pull hf://me/thinking-neuron --alias current

{_KEYS}"""


@click.command(epilog=_PUSH_EXAMPLES)
@click.argument("ref")
@click.argument("destination")
@click.option("--alias", "aliases", multiple=True, help="Also point this alias in DESTINATION at it; repeatable.")
@click.option("--public", is_flag=True, help="Allow a public hub repository; a new one is private without this option.")
@click.option("--dry-run", is_flag=True, help="Print what would be sent, and send nothing.")
@json_option
@click.pass_obj
def push(
    registry: Registry,
    ref: str,
    destination: str,
    aliases: tuple[str, ...],
    public: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send REF to DESTINATION and point the alias current there at it.

    DESTINATION: a folder, a store such as s3://BUCKET/PATH (any fsspec URL), or hf://OWNER/REPO on the Hugging Face
    hub. Files that are there already are not sent again, and a version is visible only once it is complete.
    """
    with _bar() as progress:
        sent = push_pull.push(
            registry, ref, destination, aliases=aliases, public=public, progress=progress, dry_run=dry_run
        )
    if as_json:
        print_json({**vars(sent), "dry_run": dry_run})
        return
    what = ", ".join(sent.files) or "nothing: all files are there"
    click.echo(f"{'would send' if dry_run else 'sent'} {sent.ref} to {sent.url}: {what}")
    if not dry_run:
        at = f"commit {sent.revision[:12]}" if sent.revision else sent.digest[: len("sha256:") + 12]
        name = sent.ref.partition("@")[0]
        click.echo(f"there {', '.join(f'{name}@{alias}' for alias in sent.aliases)} is {at}")


@click.command(epilog=_PULL_EXAMPLES)
@click.argument("source")
@click.argument("ref", metavar="[NAME[@WHICH]]", required=False)
@click.option("--alias", "aliases", multiple=True, help="Point this alias in the registry at it; repeatable.")
@click.option("--list", "only_list", is_flag=True, help="Print the neurons in SOURCE, and fetch nothing.")
@click.option("--dry-run", is_flag=True, help="Print what would be fetched, and fetch nothing.")
@json_option
@click.pass_obj
def pull(
    registry: Registry,
    source: str,
    ref: str | None,
    aliases: tuple[str, ...],
    only_list: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Fetch a neuron from SOURCE and add it as the next version of its name.

    SOURCE: a folder, a store such as s3://BUCKET/PATH (any fsspec URL), or hf://OWNER/REPO on the Hugging Face hub.
    WHICH: an alias in SOURCE (default: current) or 12 digits of a digest; on the hub a tag, branch or commit. NAME may
    be omitted if SOURCE has one neuron. The alias current moves only if NAME has none, or by --alias current.
    """
    if only_list:
        _print_offers(push_pull.offers(source), source, as_json)
        return
    with _bar() as progress:
        pulled = push_pull.pull(registry, source, ref, aliases=aliases, progress=progress, dry_run=dry_run)
    if as_json:
        print_json(_as_row(pulled.offer) | {"ref": pulled.ref, "new": pulled.new, "url": pulled.url})
    else:
        click.echo(_outcome(pulled, dry_run=dry_run))


def _outcome(pulled: PullResult, *, dry_run: bool) -> str:
    there = f"{pulled.offer.ref} of {pulled.url}"
    if not pulled.new:
        return f"{there} is here already: {pulled.ref}"
    if dry_run:
        return f"would fetch {there}, {sum(pulled.offer.sizes[file] for file in pulled.offer.card.files)} bytes"
    return f"{pulled.ref} is {there}"


def _print_offers(offers: list[Offer], source: str, as_json: bool) -> None:
    rows = [_as_row(offer) for offer in offers]
    if as_json:
        print_json(rows)
    elif rows:
        head = ("neuron", "aliases", "digest", "base", "created")
        cells = (
            [row["name"], ", ".join(row["aliases"]), row["digest"][7:19], row["base"], row["created_at"]]
            for row in rows
        )
        print_table(head, cells)
    else:
        click.echo(f"no neurons in {public_url(source)}")


def _as_row(offer: Offer) -> dict[str, Any]:
    card = offer.card
    return {
        "name": card.name,
        "aliases": list(offer.aliases),
        "digest": card.digest,
        "pushed_from": offer.ref,
        "base": card.base,
        "created_at": card.created_at,
    }


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    """Show a progress bar in bytes on stderr if it is a terminal."""
    # Imported here, since --help, --json and --list do not need rich.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as RichProgress

    console = Console(stderr=True)
    drawn = RichProgress(
        TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        console=console, disable=not console.is_terminal, transient=True,
    )  # fmt: skip

    class _Bytes(Progress):
        def stage(self, domain: str, name: str, total: int) -> None:
            drawn.add_task(f"{name} {domain}", total=total)

        def advance(self, units: int = 1, note: str = "") -> None:
            drawn.advance(drawn.task_ids[-1], units)

    with drawn:
        yield _Bytes()
