"""Written and generated examples are mixed in the domain's shares."""

import random
from collections import Counter
from functools import partial

import pytest
from counting import OWNER
from projects import write_domain

from conch_dna.config import DistillConfig
from conch_dna.data.tokens import Example, encode_answer
from conch_dna.data.tool_form import written_calls
from conch_dna.domains.domain import Generation, load_domain
from conch_dna.domains.generation import generator_of
from conch_dna.domains.rewritten import Rewritten, rewritten_line
from conch_dna.errors import PluginError
from conch_dna.pipeline.mixture import Answered, Mix, varied, written_rows
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import Draft
from conch_dna.records import FunctionCall, Message, Prompt, Tool

TOOLS = tuple(Tool(name=name) for name in "abcdef")
CALL = written_calls([FunctionCall(name="c")])


@pytest.fixture
def host():
    return load_plugins(strict=True, block=[])


def prompt_of(text, tools=()):
    return Prompt(messages=(Message(role="user", content=text),), default_tools=tools)


def rows_of(written, count, most=None, seed=1):
    return written_rows(written, count, most, random.Random(seed))


def test_written_examples_repeat_evenly():
    written = [Answered(prompt_of(text), text) for text in "xyz"]
    found = rows_of(written, 8)
    counts = Counter(text for _, text in found)
    assert sorted(counts[text] for text in "xyz") == [2, 3, 3]
    assert found == rows_of(written, 8) != rows_of(written, 8, seed=2)


def test_each_request_of_a_row_counts_as_one_example():
    written = [Answered(prompt_of(name, TOOLS), CALL) for name in "uvwxyz"]
    found = rows_of(written, 100, most=4 * len(written))
    asked = Counter(turn.content for prompt, _ in found for turn in prompt.messages if turn.role == "user")
    assert asked == dict.fromkeys("uvwxyz", 4)
    assert len(found) < 24


def test_the_called_tool_stays_among_others_in_any_order():
    example = Answered(prompt_of("x", TOOLS), CALL)
    made = [varied(example, [CALL], random.Random(seed)).prompt.offered for seed in range(60)]
    assert all("c" in {tool.name for tool in tools} for tools in made)
    assert len({len(tools) for tools in made}) > 3
    assert {tools[0].name for tools in made} == set("abcdef")


def test_an_answer_without_a_call_keeps_all_tools():
    none = "No tool fits."
    assert len(varied(Answered(prompt_of("x", TOOLS), none), [none], random.Random(0)).prompt.offered) == 6


def test_an_example_without_tools_stays_as_it_is():
    example = Answered(prompt_of("x"), "y")
    assert varied(example, ["y"], random.Random(0)) is example


def test_requests_for_the_domains_tools_are_joined_each_with_its_answer():
    calls = {name: written_calls([FunctionCall(name=name)]) for name in "abcdef"}
    written = [Answered(prompt_of(name, TOOLS), text) for name, text in calls.items()]
    found = rows_of(written, 40)
    assert {len(prompt.messages) for prompt, _ in found} == {1, 3, 5, 7, 9}
    for prompt, text in found:
        *turns, last = [message.content for message in prompt.messages]
        said = [*zip(turns[::2], turns[1::2], strict=True), (last, text)]
        assert all(calls[request] == answer for request, answer in said)
        assert {request for request, _ in said} <= {tool.name for tool in prompt.offered}


def test_prompts_with_tools_of_their_own_or_several_turns_are_not_joined():
    own = prompt_of("x", TOOLS).model_copy(update={"tools": TOOLS[:2]})
    assert {len(prompt.messages) for prompt, _ in rows_of([Answered(own, CALL)], 10)} == {1}


