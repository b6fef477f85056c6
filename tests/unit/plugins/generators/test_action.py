"""The ``action`` generator makes requests with tools of their own, and exactly the right calls."""

import ast
import json
import math
import re
from collections import Counter
from itertools import islice

import pytest
from jsonschema import Draft202012Validator

from conch_dna.data.tool_form import read_calls, signature, written_calls
from conch_dna.domains.domain import load_domain
from conch_dna.domains.generation import NamedGenerator, generate
from conch_dna.domains.prompts import messages_of, read_prompts
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import FunctionCall, Tool
from conch_dna.util.files import bundled_dir

CATALOG = load_plugins().catalog
GENERATOR = CATALOG.get("generators", "action")
VERIFIER = CATALOG.get("verifiers", "calls")
ACTION = load_domain(bundled_dir("domains") / "action")
SPLITS = pytest.mark.parametrize("held_out", [False, True], ids=["training", "held-out"])


def drafts(count=400, seed=0, *, held_out=False):
    return list(islice(GENERATOR(seed, held_out=held_out), count))


@pytest.fixture(scope="module")
def training():
    return drafts(1500)


@pytest.fixture(scope="module")
def held_out():
    return drafts(700, held_out=True)


OWN = {"own tools", "own requests in a row"}
MASKED = re.compile(r"(func|fn|tool)_[a-z0-9]{2}|f(\d)\2_[a-z]")


def of_kind(made, kind):
    found = [draft for draft in made if draft.kind == kind]
    assert found
    return found


@SPLITS
def test_one_seed_gives_the_same_drafts_and_another_seed_others(held_out):
    first, second = drafts(60, 7, held_out=held_out), drafts(60, 7, held_out=held_out)

    assert [(d.prompt.digest, d.answer) for d in first] == [(d.prompt.digest, d.answer) for d in second]
    assert first[0].prompt != drafts(1, 8, held_out=held_out)[0].prompt


@SPLITS
def test_three_hundred_drafts_are_generated_with_few_rejected(held_out):
    made = generate(ACTION, NamedGenerator("action", GENERATOR, VERIFIER), 300, seed=3, held_out=held_out)

    assert made.report.kept == 300
    assert sum(made.report.rejected.values()) <= 6
    assert made.report.distinct_answers > 0.9


def test_training_and_held_out_drafts_share_no_tool_and_no_request(training, held_out):
    def names(made):
        shown = {tool.name for draft in made for tool in draft.prompt.tools}
        return {plain(name) for name in shown if not MASKED.fullmatch(name)}

    def requests(made):
        return {draft.prompt.messages[0].content.casefold() for draft in made}

    assert not names(training) & names(held_out)
    assert not requests(training) & requests(held_out)


def plain(name):
    """Return the words of a tool's name, without its area."""
    name = name.rpartition(".")[2]
    return name if masked(name) else re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()


def masked(name):
    return bool(re.fullmatch(r"(func|fn|tool)_\w\w|f\d\d_\w", name))


def test_the_tables_share_no_name_no_template_and_no_value():
    from conch_plugins.generators._action_prompts import specs
    from conch_plugins.generators._action_values import POOLS, Draws

    training, held_out = specs(held_out=False), specs(held_out=True)

    for part in ("names", "templates"):
        left, right = ({x for spec in table for x in getattr(spec, part)} for table in (training, held_out))
        assert not left & right, part
    draws = [Draws("x", held_out=split) for split in (False, True)]
    for pool in ("city", "person", "stem", "product"):
        seen = [{one.pool(pool) for _ in range(800)} for one in draws]
        assert not seen[0] & seen[1]
        assert seen[0] | seen[1] == set(POOLS[pool])


def test_there_are_many_tools_in_many_fields_and_each_is_asked_for_in_many_ways():
    from conch_plugins.generators._action_prompts import specs

    training, held_out = specs(held_out=False), specs(held_out=True)

    assert len(training) >= 150
    assert len({spec.area for spec in training}) >= 20
    assert len(held_out) >= 40
    for spec in (*training, *held_out):
        ways = sum(len(text.split("|")) for _, text in spec.templates)
        assert len(spec.names) >= 3, spec.key
        assert ways >= 3, spec.key
        assert spec.descriptions
        assert all(argument.descriptions for argument in spec.arguments)
    assert Counter(name for spec in (*training, *held_out) for name in spec.names).most_common(1)[0][1] == 1


