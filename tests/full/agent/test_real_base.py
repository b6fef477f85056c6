"""The real base, with the neurons of `make distill` if they exist, calls the agent's tools."""

import jsonschema
import pytest
from checkout import ROOT

from conch_dna.agent.engine_client import EngineClient
from conch_dna.agent.roles import assign_roles
from conch_dna.agent.tools import tools_for
from conch_dna.registry.store import Registry
from conch_dna.runtime.engine import Engine


@pytest.mark.real
def test_a_question_becomes_a_call_that_can_be_run(tmp_path):
    registry = Registry(ROOT / "adapters")
    engine = Engine("embedded:smollm2-135m", registry, slots=1, batch=1)
    try:
        client = EngineClient(engine, registry)
        tools = tools_for(tmp_path, python=False)
        assignment = assign_roles(client.neurons(), {})["action"]
        said = client.ask(assignment.neuron, assignment.turns("What is 24 * 17?"), 128, list(tools.values()))
    finally:
        engine.close()
    assert said.call is not None, said.text
    jsonschema.validate(said.call.arguments, tools[said.call.name].schema)
    assert said.tokens > 5
