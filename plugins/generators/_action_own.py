"""Requests for the eight tools of the ``action`` domain itself, with the one call that each means."""

from __future__ import annotations

import json
import re
import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from conch_dna.domains.prompts import read_prompts
from conch_dna.records import Message, Tool
from conch_dna.util.files import bundled_dir

from ._action_grammar import read_tools
from ._action_own_data import ANSWERS, FILE_THINGS, OWN, SEARCHES, SUBJECTS, TOPICS, WHENS
from ._action_requests import compose, marked, plain_request, wrapped
from ._action_sums import is_sum, sum_request, written_sum
from ._action_values import Value

if TYPE_CHECKING:
    from ._action_grammar import ToolSpec
    from ._action_values import Draws

_SLOT = re.compile(r"\{(\w+)\}")


class OwnRequest(NamedTuple):
    """Messages, and the tool and arguments of the right call."""

    messages: tuple[Message, ...]
    tool: str
    arguments: dict[str, Any]


@lru_cache
def own_tools() -> tuple[Tool, ...]:
    """Return the tools of the ``action`` domain, as its folder has them."""
    settings = tomllib.loads((bundled_dir("domains") / "action" / "domain.toml").read_text(encoding="utf-8"))
    return tuple(Tool.model_validate(tool) for tool in settings["tools"])


def shuffled_own_tools(draws: Draws) -> tuple[Tool, ...]:
    """Return all of them in a random order."""
    return tuple(draws.random.sample(own_tools(), len(own_tools())))


def own_request(draws: Draws) -> OwnRequest:
    """Return a request for one of the eight tools: mostly of one turn, at times a follow-up."""
    name = draws.random.choice([tool.name for tool in own_tools()])
    if draws.chance(0.14):
        return _follow_up(name, draws)
    text, arguments = _request(name, draws)
    return OwnRequest((_user(text),), name, arguments)


def _request(name: str, draws: Draws) -> tuple[str, dict[str, Any]]:
    if name == "calculator":
        return sum_request(draws)
    if name == "web_search":
        return _search(draws)
    if name == "run_python" and draws.chance(0.4):
        return _code(draws)
    return _from_table(name, draws)


def _user(text: str) -> Message:
    return Message(role="user", content=text)


@lru_cache
def _specs() -> dict[str, ToolSpec]:
    return {spec.key: spec for spec in read_tools("own", OWN)}


def _from_table(name: str, draws: Draws) -> tuple[str, dict[str, Any]]:
    """Return a request from the table: some slots differ from the argument that they mean."""
    spec = _specs()[name]
    filled: dict[str, Value] = {}
    if name == "search_files":
        kind = draws.random.choice(("ext", "word", "stem", "file"))
        filled = {kind: _pattern(kind, draws), "folder": draws.value("folder")}
        said = draws.random.choice(("{}", "{}", "the {} folder", "my {} folder"))
        filled["folder"] = _worded(filled["folder"], said)
        pattern = filled[kind].value
    else:
        filled = {argument.key: draws.value(argument.kind) for argument in spec.arguments}
        filled["thing"] = Value(None, draws.random.choice(FILE_THINGS))
    if name == "set_reminder":
        when = draws.random.choice(WHENS)
        filled["time"] = Value(when.removeprefix("at ").removeprefix("on "), when)
    if name == "send_message":
        filled["to"] = _receiver(draws)
    if name == "write_file" and draws.chance(0.25):
        filled["content"] = draws.value(draws.random.choice(("code", "commit", "sentence", "chore", "id #.#.#")))
    templates = {
        key: tuple(t for t in texts if set(_SLOT.findall(t)) <= filled.keys() and _of_kind(t, filled))
        for key, texts in spec.requests.items()
    }
    body = compose(spec, draws, dict(filled), templates=templates, unsaid=(*filled, "pattern"))
    if body is None:
        raise ValueError(f"no request for {name}")
    arguments = {argument.key: filled[argument.key].value for argument in spec.arguments if argument.key in filled}
    if name == "search_files":
        arguments = {"pattern": pattern, "folder": filled["folder"].value}
    text = wrapped(body, draws)
    if name == "set_reminder":
        text = re.sub(r"\b(?:at|for) (at|in|on|every|tomorrow|tonight|next)\b", r"\1", text)
    return text, arguments


def _of_kind(template: str, filled: dict[str, Value]) -> bool:
    """Return whether a template for files says the pattern that was drawn."""
    return all(key not in filled or f"{{{key}}}" in template for key in ("ext", "word", "stem", "file"))


def _worded(value: Value, form: str) -> Value:
    return Value(value.value, form.format(value.said)) if value.said[0] not in "/~" else value