def test_tools_look_different_from_prompt_to_prompt(training):
    tools = [tool for draft in training for tool in draft.prompt.tools]
    names = {tool.name for tool in tools}
    properties = [value for tool in tools for value in tool.parameters["properties"].values()]

    assert len({signature(tool) for tool in tools}) > 2500
    assert sum("." in name for name in names) > 50
    assert sum(bool(re.fullmatch(r"[a-z]+[A-Z]\w+", name)) for name in names) > 50
    assert 0.05 < sum(not tool.description for tool in tools) / len(tools) < 0.3
    assert {value.get("type") for value in properties} == {
        "string", "integer", "number", "boolean", "array", "object",
    }  # fmt: skip
    assert any("enum" in value for value in properties)
    assert any("default" in value for value in properties)


@SPLITS
def test_an_answer_calls_the_offered_tools_with_arguments_that_their_schemas_allow(held_out):
    for draft in drafts(held_out=held_out):
        tools = {tool.name: tool for tool in draft.prompt.tools}
        assert len(tools) == len(draft.prompt.tools)
        for call in read_calls(draft.answer) or ():
            schema = tools[call.name].parameters
            Draft202012Validator.check_schema(schema)
            Draft202012Validator({**schema, "additionalProperties": False}).validate(call.arguments)


@SPLITS
def test_an_answer_is_that_of_the_reference(held_out):
    for draft in drafts(held_out=held_out):
        calls = draft.prompt.reference.calls
        assert VERIFIER(draft.prompt, draft.answer, ACTION)["right"] == 1
        if calls:
            assert draft.answer == written_calls(calls)
        else:
            assert draft.kind in {"no tool fits", "requests in a row"}
            assert re.search(r"\b(tool|tools)\b", draft.answer)
            assert "{" not in draft.answer


def test_text_arguments_are_copied_from_the_conversation(training, held_out):
    for draft in (*training, *held_out):
        if draft.kind in OWN or draft.fault:
            continue
        tools = {tool.name: tool for tool in draft.prompt.tools}
        for call in draft.prompt.reference.calls:
            for name, value in call.arguments.items():
                schema = tools[call.name].parameters["properties"][name]
                if isinstance(value, str) and "enum" not in schema and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                    assert value in draft.prompt.text


@pytest.mark.parametrize(
    ("said", "arguments", "fault"),
    [
        ("Weather in Oslo", {"city": "Oslo"}, ""),
        ("Weather in oslo", {"city": "Oslo"}, "a value that nobody says (city)"),
        ("Weather in Oslo", {"town": "Oslo"}, "arguments that the schema forbids"),
        ("Weather in Oslo", {}, "arguments that the schema forbids"),
        ("Weather in Oslo for three days", {"city": "Oslo", "days": 3}, ""),
        ("Weather in Oslo for 4 days", {"city": "Oslo", "days": 3}, "a value that nobody says (days)"),
        ("Weather in Oslo for 3 days", {"city": "Oslo", "days": "3"}, "arguments that the schema forbids"),
        ("Weather in Oslo on 3 May 2025", {"city": "Oslo", "day": "2025-05-03"}, ""),
        ("Weather in Oslo on 4 May 2025", {"city": "Oslo", "day": "2025-05-03"}, "a value that nobody says (day)"),
        ("Oslo at 5%", {"city": "Oslo", "rate": 0.05}, ""),
    ],
)
def test_the_own_check_finds_a_call_that_the_request_does_not_give(said, arguments, fault):
    from conch_plugins.generators._action_check import fault_of

    kinds = {"city": "string", "days": "integer", "day": "string", "rate": "number"}
    properties = {name: {"type": kind} for name, kind in kinds.items()}
    tool = Tool(name="w", parameters={"type": "object", "properties": properties, "required": ["city"]})

    assert fault_of(said, [tool], [FunctionCall(name="w", arguments=arguments)]) == fault


def test_the_own_check_finds_tools_that_are_missing_or_double():
    from conch_plugins.generators._action_check import fault_of

    tool, call = Tool(name="w"), FunctionCall(name="v")

    assert fault_of("", [tool], [call]) == "a tool that is not offered"
    assert fault_of("", [tool, tool], []) == "two tools have one name"


def test_masked_names_leave_the_choice_to_descriptions(training):
    for draft in of_kind(training, "masked"):
        tools = draft.prompt.tools
        hidden = all(masked(tool.name) for tool in tools)
        assert hidden or not any(masked(tool.name) for tool in tools)
        assert hidden or any(re.match(r"arg_|p\d|param_|x\d", name) for name in tools[0].parameters["properties"])
        if hidden:
            assert all(tool.description for tool in tools)


