"""``conch ask``, ``chat`` and ``compare``: ask the neurons of one base model."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conch_dna.cli.app import App
from conch_dna.cli.complete import router_names
from conch_dna.domains.prompts import tools_of
from conch_dna.errors import ConchError, ConfigError, DataError
from conch_dna.pipeline.adapters import find_adapter
from conch_dna.pipeline.selection import known_domains
from conch_dna.records import Sampling, Tool
from conch_dna.registry.aliases import BASE
from conch_dna.registry.store import Registry
from conch_dna.runtime.routing import AUTO, DEFAULT, make_routing
from conch_dna.util.text import strict_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conch_dna.runtime.neurons import NeuronRuntime


@dataclass(frozen=True)
class Asked:
    """The options that the commands share: sampling, and the form that holds the answer.

    :param system: text of the system turn; empty for none.
    :param tools: tools that the answer may call; ``None`` for those of the neuron.
    :param schema: JSON schema of the answer.
    """

    base_ref: str | None
    sampling: Sampling
    system: str
    tools: tuple[Tool, ...] | None
    schema: dict[str, Any] | None

    def turns(self, prompt: str) -> list[dict[str, str]]:
        """Return the chat that opens with ``prompt``."""
        return [*self.opening, {"role": "user", "content": prompt}]

    @property
    def opening(self) -> list[dict[str, str]]:
        """The system turn, if there is one."""
        return [{"role": "system", "content": self.system}] if self.system else []

    def stream(self, runtime: NeuronRuntime, turns: list[dict[str, str]], neuron: str) -> Iterator[str]:
        """Yield the pieces of an answer."""
        return runtime.stream(turns, neuron, self.sampling, tools=self.tools, schema=self.schema)


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _asks(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of :class:`Asked`, and pass it as ``asked``."""

    @functools.wraps(function)
    def called(
        *args: Any,
        base_ref: str | None,
        max_tokens: int,
        temperature: float,
        seed: int,
        system: str,
        tools: Path | None,
        schema: Path | None,
        **kwargs: Any,
    ) -> Any:
        if tools is not None and schema is not None:
            raise ConfigError("an answer cannot have both tools and a schema", where="--tools and --schema")
        sampling = Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed)
        read = None if tools is None else _tools_in(tools)
        return function(
            *args,
            asked=Asked(base_ref, sampling, system, read, None if schema is None else _schema_in(schema)),
            **kwargs,
        )

    for option in (
        click.option("--schema", type=FILE, help="JSON schema that the answer matches."),
        click.option(
            "--tools",
            type=FILE,
            help="JSON list of tools that the answer may call, as for OpenAI; default: the neuron's.",
        ),
        click.option("--system", default="", help="Text of the system turn."),
        click.option(
            "--base", "base_ref", help="Base model; default: the base of the neuron, or the project's student."
        ),
        click.option("--max-tokens", default=96, show_default=True, type=click.IntRange(1, 32_768)),
        click.option("--temperature", default=0.0, show_default=True, type=click.FloatRange(0, 5), help="0 is greedy."),
        click.option("--seed", default=0, show_default=True, type=click.IntRange(0)),
    ):
        called = option(called)
    return called


def _tools_in(path: Path) -> tuple[Tool, ...]:
    """Return the tools in a file.

    :raises DataError: the file is not a list of tools with different names.
    """
    listed = _json_in(path)
    if not isinstance(listed, list):
        raise DataError("is not a JSON list of tools", where=path, got=type(listed).__name__)
    tools = tools_of(listed)
    if isinstance(tools, str):
        raise DataError(f"faulty tools: {tools}", where=path)
    return tools


def _schema_in(path: Path) -> dict[str, Any]:
    """Return the JSON schema in a file.

    :raises DataError: the file is not a JSON object.
    """
    schema = _json_in(path)
    if not isinstance(schema, dict):
        raise DataError("is not a JSON schema", where=path, got=type(schema).__name__)
    return schema


