"""The agent ends with an answer for any replies of its models."""

import contextlib
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_client import Scripted

from conch_dna.agent import ToolFailed
from conch_dna.agent.loop import Agent
from conch_dna.agent.memory import Memory
from conch_dna.agent.model_client import Call, read_call
from conch_dna.agent.roles import ROLES, assign_roles
from conch_dna.agent.tools import Tool, tools_for
from conch_dna.errors import UnknownName

SUM = Call("calculator", {"expression": "24 * 17"})
GOOD = {
    "task": ["1. Multiply 24 by 17.\n2. Say the result."], "action": [SUM],
    "thinking": ["1. 24 x 17 = 408.\nAnswer: 408"], "debug": ["Bug: none"],
    "reflection": ["Flaw: none\nBetter: 408"], "memory": ["- User has 17 crates"],
}  # fmt: skip


def agent_of(folder, *, route="action", max_steps=6, tools=None, **answers):
    client = Scripted(**{name: list(said) for name, said in (GOOD | answers).items()})
    made = tools_for(folder, confined=True) if tools is None else tools
    assignments = assign_roles(client.neurons(), {})
    return Agent(client, assignments, made, Memory(folder / "facts.jsonl"), lambda _: route, max_steps)


def told(outcome):
    return [(step.role, step.result, step.failed) for step in outcome.steps]


def test_a_task_goes_through_all_roles(tmp_path):
    worker = agent_of(tmp_path)
    outcome = worker.run("How many bottles are in 17 crates of 24?")
    assert outcome.answer == "408"
    assert outcome.plan == ("Multiply 24 by 17.", "Say the result.")
    assert [step.role for step in outcome.steps] == ["task", "action", "action", "thinking", "reflection", "memory"]
    assert told(outcome)[1] == ("action", "408", False)
    thought = worker.client.asked[3][1][-1]["content"]
    assert "Multiply 24 by 17. 408" in thought  # what was found is told to who answers
    assert worker.client.planned[0] == "task"
    assert set(worker.client.planned) == set(ROLES)
    json.dumps([vars(step) for step in outcome.steps])


def test_a_step_that_needs_no_tool_is_thought_about(tmp_path):
    outcome = agent_of(tmp_path, route="thinking").run("x")
    assert [step.role for step in outcome.steps] == ["task", "thinking", "thinking", "thinking", "reflection", "memory"]


def test_a_flaw_that_reflection_finds_is_fixed(tmp_path):
    assert (
        agent_of(tmp_path, reflection=["Flaw: It lacks a unit.\nBetter: 408 bottles"]).run("x").answer == "408 bottles"
    )
    assert agent_of(tmp_path, reflection=["Flaw: It is short.\nBetter:"]).run("x").answer == "408"
    assert agent_of(tmp_path, reflection=["looks good"]).run("x").answer == "408"


def test_a_program_that_fails_is_fixed_by_debug(tmp_path):
    tools = tools_for(tmp_path)
    ran = []

    def run(code):
        ran.append(code)
        if "len(xs)]" in code:
            raise ToolFailed("IndexError: list index out of range")
        return "3"

    tools["run_python"] = Tool("run_python", "", {"code": {"type": "string"}}, run)
    worker = agent_of(
        tmp_path, tools=tools, task=["no list"], action=[Call("run_python", {"code": "print(xs[len(xs)])"})],
        debug=["Bug: It reads past the end.\n```python\nprint(xs[-1])\n```"],
    )  # fmt: skip
    outcome = worker.run("Show the last one.")
    assert told(outcome)[1:4] == [
        ("action", "IndexError: list index out of range", True), ("debug", None, False), ("debug", "3", False)
    ]  # fmt: skip
    assert ran == ["print(xs[len(xs)])", "print(xs[-1])\n"]
    assert "IndexError" in worker.client.asked[2][1][-1]["content"]


def test_another_tool_that_fails_is_called_once_more_with_what_debug_says(tmp_path):
    worker = agent_of(tmp_path, task=["-"], action=[Call("calculator", {"expression": "1/0"}), SUM])
    outcome = worker.run("x")
    assert told(outcome)[1:4] == [
        ("action", "division by zero", True),
        ("debug", None, False),
        ("action", "408", False),
    ]
    again = worker.client.asked[3][1]
    assert [turn["role"] for turn in again] == ["user", "assistant", "user"]
    assert "division by zero" in again[-1]["content"]


