"""Check of a whole domain; it lists every fault, beyond the syntax of the files."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from conch_dna.domains.near_duplicates import near_duplicates
from conch_dna.errors import DataError
from conch_dna.records import Completion

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from conch_dna.domains.domain import Domain, DomainSettings
    from conch_dna.records import Plan, Prompt, Reference, Tool


def faults_of(domain: Domain, scorers: Collection[str], processors: Collection[str] = ()) -> list[str]:
    """Return every fault of ``domain``; the list is empty if it has none.

    :param scorers: the names of all scorers.
    :param processors: the names of all processors.
    """
    faults = list(_settings_faults(domain.settings, scorers, processors))
    try:
        prompts = domain.prompts
    except DataError as error:
        return [*faults, str(error)]
    faults += _prompt_faults(domain)
    try:
        _ = domain.rewritten
    except DataError as error:
        faults.append(str(error))
    for first, second, similarity in near_duplicates(prompts):
        ends = " and ".join(f"{prompts[place].messages[-1].content[:60]!r}" for place in (first, second))
        faults.append(f"{domain.prompts_file}: near-duplicates ({similarity:.2f}): {ends}")
    if domain.folder is not None:
        known = {prompt.digest for prompt in prompts}
        extract = domain.settings.extract.digest if domain.settings.extract else None
        for path in sorted(domain.folder.glob("recorded/*.jsonl")):
            faults += _recording_faults(path, known, extract)
    return faults


def _settings_faults(settings: DomainSettings, scorers: Collection[str], processors: Collection[str]) -> Iterator[str]:
    where = f"domain {settings.name}"
    if settings.length.min > settings.length.max:
        yield f"{where}: length.min {settings.length.min} is above length.max {settings.length.max}"
    for kind, used, known in (
        ("scorer", settings.scorers, scorers),
        ("processor", settings.processors, processors),
    ):
        allowed = ", ".join(sorted(known)) or "(none)"
        yield from (f"{where}: no {kind} is named {n!r}; allowed: {allowed}" for n in sorted(set(used) - set(known)))
    if settings.task_type == "tool_call" and not settings.tools:
        yield f"{where}: task_type tool_call needs at least one [[tools]] entry"
    for kind, names in (("tools", [t.name for t in settings.tools]), ("sources", [s.key for s in settings.sources])):
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{where}: [[{kind}]] has {name!r} more than once"
    for tool in settings.tools:
        if fault := _schema_fault(tool.parameters):
            yield f"{where}: the parameters of tool {tool.name!r} are not a JSON schema: {fault}"
    for place, example in enumerate(settings.examples):
        if not example.prompt.strip() or not example.answer.strip():
            yield f"{where}: examples[{place}] has an empty prompt or answer"


def _schema_fault(schema: dict[str, Any]) -> str | None:
    import jsonschema  # slow to import, and most domains have no tools

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return str(error.message)
    return None


def _prompt_faults(domain: Domain) -> Iterator[str]:
    """Yield sources without an entry (if there is a ``domain.toml``) and malformed references."""
    recorded = {source.key for source in domain.settings.sources}
    unrecorded = {prompt.source for prompt in domain.prompts} - recorded if domain.folder is not None else set()
    for key in sorted(unrecorded):
        count = sum(prompt.source == key for prompt in domain.prompts)
        yield f"domain {domain.name}: {count} prompt(s) have the source {key!r}, which has no [[sources]] entry"
    for prompt in domain.prompts:
        for fault in (*_own_tool_faults(prompt), *_reference_faults(prompt.reference, prompt.offered)):
            yield f"{domain.prompts_file}: {_short(prompt)}: {fault}"


def _short(prompt: Prompt) -> str:
    return repr(prompt.messages[-1].content[:60])


def _own_tool_faults(prompt: Prompt) -> Iterator[str]:
    names = [tool.name for tool in prompt.tools]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"tools has {name!r} more than once"
    for tool in prompt.tools:
        if fault := _schema_fault(tool.parameters):
            yield f"the parameters of tool {tool.name!r} are not a JSON schema: {fault}"


def _reference_faults(reference: Reference, offered: Sequence[Tool]) -> Iterator[str]:
    if reference.answer is not None and not reference.answer.strip():
        yield "reference.answer is empty"
    texts = {"contains": reference.contains, "lacks": reference.lacks}
    yield from (
        f"reference.{field} has an empty text" for field, parts in texts.items() if not all(map(str.strip, parts))
    )
    if both := sorted({part.casefold() for part in reference.contains} & {part.casefold() for part in reference.lacks}):
        yield f"reference.contains and reference.lacks both have {', '.join(map(repr, both))}"
    calls = {"tool": [reference.tool] if reference.tool is not None else []}
    calls["calls"] = [call.model_dump() for call in reference.calls or ()]
    for field, called in calls.items():
        yield from (f"reference.{field} {fault}" for call in called if (fault := _tool_fault(call, offered)))
    for test in reference.tests:
        if not _is_assert(test):
            yield f"reference.tests: not an assert statement: {test!r}"
    if reference.plan is not None:
        yield from _plan_faults(reference.plan, reference.contains)


def _plan_faults(plan: Plan, contains: Collection[str]) -> Iterator[str]:
    pairs = [part for pair in plan.order for part in pair]
    wanted = [*contains, *pairs, *(part for part in (plan.first, plan.last) if part)]
    if plan.steps is not None and not 1 <= plan.steps[0] <= plan.steps[1]:
        yield f"reference.plan.steps must be least and most steps, not {plan.steps[0]} and {plan.steps[1]}"
    if not all(part.strip() for part in (*wanted[len(contains) :], *plan.lacks)):
        yield "reference.plan has an empty text"
    if both := sorted({part.casefold() for part in wanted} & {part.casefold() for part in plan.lacks}):
        yield f"reference.plan lacks what the reference demands: {', '.join(both)}"
    if plan.steps is None and not (pairs or plan.first or plan.last or plan.lacks):
        yield "reference.plan demands nothing"


def _tool_fault(tool: dict[str, Any], offered: Sequence[Tool]) -> str | None:
    tools = {tool.name: tool.parameters for tool in offered}
    name, arguments = tool.get("name"), tool.get("arguments", {})
    if tool.keys() - {"name", "arguments"} or not isinstance(arguments, dict):
        return 'must look like {"name": "…", "arguments": {…}}'
    if name not in tools:
        return f"names {name!r}; allowed: {', '.join(sorted(tools)) or '(no tools)'}"
    # A reference may fix only some of the arguments, so missing required ones are no fault.
    if unknown := arguments.keys() - tools[name].get("properties", {}).keys():
        return f"has unknown argument(s) of {name}: {', '.join(sorted(unknown))}"
    return None


def _is_assert(test: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            body = ast.parse(test).body
        except (SyntaxError, ValueError):
            return False
    return bool(body) and isinstance(body[-1], ast.Assert)


def _recording_faults(path: Path, known: Collection[str], extract: str | None) -> Iterator[str]:
    """Yield lines that are not completions, and answers that do not belong to the domain.

    :param extract: digest of the domain's extractor.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        yield f"{path}: cannot be read: {error}"
        return
    strangers = others = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            completion = Completion.model_validate_json(line)
        except ValidationError:
            yield f"{path}: line {number} is not a recorded answer"
            continue
        strangers += completion.prompt not in known
        others += completion.extracted not in {None, extract}
    if strangers:
        yield f"{path}: {strangers} answer(s) to prompts that are not in prompts.jsonl; record again"
    if others:
        yield f"{path}: {others} answer(s) were extracted by another extractor; record again"
