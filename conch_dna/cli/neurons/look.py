"""``conch neurons list``, ``show``, ``diff``, ``history``, ``lineage`` and ``verify``, which only read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conch_dna.cli.neurons.tables import as_words, json_option, print_json, print_table
from conch_dna.errors import ConchError, NeuronRefused, RegistryError, UnknownName
from conch_dna.registry import audit
from conch_dna.registry.card import verdict_rows
from conch_dna.registry.lineage import ancestors_of
from conch_dna.registry.tags import has_tag

if TYPE_CHECKING:
    from conch_dna.cli.app import App
    from conch_dna.registry.card import Card
    from conch_dna.registry.store import Registry


@click.command("list")
@click.option("--tag", "wanted", multiple=True, metavar="KEY[=VALUE]", help="Only versions with this tag; repeatable.")
@json_option
@click.pass_obj
def list_(registry: Registry, wanted: tuple[str, ...], as_json: bool) -> None:
    """List every version; damaged ones with their fault."""
    if wanted:
        for name in registry.names():
            registry.tags(name)  # raises for a damaged list of tags, which must not look like an empty one
    rows = [row for name in registry.names() for row in _rows_of(registry, name)]
    rows = [row for row in rows if all(has_tag(row["tags"], one) for one in wanted)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo(f"no version has {' and '.join(wanted)}" if wanted else f"nothing published in {registry.root}")
        return
    shown = ("ref", "aliases", "right", "tags", "base", "created_at", "error")
    print_table(
        ["neuron", "aliases", "right", "tags", "base", "created", "fault"],
        (
            [{**row, "aliases": ", ".join(row["aliases"]), "tags": as_words(row["tags"])}[key] for key in shown]
            for row in rows
        ),
    )


def _rows_of(registry: Registry, name: str) -> list[dict[str, Any]]:
    """Return one row per version; a damaged version or damaged aliases do not hide the others."""
    try:
        versions = registry.versions(name)
        aliases, tags, fault = registry.aliases(name), registry.tags(name), None
    except UnknownName:
        return []  # removed since it was listed
    except RegistryError as error:
        aliases, tags, fault = {}, {}, str(error)
    rows = []
    for version in versions:
        row: dict[str, Any] = {
            "ref": f"{name}@{version}",
            "name": name,
            "version": version,
            "aliases": sorted(alias for alias, at in aliases.items() if at == version),
            "tags": tags.get(version, {}),
            "base": None,
            "digest": None,
            "created_at": None,
            "verified": None,
            "right": None,
            "error": fault,
        }
        try:
            card = registry.resolve(row["ref"]).card
            row |= {
                "base": card.base, "digest": card.digest, "created_at": card.created_at, "verified": card.verified,
                "right": card.right_answers,
            }  # fmt: skip
        except NeuronRefused as error:
            row["error"] = str(error)
        except UnknownName:
            continue  # removed since it was listed
        rows.append(row)
    return rows


@click.command()
@click.argument("ref")
@json_option
@click.pass_context
def show(ctx: click.Context, ref: str, as_json: bool) -> None:
    """Show the card and the tags of REF."""
    registry: Registry = ctx.obj
    entry = registry.resolve(ref)
    missing = _missing_processors(ctx.find_root().obj, entry.card)
    try:
        tags = registry.tags(entry.name).get(entry.version, {})
    except RegistryError:
        tags = None  # unknown, but the card is valid
    where = {"ref": entry.ref, "path": str(entry.path)}
    if as_json:
        card = entry.card.model_dump(mode="json")
        print_json({**where, "tags": tags, "missing_processors": missing, "card": card})
        return
    card = entry.card.model_dump(mode="json", exclude={"config", "metrics", "verdict", "files"})
    facts = {**where, "tags": as_words(tags or {}), "right answers": entry.card.right_answers, **card}
    print_table(["field", "value"], facts.items())
    if entry.card.metrics:
        print_table(["metric", "value"], sorted(entry.card.metrics.items()))
    _print_verdict(entry.card)
    if entry.card.origin:
        signed = "signed" if entry.card.signature else "not signed"
        click.echo(
            f"pulled from {entry.card.origin.url}: what the card says is {signed}, and nothing of it was measured here"
        )
    for name in missing:
        click.echo(f"no plug-in provides the processor {name!r}: here the neuron guesses what it would compute")


def _missing_processors(app: App, card: Card) -> list[str]:
    """Return the processors of a card that no plug-in provides; without any on the card, no plug-in is loaded."""
    return sorted(set(card.processors) - set(app.host.catalog.names("processors"))) if card.processors else []


def _print_verdict(card: Card) -> None:
    if card.verdict is None:
        click.echo("no verdict: published without a gate")
        return
    head, *rows = verdict_rows(card.verdict)
    print_table(head, rows)
    for check in card.verdict.checks:
        click.echo(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.reason}")


@click.command()
@click.argument("a")
@click.argument("b")
@json_option
@click.pass_obj
def diff(registry: Registry, a: str, b: str, as_json: bool) -> None:
    """Show the differences of A and B: provenance, settings, metrics, and the norm of each module's update."""
    rows = audit.diff(registry, a, b)
    if as_json:
        print_json([row.model_dump(mode="json") for row in rows])
    elif rows:
        print_table(["section", "key", a, b], ([row.section, row.key, row.a, row.b] for row in rows))
    else:
        click.echo("no difference")