BROKEN = [
    "", "{", "not a call", Call("rm", {}), Call("calculator", "no json"), Call("calculator", None),
    Call("calculator", {"expression": 3}), Call("calculator", {"expression": "1", "more": 2}), Call("calculator", {}),
    Call("read_file", {"path": "../../etc/passwd"}), Call("run_python", ["x"]), Call("", {}),
]  # fmt: skip


@pytest.mark.parametrize("call", BROKEN, ids=str)
def test_an_invalid_call_does_not_end_the_run(tmp_path, call):
    outcome = agent_of(tmp_path, action=[call]).run("x")
    assert outcome.answer == "408"
    assert all(step.failed for step in outcome.steps if step.role == "action")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(answers=st.fixed_dictionaries({role: st.lists(st.text(max_size=80), min_size=1, max_size=3) for role in ROLES}),
       route=st.sampled_from(["thinking", "base"]), most=st.integers(1, 4))  # fmt: skip
def test_the_run_ends_within_its_steps_for_any_answers(tmp_path, answers, route, most):
    outcome = agent_of(tmp_path, route=route, max_steps=most, **answers).run("a task")
    calls = [step for step in outcome.steps if step.result is not None]
    thoughts = [step for step in outcome.steps if step.role == "thinking"]
    assert len(calls) + len(thoughts) - 1 <= most
    assert isinstance(outcome.answer, str)


@pytest.mark.parametrize("name", ["calculator", "run_python"])
def test_long_texts_are_cut_before_the_next_question(tmp_path, name):
    long = "word " * 20_000
    argument = {"calculator": "expression", "run_python": "code"}[name]
    worker = agent_of(tmp_path, task=["\n".join(f"{n}. {long}" for n in range(1, 50))], max_steps=50,
                      action=[Call(name, {argument: long})], debug=[long], thinking=[long])  # fmt: skip
    worker.run("x")
    assert max(len(turn["content"]) for _, turns, _ in worker.client.asked for turn in turns) < 10_000


def test_text_that_is_not_utf8_is_replaced_before_a_question(tmp_path):
    """JSON escapes in a call and bytes in a file name may be lone surrogates."""
    with contextlib.suppress(OSError):  # not every system has such names
        (tmp_path / os.fsdecode(b"half-\xff.txt")).write_text("half")
    halves = [read_call("search_files", r'{"pattern": "half", "folder": "."}'),
              read_call("calculator", r'{"expression": "\ud800"}'), read_call("\ud800", "\ud800")]  # fmt: skip
    worker = agent_of(tmp_path, action=halves, task=["1. a\n2. b\n3. c"])
    outcome = worker.run("x")
    for text in [json.dumps([vars(step) for step in outcome.steps], ensure_ascii=False), repr(worker.client.asked)]:
        text.encode()
    assert "half-" in told(outcome)[1][1]


def test_a_failed_memory_write_keeps_the_answer(tmp_path, capsys):
    (tmp_path / "facts").write_text("no folder")
    worker = agent_of(tmp_path)
    worker.memory = Memory(tmp_path / "facts/facts.jsonl")
    outcome = worker.run("x")
    assert (outcome.answer, outcome.remembered) == ("408", ())
    captured = capsys.readouterr()
    assert "facts_not_kept" in captured.out + captured.err


def test_facts_are_stored_once_and_recalled_by_shared_words(tmp_path):
    path = tmp_path / "facts.jsonl"
    first = agent_of(tmp_path, memory=["- User has 17 crates\n- User has 17 crates\n- nothing to remember\nchatter"])
    assert first.run("x").remembered == ("User has 17 crates",)
    path.write_text(path.read_text() + '{"fact": "half')  # killed while it wrote
    second = agent_of(tmp_path, memory=["- User likes crates of oak"])
    assert second.run("How many crates?").remembered == ("User likes crates of oak",)
    assert "Known: User has 17 crates" in second.client.asked[1][1][-1]["content"]
    assert Memory(path).facts() == ["User has 17 crates", "User likes crates of oak"]
    assert Memory(path).recall("something else") == []


def test_a_model_without_training_for_a_role_gets_its_system_prompt():
    assignments = assign_roles({"thinking", "mine"}, {"task": "mine@prod"})
    assert assignments["thinking"].instruction is None
    assert assignments["task"].instruction is None
    assert assignments["action"].neuron == "base"
    assert "exactly one tool call" in assignments["action"].turns("x")[0]["content"]
    every = assign_roles({"thinking"}, {"": "gpt", "debug": "base"})
    assert {assignment.neuron for assignment in every.values()} == {"gpt", "base"}
    with pytest.raises(UnknownName, match="no such role; got thinkin"):
        assign_roles(set(), {"thinkin": "base"})
