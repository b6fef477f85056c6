"""Written and generated examples are mixed in the domain's shares."""

import random
from collections import Counter

from projects import write_domain

from conch_dna.config import DistillConfig
from conch_dna.data.tool_form import written_calls
from conch_dna.domains.domain import load_domain
from conch_dna.pipeline.mixture import Answered, Mix, mixture, shares, varied
from conch_dna.plugin.protocols import Draft
from conch_dna.records import FunctionCall, Message, Prompt, Tool

TOOLS = tuple(Tool(name=name) for name in "abcdef")
CALL = written_calls([FunctionCall(name="c")])


def prompt_of(text, tools=()):
    return Prompt(messages=(Message(role="user", content=text),), default_tools=tools)


def test_shares_add_up():
    assert shares(96, 0.7) == (29, 67)
    assert shares(10, 0.0) == (10, 0)
    assert shares(10, 1.0) == (0, 10)


def test_written_examples_repeat_evenly_and_every_draft_occurs_once():
    written = [Answered(prompt_of(text), text) for text in "xyz"]
    drafts = [Draft(prompt_of(f"g{n}"), f"g{n}", "kind") for n in range(5)]
    found = mixture(written, drafts, 8, seed=1)
    counts = Counter(text for _, text in found)
    assert sorted(counts[text] for text in "xyz") == [2, 3, 3]
    assert all(counts[draft.answer] == 1 for draft in drafts)
    assert found == mixture(written, drafts, 8, seed=1) != mixture(written, drafts, 8, seed=2)


def test_the_called_tool_stays_among_others_in_any_order():
    made = [varied(prompt_of("x", TOOLS), CALL, random.Random(seed)).offered for seed in range(60)]
    assert all("c" in {tool.name for tool in tools} for tools in made)
    assert len({len(tools) for tools in made}) > 3
    assert {tools[0].name for tools in made} == set("abcdef")


def test_an_answer_without_a_call_keeps_all_tools():
    assert len(varied(prompt_of("x", TOOLS), "No tool fits.", random.Random(0)).offered) == 6


def test_a_prompt_without_tools_stays_as_it_is():
    prompt = prompt_of("x")
    assert varied(prompt, "y", random.Random(0)) is prompt


def test_a_long_training_goes_over_the_examples_again(tmp_path, tiny_model, monkeypatch):
    monkeypatch.setattr("conch_dna.pipeline.mixture.MOST", 12)
    domain = load_domain(write_domain(tmp_path / "alpha"))
    written = [Answered(prompt, "at noon") for prompt in domain.prompts]
    mix = Mix(written, None, domain, tiny_model.tokenizer, DistillConfig(max_length=4096))
    assert [len(mix.examples(steps)) for steps in (2, 3, 100)] == [8, 12, 12]
