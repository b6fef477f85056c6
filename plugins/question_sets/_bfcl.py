"""Questions of BFCL: its functions as tools of the prompt, and its lists of allowed values as the grade."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from conch_dna.data.tool_form import read_calls
from conch_dna.evaluation.question_sets import Wheel
from conch_dna.plugin.protocols import Question
from conch_dna.records import FunctionCall, Message, Prompt, Reference, Tool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    # A call: the tool's name, and the allowed values by argument; "" among them marks an optional argument.
    Truth = Mapping[str, Mapping[str, list[Any]]]

WHEEL = Wheel("bfcl-eval==2026.3.23", "3bb6dfa5f0c68ad403c9ec50b00db2bb3b4cc9b38ab1ff33f48fe30d853d3a0a")
KINDS = {"simple_python": "", "multiple": "", "parallel": "parallel"}  # by file
TYPES = {"dict": "object", "float": "number", "tuple": "array"}  # BFCL's types that JSON Schema calls otherwise
KEPT = ("description", "required", "default", "enum", "minimum", "maximum")
_ABSENT = ""


def questions() -> list[Question]:
    """Return all questions, in the order of the files."""
    return [question for name in KINDS for question in _of_file(name)]


def _of_file(name: str) -> list[Question]:
    rows = WHEEL.read(f"bfcl_eval/data/possible_answer/BFCL_v4_{name}.json")
    truths = {row["id"]: row["ground_truth"] for row in rows}
    found = []
    for row in WHEEL.read(f"bfcl_eval/data/BFCL_v4_{name}.json"):
        truth, tools = truths[row["id"]], tuple(map(tool_of, row["function"]))
        prompt = Prompt(
            messages=tuple(Message.model_validate(turn) for turn in row["question"][0]),
            tools=tools, reference=Reference(calls=tuple(_example(one, tools) for one in truth)), source=f"bfcl-{name}",
        )  # fmt: skip
        found.append(Question(prompt, partial(grade, truths=truth, tools=tools), KINDS[name]))
    return found


def tool_of(function: Mapping[str, Any]) -> Tool:
    """Return a function of BFCL as a tool; its name may have dots."""
    return Tool(name=function["name"], description=function["description"], parameters=_schema(function["parameters"]))


def _schema(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON schema in place of BFCL's; ``any`` allows every value."""
    found = {} if given["type"] == "any" else {"type": TYPES.get(given["type"], given["type"])}
    found |= {key: given[key] for key in KEPT if key in given}
    if "properties" in given:
        found["properties"] = {name: _schema(schema) for name, schema in given["properties"].items()}
    if "items" in given:
        found["items"] = _schema(given["items"])
    return found


def _example(truth: Truth, tools: Sequence[Tool]) -> FunctionCall:
    """Return a right call: the first allowed value of each argument that is needed."""
    ((name, allowed),) = truth.items()
    needed = next(tool.parameters.get("required", []) for tool in tools if tool.name == name)
    return FunctionCall(name=name, arguments=_first(allowed, needed))


def _first(value: Any, needed: Sequence[str] = ()) -> Any:
    if isinstance(value, dict):
        chosen = {key: [one for one in values if one != _ABSENT] for key, values in value.items()}
        return {key: _first(ones[0]) for key, ones in chosen.items() if key in needed or _ABSENT not in value[key]}
    return [_first(item) for item in value] if isinstance(value, list) else value


def grade(answer: str, truths: Sequence[Truth], tools: Sequence[Tool]) -> dict[str, float]:
    """Grade an answer: exactly the right calls, in any order, one line of JSON each.

    Strings are compared without case and blanks. This is stricter than BFCL's checker, which ignores punctuation too.

    :returns: ``right``; ``valid JSON``, whether the answer is calls as they are served, and nothing else; ``right
        tool``, whether it calls the right tools, each as often as it should.
    """
    found = read_calls(answer)
    made = found or []
    wanted = [name for truth in truths for name in truth]
    right_tools = sorted(call.name for call in made) == sorted(wanted)
    schemas = {tool.name: tool.parameters for tool in tools}
    left = list(made)
    for truth in truths if right_tools else ():
        # By place, since calls with 2 and 2.0 are equal.
        place = next((i for i, call in enumerate(left) if _is(call, truth, schemas)), None)
        if place is not None:
            del left[place]
    right = right_tools and not left
    return {"right": float(right), "valid JSON": float(found is not None), "right tool": float(right_tools)}


def _is(call: FunctionCall, truth: Truth, schemas: Mapping[str, Mapping[str, Any]]) -> bool:
    ((name, allowed),) = truth.items()
    return call.name == name and _object_is(call.arguments, allowed, schemas[name])


def _object_is(value: Mapping[str, Any], allowed: Mapping[str, list[Any]], schema: Mapping[str, Any]) -> bool:
    """Return whether an object has an allowed value for each of its fields, and no needed field is missing."""
    missing = [key for key in allowed if key not in value]
    if not value.keys() <= allowed.keys() or any(_ABSENT not in allowed[key] for key in missing):
        return False
    if set(missing) & set(schema.get("required", ())):
        return False
    fields = schema.get("properties", {})
    return all(
        any(_same(given, one, fields.get(key, {})) for one in allowed[key] if one != _ABSENT)
        for key, given in value.items()
    )


def _same(value: Any, one: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether a value is the allowed one; in BFCL, an object lists the allowed values of each field."""
    if isinstance(one, dict) and isinstance(value, dict):
        return _object_is(value, one, schema)
    if isinstance(one, list) and isinstance(value, list):
        pairs = zip(value, one, strict=False)
        return len(value) == len(one) and all(_same_item(*pair, schema.get("items", {})) for pair in pairs)
    if isinstance(one, str) and isinstance(value, str):
        return _plain(value) == _plain(one)
    if value != one or isinstance(value, bool) != isinstance(one, bool):
        return False
    # 5.0 is 5 for a number, but no integer.
    return type(value) is type(one) or schema.get("type") == "number"


def _same_item(value: Any, one: Any, schema: Mapping[str, Any]) -> bool:
    """Compare two items of lists: there BFCL takes no 5 for 5.0."""
    return (isinstance(value, float) or not isinstance(one, float)) and _same(value, one, schema)


def _plain(text: str) -> str:
    return "".join(text.casefold().split())