@click.command()
@click.argument("name")
@json_option
@click.pass_obj
def history(registry: Registry, name: str, as_json: bool) -> None:
    """Show every move of the aliases of NAME, oldest first."""
    moves = [move.model_dump(mode="json", by_alias=True) for move in registry.history(name)]
    if as_json:
        print_json(moves)
        return
    existing = registry.versions(name)
    rows = []
    for move in moves:
        note = None if move["to"] in existing else "removed since"
        rows.append([move["at"], move["alias"], move["from"], move["to"], move["how"], note])
    print_table(["at", "alias", "from", "to", "by", ""], rows)


@click.command()
@click.argument("ref")
@json_option
@click.pass_obj
def lineage(registry: Registry, ref: str, as_json: bool) -> None:
    """Show the lineage of REF: its parents and the adapters that training started from.

    A parent is the version that was current when another was published. Of a version that is not in the registry only
    the digest is known.
    """
    ancestors = ancestors_of(registry, ref)
    if as_json:
        print_json([ancestor.model_dump(mode="json") for ancestor in ancestors])
        return
    rows = [
        [
            ancestor.ref or "not here",
            " and ".join(ancestor.relations) + (f" of {ancestor.of}" if ancestor.of else ""),
            *map(_short, (ancestor.digest, ancestor.base_digest, ancestor.teacher_fingerprint, ancestor.data_digest)),
            ancestor.created_at,
        ]
        for ancestor in ancestors
    ]
    print_table(["neuron", "is", "content", "base", "teacher", "data", "created"], rows)


def _short(digest: str | None) -> str | None:
    """Return the first 12 digits of a digest; the JSON output has the whole digest."""
    head, colon, tail = (digest or "").rpartition(":")
    return f"{head}{colon}{tail[:12]}" or None


@click.command()
@click.argument("ref", required=False)
@click.option("--key", metavar="KEY|FILE", help="Also require a signature by this public key of minisign.")
@json_option
@click.pass_context
def verify(ctx: click.Context, ref: str | None, key: str | None, as_json: bool) -> None:
    """Check the files of REF, or of all versions; exit with 1 if one is damaged, missing or not signed by --key."""
    registry: Registry = ctx.obj
    if key is not None and Path(key).is_file():  # minisign writes a comment above the key
        key = Path(key).read_text(encoding="utf-8").strip().rpartition("\n")[2]
    problems = audit.verify(registry, ref, key)
    if as_json:
        print_json([problem.model_dump(mode="json") for problem in problems])
    elif problems:
        for problem in problems:
            click.echo(f"{problem.ref}: {problem.reason}")
    else:
        click.echo("all sound")
    ctx.exit(ConchError.exit_code if problems else 0)
