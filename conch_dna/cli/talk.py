"""``conch ask``, ``chat`` and ``compare``: ask the neurons of one base model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from conch_dna.cli.app import App
from conch_dna.cli.complete import router_names
from conch_dna.errors import ConchError, ConfigError
from conch_dna.records import Sampling
from conch_dna.registry.aliases import BASE
from conch_dna.registry.store import Registry
from conch_dna.runtime.routing import AUTO, DEFAULT, make_routing

if TYPE_CHECKING:
    from collections.abc import Callable

    from conch_dna.runtime.neurons import NeuronRuntime


def _with_sampling(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--base", "base_ref", help="Base model; default: the base of the neuron, or the project's student."
        ),
        click.option("--max-tokens", default=96, show_default=True, type=click.IntRange(1, 32_768)),
        click.option("--temperature", default=0.0, show_default=True, type=click.FloatRange(0, 5), help="0 is greedy."),
        click.option("--seed", default=0, show_default=True, type=click.IntRange(0)),
    ):
        function = option(function)
    return function


def _sampling(max_tokens: int, temperature: float, seed: int) -> Sampling:
    return Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed)


def base_of(app: App, registry: Registry, base_ref: str | None, neurons: list[str]) -> str:
    """Return the given base, else the base of the first neuron, else the project's student.

    :raises UnknownName: the registry lacks one of the neurons.
    """
    entries = [registry.resolve(n) for n in neurons if n != BASE]  # reports unknown names before the base is loaded
    if base_ref is not None:
        return base_ref
    if entries:
        return entries[0].card.base
    return app.loaded_project.config().student


def _runtime(app: App, base_ref: str | None, neurons: list[str]) -> NeuronRuntime:
    """Return a runtime over the base of the neurons."""
    from conch_dna.runtime.neurons import NeuronRuntime  # imports mlx, which costs start-up time

    registry = Registry(app.registry)
    base = base_of(app, registry, base_ref, neurons)
    return NeuronRuntime(base, registry, span_processors=app.host.catalog.all("processors"))


def _chosen(app: App, prompt: str, router: str) -> str:
    """Return the neuron that a router chooses, and print its name to stderr."""
    names = Registry(app.registry).names()
    neuron = make_routing(app.host, app.project, router).choose([{"role": "user", "content": prompt}], names)
    click.echo(f"{AUTO}: {neuron}", err=True)
    return neuron


@click.command(epilog='Example: conch ask thinking "A train leaves at 9:40 and rides 85 minutes. When does it arrive?"')
@click.argument("neuron")
@click.argument("prompt")
@click.option(
    "--router",
    default=DEFAULT,
    show_default=True,
    help="Router that chooses if NEURON is auto.",
    shell_complete=router_names,
)
@_with_sampling
@click.pass_obj
def ask(
    app: App,
    neuron: str,
    prompt: str,
    router: str,
    base_ref: str | None,
    max_tokens: int,
    temperature: float,
    seed: int,
) -> None:
    """Answer PROMPT with NEURON: a name, name@version, name@alias, base, or auto (chosen by a router)."""
    if neuron == AUTO:
        neuron = _chosen(app, prompt, router)
    runtime = _runtime(app, base_ref, [neuron])
    for piece in runtime.stream(prompt, neuron, _sampling(max_tokens, temperature, seed)):
        click.echo(piece, nl=False)
    click.echo()


@click.command(epilog="Example: conch chat --neuron action   (then /use thinking, /base, /quit)")
@click.option("--neuron", default=BASE, show_default=True)
@_with_sampling
@click.pass_obj
def chat(app: App, neuron: str, base_ref: str | None, max_tokens: int, temperature: float, seed: int) -> None:
    """Chat with a neuron; /use NEURON switches, /base deactivates it, /new starts a new chat, /quit ends it."""
    runtime = _runtime(app, base_ref, [neuron])
    runtime.use(neuron)
    turns: list[dict[str, str]] = []
    while True:
        try:
            text = click.prompt(neuron, prompt_suffix="> ", type=str).strip()
        except click.Abort:
            click.echo()
            return
        word, _, rest = text.partition(" ")
        if word == "/quit":
            return
        if word == "/new":
            turns = []
        elif word in {"/use", "/base"}:
            wanted = rest.strip() if word == "/use" else BASE
            try:
                runtime.use(wanted)
                neuron = wanted
            except ConchError as error:
                click.echo(f"error: {error}", err=True)
        else:
            turns.append({"role": "user", "content": text})
            answer = ""
            for piece in runtime.stream(turns, sampling=_sampling(max_tokens, temperature, seed)):
                click.echo(piece, nl=False)
                answer += piece
            click.echo()
            turns.append({"role": "assistant", "content": answer or "…"})


@click.command(epilog='Example: conch compare "Plan a picnic for six" --neurons task,base')
@click.argument("prompt")
@click.option("--neurons", default=BASE, show_default=True, help="Names, separated by commas.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_with_sampling
@click.pass_obj
def compare(
    app: App,
    prompt: str,
    neurons: str,
    as_json: bool,
    base_ref: str | None,
    max_tokens: int,
    temperature: float,
    seed: int,
) -> None:
    """Answer PROMPT with several neurons, side by side."""
    names = list(dict.fromkeys(n.strip() for n in neurons.split(",") if n.strip()))
    if not names:
        raise ConfigError("names no neuron", where="--neurons", got=repr(neurons))
    runtime = _runtime(app, base_ref, names)
    answers = {n: runtime.generate(prompt, n, _sampling(max_tokens, temperature, seed)) for n in names}
    if as_json:
        click.echo(json.dumps({"prompt": prompt, "answers": answers}, ensure_ascii=False, indent=2))
        return
    # rich costs start-up time
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(prompt))
    for name in names:
        table.add_column(name, ratio=1)
    table.add_row(*(Text(answers[n]) for n in names))
    Console().print(table)