def test_several_calls_stand_on_lines_of_their_own(training):
    for draft in of_kind(training, "several calls"):
        calls = draft.prompt.reference.calls
        assert 2 <= len(calls) <= 3
        assert len({json.dumps(call.model_dump()) for call in calls}) == len(calls)
        assert len(draft.answer.splitlines()) == len(calls)


def test_without_a_tool_that_fits_the_answer_names_what_is_missing(training):
    from conch_plugins.generators._action_prompts import specs

    abilities = {spec.ability: spec for spec in specs(held_out=False)}
    missing = [
        (draft, abilities[ability])
        for draft in of_kind(training, "no tool fits")
        for ability in abilities
        if draft.answer.rstrip(".").endswith(f" {ability}")
    ]

    assert len(missing) > 50
    for draft, spec in missing:
        assert not {plain(tool.name) for tool in draft.prompt.tools} & set(spec.names)


def test_later_turns_are_in_an_order_that_prompts_allow(training):
    later = of_kind(training, "a later turn")

    for draft in later:
        turns = [message.model_dump() for message in draft.prompt.messages]
        assert messages_of(turns) == draft.prompt.messages
        assert len(turns) >= 3
    assert {draft.prompt.messages[-1].role for draft in later} == {"user", "tool"}


def test_a_quarter_of_training_asks_for_the_eight_tools_of_the_domain(training):
    own = [draft for draft in training if draft.kind in OWN]
    called = Counter(call.name for draft in own for call in draft.prompt.reference.calls)

    assert 0.2 < len(own) / len(training) < 0.28
    assert len(called) == 8
    assert min(called.values()) > 15


def test_held_out_drafts_never_show_the_tools_of_the_domain(held_out):
    assert not OWN & {draft.kind for draft in held_out}


def test_every_request_in_a_row_has_its_answer(training):
    rows = [draft for draft in training if draft.kind.endswith("in a row")]
    answers = [
        (draft, text) for draft in rows for text in (*(m.content for m in draft.prompt.messages[1::2]), draft.answer)
    ]
    refused = [text for _, text in answers if not read_calls(text)]

    assert {len(draft.prompt.messages) for draft in rows} >= {3, 5, 7, 9, 11}
    for draft, text in answers:
        tools = {tool.name for tool in draft.prompt.tools}
        assert all(call.name in tools for call in read_calls(text) or ())
    assert 0.02 < len(refused) / len(answers) < 0.15
    assert all(re.search(r"tool|can|able", text) for text in refused)


def test_a_row_calls_some_tools_more_than_once_with_other_values(training):
    rows = [draft for draft in training if draft.kind == "requests in a row"]
    called = [
        [call.model_dump_json() for m in draft.prompt.messages[1::2] for call in read_calls(m.content) or ()]
        for draft in rows
    ]
    names = [[json.loads(call)["name"] for call in calls] for calls in called]

    assert sum(len(set(some)) < len(some) for some in names) > len(rows) / 2
    assert sum(len(set(some)) == len(some) for some in called) > len(rows) * 0.9


def test_expressions_can_be_evaluated_and_code_compiles(training):
    for draft in of_kind(training, "own tools"):
        [call] = draft.prompt.reference.calls
        if call.name == "calculator":
            tree = ast.parse(call.arguments["expression"], mode="eval")
            assert math.isfinite(eval(compile(tree, "sum", "eval"), {"sqrt": math.sqrt}))  # noqa: S307 - own arithmetic
        if call.name == "run_python":
            compile(call.arguments["code"], "draft", "exec")


def test_no_request_is_one_of_the_domains_own_prompts(training):
    def words(text):
        return " ".join(re.findall(r"\w+", text.casefold()))

    written = {words(p.messages[-1].content) for p in read_prompts(bundled_dir("domains") / "action" / "prompts.jsonl")}

    assert not [d for d in training if not d.fault and words(d.prompt.messages[-1].content) in written]


@SPLITS
def test_prompts_are_short_and_their_wording_varies(held_out):
    made = drafts(600, held_out=held_out)
    lengths = sorted(sum(len(signature(tool)) for tool in d.prompt.tools) + len(d.prompt.text) for d in made)

    assert lengths[len(lengths) // 2] < 1000
    assert lengths[-1] < 2500
    openings = Counter(" ".join(draft.prompt.messages[0].content.casefold().split()[:2]) for draft in made)
    assert len(openings) > 150
    assert openings.most_common(1)[0][1] < 0.12 * len(made)