def _pattern(kind: str, draws: Draws) -> Value:
    """Return a pattern: ``*.ext``, or a word or name as it is said."""
    if kind == "ext":
        ext = draws.pool("ext")
        return Value(f"*.{ext}", draws.random.choice((f".{ext}", f".{ext}", ext.upper(), ext)))
    if kind == "file":
        name = f"{draws.pool('stem')}.{draws.pool('ext')}"
        return Value(name, name)
    if kind == "stem":
        return draws.value("stem")
    word = draws.random.choice(
        (draws.pool("word"), draws.pool("ingredient"), draws.pool("person"), "XXX", "latency", "import os", "FIXME")
    )
    return Value(word, word)


def _receiver(draws: Draws) -> Value:
    """Return somebody to write to."""
    return draws.value(draws.random.choice(("person", "person", "contact", "email", "hashtag", "full")))


def _code(draws: Draws) -> tuple[str, dict[str, Any]]:
    """Return a small job for Python that one line does."""
    word, n, m = draws.pool("word"), draws.random.randint(3, 40), draws.random.randint(2, 9)
    numbers = ", ".join(str(draws.random.randint(1, 60)) for _ in range(draws.random.randint(3, 5)))
    forms = (
        (f"print the word '{word}' backwards", f"print('{word}'[::-1])"),
        (f"count the letters in '{word}'", f"print(len('{word}'))"),
        (f"check whether '{word}' is a palindrome", f"print('{word}' == '{word}'[::-1])"),
        (f"count the vowels in '{word}'", f"print(sum(c in 'aeiou' for c in '{word}'))"),
        (f"sort the list [{numbers}]", f"print(sorted([{numbers}]))"),
        (f"find the largest of [{numbers}]", f"print(max([{numbers}]))"),
        (f"shuffle the list [{numbers}]", f"import random; x = [{numbers}]; random.shuffle(x); print(x)"),
        (f"print the first {n} square numbers", f"print([i * i for i in range(1, {n + 1})])"),
        (f"print the {m} times table", f"print([{m} * i for i in range(1, 11)])"),
        (f"convert {n} to binary", f"print(bin({n}))"),
        (f"convert {n} to hex", f"print(hex({n}))"),
        (f"add up the numbers from 1 to {n}", f"print(sum(range(1, {n + 1})))"),
        (f"count down from {n} to 1", f"print(list(range({n}, 0, -1)))"),
        (f"print all primes under {n}", f"print([i for i in range(2, {n}) if all(i % j for j in range(2, i))])"),
        ("roll two dice", "import random; print(random.randint(1, 6), random.randint(1, 6))"),
        ("print today's date", "import datetime; print(datetime.date.today())"),
        (f"make a random number between 1 and {n}", f"import random; print(random.randint(1, {n}))"),
        (f"write '{word}' in capitals", f"print('{word}'.upper())"),
        (f"print the factorial of {m}", f"import math; print(math.factorial({m}))"),
        (f"print '{word}' {m} times", f"print('{word}' * {m})"),
    )
    said, code = draws.random.choice(forms)
    form = draws.random.choice((
        "use Python to {}", "in Python, {}",
        "with a bit of Python code, {}", "run some Python that can {}", "{} with Python",
        "can you {} in Python?", "let Python {}", "write and run Python to {}", "I'd like Python to {}", "Python: {}",
        "please {} using Python", "fire up Python and {}",
    ))  # fmt: skip
    return plain_request(form.format(marked(said)), draws), {"code": code}


def _search(draws: Draws) -> tuple[str, dict[str, Any]]:
    """Return a search: keywords that the request has as they are."""
    if draws.chance(0.3):
        aspects, pools, link = draws.random.choice(TOPICS)
        subject = draws.value(draws.random.choice(pools.split("|")))
        aspect = draws.random.choice(aspects.split("|"))
        opener = draws.random.choice((
            "what are {}?" if aspect.endswith("s") else "what is {}?", "look up {}", "find {} online", "search for {}",
            "google {}", "check {} on the internet", "I need {}", "can you look up {}?", "what's {} right now?",
        ))  # fmt: skip
        said = opener.replace("{}", f"the {marked(aspect)} {link} {marked(subject.said)}")
        return plain_request(said, draws), {"query": f"{subject.value} {aspect}"}
    query = draws.pool("question") if draws.chance(0.15) else _filled(draws.random.choice(SUBJECTS), draws)
    return plain_request(draws.random.choice(SEARCHES).replace("{}", marked(query)), draws), {"query": query}


def _filled(text: str, draws: Draws) -> str:
    return _SLOT.sub(lambda match: draws.pool(match[1]), text)


