"""The ``llm`` command line and Python client works with the server."""

import json
import os
import subprocess
import sys
from typing import Literal

import httpx
import jsonschema
import llm
import pytest

from conch_dna.runtime.samplers import sequence_seed

GREEDY = ["-o", "max_tokens", "12"]
SCHEMA = {"type": "object", "properties": {"sunny": {"type": "boolean"}}, "required": ["sunny"],
          "additionalProperties": False}  # fmt: skip


def weather(city: Literal["Oslo", "Rome"]) -> str:
    """Tell the weather."""
    return f"rain in {city}"


@pytest.fixture
def home(server, client, tmp_path, monkeypatch):
    """The folder of ``llm``'s settings, with every model that the server lists, and one that it does not know."""
    names = [*(model.id for model in client.models.list()), "nobody"]
    models = [{"model_id": f"conch/{name}", "model_name": name, "api_base": server.url, "supports_tools": True,
               "supports_schema": True} for name in names]  # fmt: skip
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps(models))  # JSON is YAML
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    monkeypatch.setenv("LLM_LOAD_PLUGINS", "")
    return tmp_path


def run(*args):
    """Run the command with this server only."""
    env = {name: value for name, value in os.environ.items() if "KEY" not in name and "PROXY" not in name.upper()}
    return subprocess.run([sys.executable, "-m", "llm", *args], env=env, capture_output=True, text=True, timeout=100,
                          check=False)  # fmt: skip


def statuses(client, model, text):
    turns = [{"role": "user", "content": text}]
    return client.chat.completions.create(model=model, messages=turns, max_tokens=12).choices[0].message.content


def test_the_command_lists_models_and_gives_their_answers_whole_and_as_they_come(home, client):
    listed = run("models").stdout
    assert all(f"conch/{name}" in listed for name in ("base", "action", "action@prod", "action@2", "thinking"))
    for model, more in (("action", []), ("action@prod", ["--no-stream"])):
        done = run("-m", f"conch/{model}", "hello", *GREEDY, *more)
        assert done.returncode == 0, done.stderr
        assert done.stdout.rstrip("\n") == statuses(client, model, "hello").rstrip("\n")


def test_the_command_reports_an_unknown_model_and_the_valid_ones(home):
    done = run("-m", "conch/nobody", "hello")
    assert done.returncode == 1
    assert "The model 'nobody' does not exist" in done.stderr
    assert "action@prod" in done.stderr


def test_an_answer_comes_as_a_stream_and_counts_tokens(home, client):
    response = llm.get_model("conch/thinking").prompt("hello", max_tokens=12)
    pieces = list(response)
    assert "".join(pieces) == statuses(client, "thinking", "hello")
    assert len(pieces) > 1
    assert response.usage().output == 12


def test_an_answer_is_of_the_schema_that_was_given(home):
    response = llm.get_model("conch/base").prompt("hello", schema=SCHEMA, max_tokens=100, stream=False)
    jsonschema.validate(json.loads(response.text()), SCHEMA)


@pytest.mark.parametrize("stream", [True, False])
def test_a_tool_is_called_and_its_result_goes_back(server, home, stream):
    tool = llm.Tool.function(weather)
    seed = calling(server, tool)
    talk = llm.get_model("conch/base").conversation()
    asked = {"temperature": 2, "max_tokens": 100, "stream": stream}
    (call,) = talk.prompt("hello", tools=[tool], seed=seed, **asked).tool_calls()[:1]
    jsonschema.validate(call.arguments, tool.input_schema)
    response = talk.responses[-1]
    results = response.execute_tool_calls()
    assert results[0].output == f"rain in {call.arguments['city']}"
    last = talk.prompt("", tools=[tool], tool_results=results, seed=1, **asked)
    assert last.text()
    assert last.usage().input > response.usage().input


def calling(server, tool):
    """Return a seed with which a base that knows nothing of tools happens to make a call."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}
    body = {"model": "base", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100, "temperature": 2,
            "n": 16, "tools": [{"type": "function", "function": function}]}  # fmt: skip
    for seed in range(200):
        answer = httpx.post(server.url + "/chat/completions", json={**body, "seed": seed}, timeout=60).json()
        for choice in answer["choices"]:
            if choice["finish_reason"] == "tool_calls":
                place = choice["index"]
                return sequence_seed(seed, place) if place else seed
    raise AssertionError
