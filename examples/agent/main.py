"""An agent with one neuron per role, assembled from the parts of ``conch_dna.agent``.

- ``python examples/agent/main.py "A crate holds 24 bottles. How many are in 17 crates?"``
- ``python examples/agent/main.py "When is the boiler service?" --server http://127.0.0.1:8000/v1``
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from conch_dna.agent.loop import Agent, Step
from conch_dna.agent.memory import Memory
from conch_dna.agent.model_client import ModelClient
from conch_dna.agent.roles import assign_roles
from conch_dna.agent.tools import Tool, tools_for
from conch_dna.sandbox.programs import can_confine


def today() -> str:
    """Return the date: a custom tool is a function that returns a text or raises ToolFailed."""
    return dt.datetime.now(tz=dt.UTC).strftime("%A, %d %B %Y")


def run(task: str, client: ModelClient, root: Path) -> str:
    """Run the agent on a task and print its steps."""
    tools = tools_for(root, python=can_confine() is None)
    tools["today"] = Tool("today", "Tell the date", {}, today)
    worker = Agent(
        client,
        assign_roles(client.neurons(), {}),  # each neuron takes the role of its name; the base takes the others
        tools,
        Memory(Path("facts.jsonl")),
        # Decides which steps of a plan need no tool; conch_dna.runtime.routing.make_routing returns a trained router.
        lambda step: "thinking" if "think" in step.lower() else "action",
        on_step=show,
    )
    return worker.run(task).answer


def show(step: Step) -> None:
    """Print one step."""
    print(f"{step.role} ({step.neuron}, {1000 * step.seconds:.0f} ms): {step.text}")
    if step.result is not None:
        print(f"  {'failed: ' if step.failed else '= '}{step.result}")


def main() -> None:
    """Read the command line and run the agent over a server, or over neurons in this process."""
    parser = argparse.ArgumentParser(description="An agent of neurons.")
    parser.add_argument("task")
    parser.add_argument("--root", type=Path, default=Path(), help="folder that the tools may read")
    parser.add_argument("--server", help="ask this server instead of loading a base")
    parser.add_argument("--base", default="embedded:smollm2-135m")
    parser.add_argument("--registry", type=Path, default=Path("adapters"))
    given = parser.parse_args()
    if given.server:
        from conch_dna.agent.server_client import ServerClient

        print(run(given.task, ServerClient(given.server), given.root))
        return
    from conch_dna import Engine
    from conch_dna.agent.engine_client import EngineClient
    from conch_dna.registry.store import Registry

    registry = Registry(given.registry)
    engine = Engine(given.base, registry)
    engine.start()
    try:
        print(run(given.task, EngineClient(engine, registry), given.root))
    finally:
        engine.close()


if __name__ == "__main__":
    main()
