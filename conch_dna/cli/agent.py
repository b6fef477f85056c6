"""``conch agent``: run the agent on one task and print the steps of each neuron."""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog

from conch_dna.agent.loop import MAX_STEPS, Agent
from conch_dna.agent.memory import Memory
from conch_dna.agent.roles import ROLES, assign_roles
from conch_dna.cli.app import App
from conch_dna.cli.complete import router_names
from conch_dna.errors import ConfigError
from conch_dna.registry.aliases import BASE
from conch_dna.registry.store import Registry
from conch_dna.runtime.routing import DEFAULT, make_routing
from conch_dna.sandbox.programs import can_confine
from conch_dna.util.network import refuse_plain_http
from conch_dna.util.text import is_utf8

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.agent.loop import Outcome, Step
    from conch_dna.agent.model_client import ModelClient

FACTS = Path("runs") / "agent" / "facts.jsonl"
KEY = "CONCH_AGENT_KEY"  # key for --server; OPENAI_API_KEY must not be sent to other servers
# Characters by which a file or a model could control the terminal.
CONTROL = re.compile(r"[^\S \n\t]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
log = structlog.get_logger()


@click.command(epilog='Example: conch agent "How many lines has notes.txt, times 12?" --root ~/notes')
@click.argument("task")
@click.option(
    "--root", default=Path(), show_default="this folder", help="Folder that the tools may read.",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)  # fmt: skip
@click.option("--server", "url", help=f"Ask this server, such as http://127.0.0.1:8000/v1; {KEY} holds its key.")
@click.option(
    "--neuron", "neurons", multiple=True, metavar="[ROLE=]NAME",
    help="Model for a role, or for all roles (base: the base model); may be repeated.  [default: the role's neuron]",
)  # fmt: skip
@click.option("--base", "base_ref", help="Base model; default: the base of the neurons, or the project's student.")
@click.option(
    "--router",
    default=DEFAULT,
    show_default=True,
    help="Router that chooses the steps that need a tool.",
    shell_complete=router_names,
)
@click.option(
    "--max-steps",
    default=MAX_STEPS,
    show_default=True,
    type=click.IntRange(1, 50),
    help="Maximum number of tool calls.",
)
@click.option(
    "--memory", type=click.Path(dir_okay=False, path_type=Path),
    help=f"File of remembered facts.  [default: {FACTS} in the project]",
)  # fmt: skip
@click.option("--unconfined-python", is_flag=True, help="Run Python even if the kernel cannot confine it.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer with all steps as JSON.")
@click.pass_obj
def agent(
    app: App,
    task: str,
    root: Path,
    url: str | None,
    neurons: tuple[str, ...],
    base_ref: str | None,
    router: str,
    max_steps: int,
    memory: Path | None,
    unconfined_python: bool,
    as_json: bool,
) -> None:
    """Work on TASK: plan, act with tools, debug, answer, reflect and remember, with one neuron for each."""
    from conch_dna.agent.tools import tools_for  # imports jsonschema, which costs start-up time

    if not task.strip() or not is_utf8(task):
        raise ConfigError("must be non-empty UTF-8 text", where="TASK", got=repr(task))
    given = _given(neurons)
    routing = make_routing(app.host, app.project, router)
    with contextlib.ExitStack() as stack:
        client = _over_server(url) if url else _in_process(app, base_ref, list(given.values()), stack)
        assignments = assign_roles(client.neurons(), given)
        for role, assignment in assignments.items():
            if not {role, ""} & set(given) and assignment.neuron == BASE:
                log.warning("neuron_missing", role=role, used=BASE)
        worker = Agent(
            client, assignments, tools_for(root, python=_may_run(unconfined_python), confined=not unconfined_python),
            Memory(memory or app.project / FACTS),
            lambda step: routing.choose([{"role": "user", "content": step}], ["action", "thinking"]),
            max_steps, (lambda _: None) if as_json else _show,
        )  # fmt: skip
        _print_outcome(worker.run(task), as_json=as_json)


def _given(neurons: Sequence[str]) -> dict[str, str]:
    """Return models by role from ``ROLE=NAME``; a bare ``NAME`` means all roles that are not named.

    :raises ConfigError: a name is empty, or a role occurs twice.
    """
    given: dict[str, str] = {}
    for text in neurons:
        role, _, name = text.rpartition("=")
        if not name or role in given:
            raise ConfigError("invalid, or the second value for a role", where="--neuron", got=text,
                              allowed="ROLE=NAME once a role, or NAME once")  # fmt: skip
        given[role] = name
    return given


def _may_run(unconfined: bool) -> bool:
    """Return whether programs may run; log the reason if not."""
    if unconfined or (fault := can_confine()) is None:
        return True
    log.warning("python_withheld", reason=fault, next_step="--unconfined-python runs it without confinement")
    return False


def _over_server(url: str) -> ModelClient:
    try:
        from conch_dna.agent.server_client import ServerClient  # the client is an extra, and costs start-up time
    except ImportError as fault:
        raise ConfigError(
            "the client for servers is not installed", got=fault.name, next_step="Run `pip install 'conch-dna[agent]'`."
        ) from fault
    refuse_plain_http(url, "--server")
    return ServerClient(url, os.environ.get(KEY))


def _in_process(app: App, base_ref: str | None, given: list[str], stack: contextlib.ExitStack) -> ModelClient:
    # mlx costs start-up time
    from conch_dna.agent.engine_client import EngineClient
    from conch_dna.runtime.engine import Engine

    registry = Registry(app.registry)
    wanted = [name for name in given if name != BASE] or [role for role in ROLES if role in registry.names()]
    processors = app.host.catalog.all("processors")
    engine = Engine(_base_of(app, registry, base_ref, wanted), registry, batch=1, span_processors=processors)
    stack.callback(engine.close)
    engine.start()
    return EngineClient(engine, registry)


def _show(step: Step) -> None:
    """Print one step."""
    click.echo(f"{step.role} ({step.neuron}, {1000 * step.seconds:.0f} ms, {step.tokens} tokens)")
    click.echo(_indented(step.text))
    if step.call is not None and not step.text:
        click.echo(_indented(json.dumps(step.call, ensure_ascii=False)))
    if step.result is not None:
        click.echo(_indented(step.result, "  ! " if step.failed else "  = "))


def _print_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Print the outcome."""
    if as_json:
        click.echo(json.dumps(asdict(outcome), ensure_ascii=False, indent=2))
        return
    for fact in outcome.remembered:
        click.echo(_indented(fact, "remembered: "))
    click.echo(f"\n{_indented(outcome.answer, '')}")


def _indented(text: str, mark: str = "  ") -> str:
    """Return text with a prefix on each line and without control characters."""
    return "\n".join(mark + line for line in CONTROL.sub("\N{REPLACEMENT CHARACTER}", text).split("\n"))


def _base_of(app: App, registry: Registry, base_ref: str | None, neurons: list[str]) -> str:
    """Return the given base, else the base of the first neuron, else the project's student.

    :raises UnknownName: the registry lacks one of the neurons.
    """
    entries = [registry.resolve(n) for n in neurons if n != BASE]  # reports unknown names before the base is loaded
    if base_ref is not None:
        return base_ref
    return entries[0].card.base if entries else app.loaded_project.config().student
