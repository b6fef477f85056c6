"""The commands of ``conch neurons`` that change the registry: aliases, tags, signatures and deletion."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conch_dna.cli.neurons.tables import as_words, json_option, print_json, print_table
from conch_dna.registry import signatures
from conch_dna.registry.aliases import CURRENT
from conch_dna.registry.store import KEEP_LAST
from conch_dna.registry.tags import check_tag

if TYPE_CHECKING:
    from conch_dna.registry.garbage import GcReport
    from conch_dna.registry.store import Registry

_alias = click.option("--alias", default=CURRENT, show_default=True, help="The alias to move.")


@click.command()
@click.argument("ref")
@_alias
@click.pass_obj
def promote(registry: Registry, ref: str, alias: str) -> None:
    """Point an alias at REF."""
    entry = registry.promote(*registry.locate(ref), alias)
    click.echo(f"{entry.name}@{alias} is {entry.ref}")


@click.command()
@click.argument("name")
@_alias
@click.pass_obj
def rollback(registry: Registry, name: str, alias: str) -> None:
    """Point an alias of NAME back at its previous version; a second rollback goes further back."""
    entry = registry.rollback(name, alias)
    click.echo(f"{entry.name}@{alias} is {entry.ref}")


@click.command(epilog="Example: conch neurons sign action@3 --key ~/.minisign/minisign.key")
@click.argument("ref")
@click.option(
    "--key", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Secret key, as `minisign -G` makes it.",
)  # fmt: skip
@click.pass_obj
def sign(registry: Registry, ref: str, key: Path) -> None:
    """Sign what the card of REF says, before you push it; `conch neurons verify --key` checks it.

    The password of the key is asked for, or read from $CONCH_SIGN_PASSWORD.
    """

    def password() -> str:
        return os.environ.get("CONCH_SIGN_PASSWORD") or str(click.prompt("Password of the key", hide_input=True))

    click.echo(f"{signatures.sign(registry, ref, key, password).ref} is signed")


@click.command()
@click.argument("ref")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def rm(registry: Registry, ref: str, yes: bool) -> None:
    """Delete one version permanently; refused while an alias points at it."""
    name, version = registry.locate(ref)
    if not yes:
        click.confirm(f"Delete {name}@{version} permanently?", abort=True)
    registry.remove(name, version)
    click.echo(f"deleted {name}@{version}")


@click.command()
@click.argument("ref")
@click.argument("tags", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.pass_obj
def tag(registry: Registry, ref: str, tags: tuple[str, ...]) -> None:
    """Set tags of REF; the card does not change."""
    pairs = [given.partition("=") for given in tags]
    for given, (key, equals, value) in zip(tags, pairs, strict=True):
        if not equals:
            raise click.BadParameter(f"{given!r} is not KEY=VALUE", param_hint="KEY=VALUE")
        check_tag(key, value)  # check all before setting any
    name, version = registry.locate(ref)
    all_tags: dict[str, str] = {}
    for key, _, value in pairs:
        all_tags = registry.tag(f"{name}@{version}", key, value)
    click.echo(f"{name}@{version}: {as_words(all_tags)}")


@click.command()
@click.argument("ref")
@click.argument("key")
@click.pass_obj
def untag(registry: Registry, ref: str, key: str) -> None:
    """Remove the tag KEY from REF."""
    name, version = registry.locate(ref)
    remaining = registry.untag(f"{name}@{version}", key)
    click.echo(f"{name}@{version}: {as_words(remaining) or 'no tags'}")


@click.command(
    epilog="Examples:\n\n  conch neurons gc --dry-run\n\n  conch neurons gc action --keep-last 5 --keep-tag prod --yes"
)
@click.argument("name", required=False)
@click.option(
    "--keep-last", type=click.IntRange(min=0), default=KEEP_LAST, show_default=True, metavar="N",
    help="Keep the newest N versions, and the last N that each alias pointed at.",
)  # fmt: skip
@click.option(
    "--keep-tag", "keep_tags", multiple=True, metavar="KEY[=VALUE]", help="Keep versions with this tag; repeatable."
)
@click.option("--keep-days", type=click.FloatRange(min=0), metavar="D", help="Keep versions younger than D days.")
@click.option("--dry-run", is_flag=True, help="Print what would be deleted and why the rest is kept; delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def gc(registry: Registry, /, name: str | None, *, dry_run: bool, yes: bool, as_json: bool, **rules: Any) -> None:
    """Permanently delete old versions of NAME, or of all neurons, and the leftovers of killed processes.

    The version that an alias points at and the one that its next rollback leads to are always kept. A version is
    deleted only if no rule keeps it.
    """
    asks = not (dry_run or yes)
    report = registry.gc(name, **rules, dry_run=dry_run or asks)
    if not as_json:
        _print_plan(report, dry_run)
    if asks:
        if report.removed:
            click.confirm(f"Delete {len(report.removed)} versions permanently?", abort=True, err=True)
        report = registry.gc(name, **rules)
    if as_json:
        print_json(report.model_dump(mode="json"))
        return
    done = "would be freed" if dry_run else "freed"
    click.echo(f"{len(report.removed)} versions and {report.leftovers} leftovers, {report.bytes} bytes {done}")


def _print_plan(report: GcReport, whole: bool) -> None:
    if report.removed:
        print_table(["deleted", "bytes"], ([one.ref, one.bytes] for one in report.removed))
    if whole and report.kept:
        print_table(["kept", "because"], ([one.ref, "; ".join(one.reasons)] for one in report.kept))