def _follow_up(name: str, draws: Draws) -> OwnRequest:
    """Return a second turn: the same tool again with other values, or a message or file from an earlier answer."""
    if name in {"send_message", "write_file"} and draws.chance(0.5):
        return _passed_on(name, draws)
    text, first = _request(name, draws)
    called = json.dumps({"tool": name, "arguments": first}, ensure_ascii=False)
    ask, arguments = _again(name, first, draws)
    return OwnRequest(
        (_user(text), Message(role="assistant", content=called), _user(plain_request(ask, draws))), name, arguments
    )


def _again(name: str, first: dict[str, Any], draws: Draws) -> tuple[str, dict[str, Any]]:
    """Return the words that ask for a second call, and its arguments."""
    if name == "send_message":
        other = _receiver(draws)
        said = draws.random.choice(
            ("send the same to {}", "tell {} too", "and {} as well", "same message to {}, please")
        )
        return said.format(marked(other.said)), {**first, "to": other.value}
    if name == "set_reminder":
        when, chore = draws.random.choice(WHENS), draws.pool("chore")
        said = draws.random.choice(("also to {} {}", "and to {} {}", "one more: {} {}", "and remind me to {} {}"))
        time = when.removeprefix("at ").removeprefix("on ")
        return said.format(marked(chore), marked(when)), {"text": chore, "time": time}
    if name == "search_files" and first["pattern"].startswith("*"):
        other = _pattern("ext", draws)
        said = draws.random.choice(
            ("and {} files in the same folder?", "what about {} files there?", "now {} files there")
        )
        return said.format(marked(other.said)), {**first, "pattern": other.value}
    key = {"read_file": "path", "write_file": "path", "run_python": "code", "search_files": "folder"}.get(name)
    if key is None:
        expression = written_sum(draws)[1] if name == "calculator" else _filled(draws.random.choice(SUBJECTS), draws)
        said = draws.random.choice(("same thing but with {}", "and {}?", "now {}", "what about {}?", "also {}"))
        return said.format(marked(expression)), {next(iter(first)): expression}
    other = draws.value({"path": "path", "code": "code", "folder": "folder"}[key])
    forms = {
        "read_file": ("now {}", "and {}", "open {} as well", "then {}", "{} too, please"),
        "write_file": ("the same to {}", "and save it in {} too", "put that in {} as well"),
        "run_python": ("now run {}", "and {}", "try {} as well", "then {}"),
        "search_files": ("and in {}?", "now look in {}", "what about {}?", "same in {}"),
    }[name]
    return draws.random.choice(forms).format(marked(other.said)), {**first, key: other.value}


def _passed_on(name: str, draws: Draws) -> OwnRequest:
    """Return a turn that sends or saves what an earlier answer said."""
    question, answer = draws.random.choice(ANSWERS)
    slots = {slot: draws.pool(slot) for slot in _SLOT.findall(question + answer)}
    question, answer = question.format(**slots), answer.format(**slots)
    if name == "send_message":
        to = _receiver(draws)
        said = draws.random.choice(
            ("send that to {}", "perfect, send it to {}", "text that to {}", "great, tell {} so")
        )
        ask, arguments = said.format(marked(to.said)), {"to": to.value, "text": answer}
    else:
        path = draws.value("path txt md")
        said = draws.random.choice(
            ("save that in {}", "put it in {} for me", "love it. Write it to {}", "store this as {}")
        )
        ask, arguments = said.format(marked(path.said)), {"path": path.value, "content": answer}
    turns = (_user(question), Message(role="assistant", content=answer), _user(plain_request(ask, draws)))
    return OwnRequest(turns, name, arguments)


def own_fault(request: OwnRequest) -> str:
    """Return why a call of the eight tools is not certain; empty if it is."""
    text = "\n".join(message.content for message in request.messages)
    if _plain(request.messages[-1].content) in _written_prompts():
        return "a prompt that the domain has already"
    if request.tool == "calculator":
        return "" if is_sum(request.arguments["expression"]) else "an expression that cannot be evaluated"
    if request.tool == "run_python":
        try:
            compile(request.arguments["code"], "draft", "exec")
        except SyntaxError:
            return "code that is not Python"
        return ""
    for name, value in request.arguments.items():
        words = value.removeprefix("*.").casefold().split() if name in {"query", "pattern"} else [value]
        if not all(word in (text.casefold() if name in {"query", "pattern"} else text) for word in words):
            return f"a value that nobody says ({name})"
    return ""


@lru_cache
def _written_prompts() -> frozenset[str]:
    """Return the last turns of the domain's own prompts, a part of which is held out."""
    prompts = read_prompts(bundled_dir("domains") / "action" / "prompts.jsonl")
    return frozenset(_plain(prompt.messages[-1].content) for prompt in prompts)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
