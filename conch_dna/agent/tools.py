"""The agent's tools; their names and arguments are those of the ``action`` domain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jsonschema

from conch_dna.agent import ToolFailed, calculator, files
from conch_dna.sandbox import ProgramFailed
from conch_dna.sandbox.programs import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Tool:
    """A tool.

    :param arguments: the JSON schema of each argument; all are required.
    :param act: called with the arguments by name; returns the result or raises :class:`ToolFailed`.
    """

    name: str
    description: str
    arguments: dict[str, dict[str, Any]]
    act: Callable[..., str]

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of all arguments."""
        return {
            "type": "object",
            "properties": self.arguments,
            "required": list(self.arguments),
            "additionalProperties": False,
        }

    @property
    def definition(self) -> dict[str, Any]:
        """The tool in OpenAI's format."""
        about = {"name": self.name, "description": self.description, "parameters": self.schema}
        return {"type": "function", "function": about}

    def run(self, arguments: object) -> str:
        """Validate the arguments, which not every server constrains, and run the tool.

        :raises ToolFailed: the arguments are wrong or the tool failed; the message is for the model.
        """
        try:
            jsonschema.validate(arguments, self.schema)
        except jsonschema.ValidationError as fault:
            raise ToolFailed(f"wrong arguments: {fault.message[:200]}") from fault
        return self.act(**arguments)  # type: ignore[arg-type]  # the schema requires an object


def tools_for(root: Path, *, python: bool = True, confined: bool = True) -> dict[str, Tool]:
    """Return the agent's tools by name.

    :param root: the folder that the tools may read.
    :param python: whether programs may run.
    :param confined: whether the kernel confines programs (no other files, no network).
    """
    root = root.resolve()
    short, path = {"type": "string", "minLength": 1, "maxLength": 200}, {"type": "string", "maxLength": 200}
    tools = [
        Tool("calculator", "Calculate", {"expression": short | {"description": "arithmetic"}}, calculator.calculate),
        Tool(
            "search_files", "Find files",
            {"pattern": short | {"description": "*.ext or word"}, "folder": path | {"description": "folder"}},
            partial(files.search_files, root),
        ),
        Tool("read_file", "Show a file", {"path": path | {"description": "file"}}, partial(files.read_file, root)),
    ]  # fmt: skip
    if python:
        code = {"type": "string", "minLength": 1, "maxLength": 4000, "description": "code; print what you want to know"}
        run = partial(_run_python, root=root, confined=confined)
        tools.append(Tool("run_python", "Run Python code", {"code": code}, run))
    return {tool.name: tool for tool in tools}


def _run_python(code: str, root: Path, *, confined: bool) -> str:
    try:
        return run_python(code, root, confined=confined)
    except ProgramFailed as fault:
        raise ToolFailed(str(fault)) from fault