def _json_in(path: Path) -> Any:
    try:
        return strict_json(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError("cannot be read", where=path, got=error.strerror) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not JSON: {error}", where=path) from error


def _runtime(app: App, base_ref: str | None, neurons: list[str]) -> NeuronRuntime:
    """Return a runtime over the given base, else the base of the first neuron, else the project's student.

    :raises UnknownName: one of the neurons does not exist; before the base is loaded.
    """
    from conch_dna.runtime.neurons import NeuronRuntime  # imports mlx, which costs start-up time

    registry = Registry(app.registry)
    refs = [find_adapter(app.project, registry, neuron) for neuron in neurons]
    base = base_ref or next((ref.base for ref in refs if ref.base), "") or app.loaded_project.config().student
    runtime = NeuronRuntime(base, registry, span_processors=app.host.catalog.all("processors"))
    outside = [ref.domain for ref in refs if ref.folder is not None]
    domains = known_domains(app.loaded_project, outside) if outside else {}
    for ref in refs:
        ref.enter(runtime, domains)
    return runtime


def _chosen(app: App, prompt: str, router: str) -> str:
    """Return the neuron that a router chooses, and print its name to stderr."""
    names = Registry(app.registry).names()
    neuron = make_routing(app.host, app.project, router).choose([{"role": "user", "content": prompt}], names)
    click.echo(f"{AUTO}: {neuron}", err=True)
    return neuron


@click.command(epilog='Example: conch ask thinking "A train leaves at 9:40 and rides 85 minutes. When is it there?"')
@click.argument("neuron")
@click.argument("prompt")
@click.option(
    "--router",
    default=DEFAULT,
    show_default=True,
    help="Router that chooses if NEURON is auto.",
    shell_complete=router_names,
)
@_asks
@click.pass_obj
def ask(app: App, neuron: str, prompt: str, router: str, asked: Asked) -> None:
    """Answer PROMPT with NEURON: a name, name@version, name@alias, base, or auto (chosen by a router).

    A folder with an adapter works too, and so do RUN/DOMAIN and RUN/DOMAIN/checkpoints/STEP for those of a run.
    """
    if neuron == AUTO:
        neuron = _chosen(app, prompt, router)
    runtime = _runtime(app, asked.base_ref, [neuron])
    for piece in asked.stream(runtime, asked.turns(prompt), neuron):
        click.echo(piece, nl=False)
    click.echo()


@click.command(epilog="Example: conch chat --neuron action   (then /use thinking, /base, /quit)")
@click.option("--neuron", default=BASE, show_default=True)
@_asks
@click.pass_obj
def chat(app: App, neuron: str, asked: Asked) -> None:
    """Chat with a neuron; /use NEURON switches, /base deactivates it, /new starts a new chat, /quit ends it."""
    runtime = _runtime(app, asked.base_ref, [neuron])
    runtime.use(neuron)
    turns = asked.opening
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
            turns = asked.opening
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
            for piece in asked.stream(runtime, turns, neuron):
                click.echo(piece, nl=False)
                answer += piece
            click.echo()
            turns.append({"role": "assistant", "content": answer or "…"})


@click.command(epilog='Example: conch compare "Plan a picnic for six" --neurons task,base')
@click.argument("prompt")
@click.option("--neurons", default=BASE, show_default=True, help="Names or folders, separated by commas.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_asks
@click.pass_obj
def compare(app: App, prompt: str, neurons: str, as_json: bool, asked: Asked) -> None:
    """Answer PROMPT with several neurons, side by side."""
    names = list(dict.fromkeys(n.strip() for n in neurons.split(",") if n.strip()))
    if not names:
        raise ConfigError("names no neuron", where="--neurons", got=repr(neurons))
    runtime = _runtime(app, asked.base_ref, names)
    answers = {name: "".join(asked.stream(runtime, asked.turns(prompt), name)) for name in names}
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