def test_a_rewritten_prompt_that_is_measured_is_not_trained_on_and_others_have_the_domains_tools(tmp_path, host):
    folder = write_domain(tmp_path / "alpha")
    lines = (Rewritten(prompt_of(text), "rewritten", "") for text in ("Measured  it", "another"))
    (folder / "rewritten.jsonl").write_text("".join(map(rewritten_line, lines)))
    domain = load_domain(folder)
    generation = Generation(generator="none", share=0.0, rewritten=1.0)
    domain.settings = domain.settings.model_copy(update={"generate": generation, "tools": TOOLS})
    asked = []

    def encode(prompt, text):
        asked.append((prompt.text, [tool.name for tool in prompt.offered]))
        return Example(ids=(1, 2), trained=(False, True), answer_start=1, answer_bytes=1)

    Mix(host, (), None, domain, encode, ("measured it",), DistillConfig()).examples(1)
    assert asked == [("another", list("abcdef"))] * 4


def test_a_long_training_goes_over_the_examples_again(tmp_path, host, tiny_model, monkeypatch):
    monkeypatch.setattr("conch_dna.pipeline.mixture.MOST", 12)
    domain = load_domain(write_domain(tmp_path / "alpha"))
    written = [Answered(prompt, "at noon") for prompt in domain.prompts]
    encode = partial(encode_answer, tiny_model.tokenizer)
    mix = Mix(host, written, None, domain, encode, (), DistillConfig(max_length=4096))
    assert [len(mix.examples(steps)) for steps in (2, 3, 100)] == [8, 12, 12]


def test_a_generator_that_fails_in_training_is_named_with_its_file(tmp_path, host):
    def broken(_seed, *, held_out=False):
        raise ValueError("no names left")
        yield

    host.catalog.add("generators", "broken", broken, OWNER)
    domain = load_domain(write_domain(tmp_path / "alpha"))
    domain.settings = domain.settings.model_copy(update={"generate": Generation(generator="broken")})
    mix = Mix(host, (), generator_of(host.catalog, domain), domain, encode_answer, (), DistillConfig())
    with pytest.raises(PluginError, match=r"local\.py: plug-in 'local' failed.*no names left"):
        mix.examples(1)


@pytest.mark.parametrize(
    ("share", "rewritten", "own", "known", "counts"),
    [
        (0.7, 0.0, 12, 0, {"written": 30, "generated": 70}),
        (0.5, 0.2, 12, 40, {"written": 30, "generated": 50, "rewritten": 20}),
        (0.5, 0.2, 12, 4, {"written": 30, "generated": 54, "rewritten": 16}),  # none more than four times
        (0.5, 0.2, 12, 0, {"written": 30, "generated": 70}),
        (0.5, 0.2, 5, 4, {"written": 20, "generated": 64, "rewritten": 16}),
        (0.6, 0.4, 12, 40, {"generated": 60, "rewritten": 40}),
        (0.0, 0.0, 12, 0, {"written": 48, "generated": 52}),
    ],
)
def test_examples_are_mixed_in_the_domains_shares(tmp_path, host, share, rewritten, own, known, counts):
    def endless(_seed, *, held_out=False):
        yield from (Draft(prompt_of(f"g{n}"), "generated", "kind") for n in range(1000))

    host.catalog.add("generators", "endless", endless, OWNER)
    folder = write_domain(tmp_path / "alpha")
    lines = (Rewritten(prompt_of(f"r{n}"), "rewritten", "") for n in range(known))
    (folder / "rewritten.jsonl").write_text("".join(map(rewritten_line, lines)))
    domain = load_domain(folder)
    generation = Generation(generator="endless", share=share, rewritten=rewritten)
    domain.settings = domain.settings.model_copy(update={"generate": generation})
    written = [Answered(prompt_of(f"w{n}"), "written") for n in range(own)]
    asked = []

    def encode(prompt, text):
        asked.append((prompt, text))
        return Example(ids=(1, 2), trained=(False, True), answer_start=1, answer_bytes=1)

    Mix(host, written, generator_of(host.catalog, domain), domain, encode, (), DistillConfig()).examples(25)
    assert Counter(text for _, text in asked) == counts
    assert max(Counter(p.messages[0].content for p, text in asked if text != "generated").values()) <= 4
