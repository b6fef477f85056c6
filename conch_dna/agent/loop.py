"""The agent loop: plan, think, act with tools, debug failures, answer, reflect and remember.

Every step is one question to one neuron in the format of its domain. A neuron of a small base often answers wrongly or
in another format, so the loop trusts no answer: it parses each one leniently and ignores what it cannot parse. The
number of tool calls and thoughts and the length of every carried text are limited.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from conch_dna.agent import ToolFailed
from conch_dna.agent.model_client import writable
from conch_dna.util.text import fenced_code, lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conch_dna.agent.memory import Memory
    from conch_dna.agent.model_client import Call, ModelClient
    from conch_dna.agent.roles import RoleAssignment
    from conch_dna.agent.tools import Tool

MAX_STEPS = 6  # limit of tool calls and of thoughts about steps of the plan
MOST_PLANNED = 8  # limit of steps of a plan
CARRIED = 400  # characters of a result that later questions contain
REVIEWED = 4000  # characters of a program or draft under review
NUMBERED = re.compile(r"\d+[.)]\s*(.+)")
NOTHING = "nothing to remember"
log = structlog.get_logger()


@dataclass(frozen=True)
class Step:
    """One step of one neuron.

    :param call: its tool call, as name and arguments.
    :param result: the result of the tool, or the reason of its failure.
    """

    role: str
    neuron: str
    text: str
    seconds: float
    tokens: int
    digest: str | None
    call: dict[str, object] | None = None
    result: str | None = None
    failed: bool = False


@dataclass(frozen=True)
class Outcome:
    """The result of a task.

    :param remembered: new facts.
    """

    task: str
    answer: str
    plan: tuple[str, ...]
    remembered: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass
class Agent:
    """An agent; it works on one task at a time.

    :param assignments: the model of each role.
    :param route: returns the role for a step of the plan: ``thinking``, or any other name for acting.
    :param on_step: called with every step when it ends.
    """

    client: ModelClient
    assignments: Mapping[str, RoleAssignment]
    tools: Mapping[str, Tool]
    memory: Memory
    route: Callable[[str], str]
    max_steps: int = MAX_STEPS
    on_step: Callable[[Step], None] = lambda _: None
    steps: list[Step] = field(default_factory=list, init=False)
    left: int = field(default=0, init=False)

    def run(self, task: str) -> Outcome:
        """Work on a task until it ends.

        :raises ConchError: a model cannot be asked; answers and failing tools raise nothing.
        """
        self.steps, self.left = [], self.max_steps
        self.prefetch("task", "action", "thinking", "reflection", "memory", "debug")
        plan = self.plan(task)
        notes = [f"Known: {fact}" for fact in self.memory.recall(task)]
        for step in plan:
            if self.left > 0:
                # The last line is the question; the lines above it are its context.
                question = "\n".join([task, *notes, step] if step != task else [*notes, task])
                notes.append(f"{step} {self.work_on(step, question)}"[:CARRIED])
        draft = self.think("\n".join([task, *notes]))
        answer = self.reflect(task, draft)
        return Outcome(task, answer, plan, self.remember(task), tuple(self.steps))

    def plan(self, task: str) -> tuple[str, ...]:
        """Return the steps of a plan; the task itself if the answer is not a list."""
        text = self.ask("task", task)
        found = [match[1] for line in lines(text) if (match := NUMBERED.fullmatch(line))]
        return tuple(step[:CARRIED] for step in found[:MOST_PLANNED]) or (task,)

    def work_on(self, step: str, question: str) -> str:
        """Think about a step or act on it; return the result."""
        if self.route(step) != "thinking":
            return self.act(question)
        self.left -= 1
        return self.think(question)

    def think(self, question: str) -> str:
        """Return the answer after the reasoning, or the whole text if no answer is marked."""
        text = self.ask("thinking", question)
        return text.rpartition("Answer:")[2].strip() or text

    def act(self, question: str) -> str:
        """Call a tool; if it fails, let ``debug`` find the fault and try once more."""
        call, result, failed = self.call(question)
        if not failed or self.left < 1:
            return result
        written = "…" if call is None else call.text[:CARRIED]
        if call is not None and call.name == "run_python" and isinstance(call.arguments, dict):
            program = str(call.arguments.get("code", ""))[:REVIEWED]
            fixed = fenced_code(self.ask("debug", f"{result[-CARRIED:]}\n{program}"))
            return result if fixed is None else self.use_fixed(fixed.code)
        hint = self.ask("debug", f"{result[-CARRIED:]}\n{written}")
        return self.call(question, written, f"That failed: {result[:CARRIED]}\n{hint[:CARRIED]}")[1]

    def call(self, *texts: str) -> tuple[Call | None, str, bool]:
        """Let ``action`` call a tool; return the call, the result, and whether it failed."""
        self.left -= 1
        assignment = self.assignments["action"]
        reply = self.client.ask(
            assignment.neuron, assignment.turns(*texts), assignment.max_tokens, list(self.tools.values())
        )
        if reply.call is None:
            result, failed = f"not a complete tool call: {reply.text[:CARRIED]}", True
        else:
            result, failed = self.use(reply.call.name, reply.call.arguments)
        made = None if reply.call is None else {"tool": reply.call.name, "arguments": reply.call.arguments}
        about = (assignment.neuron, reply.text, reply.seconds, reply.tokens, reply.digest)
        self.note(Step("action", *about, made, result, failed))
        return reply.call, result, failed

    def use(self, name: str, arguments: object) -> tuple[str, bool]:
        """Run a tool; return the result and whether it failed."""
        if name not in self.tools:
            return f"no such tool: {name[:100]!r}; available: {', '.join(self.tools)}", True
        try:
            return writable(self.tools[name].run(arguments)), False
        except ToolFailed as fault:
            return writable(str(fault)), True

    def use_fixed(self, code: str) -> str:
        """Run the program that ``debug`` fixed; only the tool runs, so the step has no tokens."""
        self.left -= 1
        call: dict[str, object] = {"tool": "run_python", "arguments": {"code": code}}
        result, failed = self.use("run_python", call["arguments"])
        self.note(Step("debug", self.assignments["debug"].neuron, "", 0.0, 0, None, call, result, failed))
        return result

    def reflect(self, task: str, draft: str) -> str:
        """Return the draft, or the better answer if a flaw is found."""
        text = self.ask("reflection", f"Q: {task} Draft: {draft[:REVIEWED]}")
        flaw = text.partition("Flaw:")[2].strip().lower()
        better = text.partition("Better:")[2].strip()
        return draft if flaw.startswith("none") or not better else better

    def remember(self, task: str) -> tuple[str, ...]:
        """Store the facts in the user's text; return the new ones. A full disk does not lose the answer."""
        found = [line[2:].strip() for line in lines(self.ask("memory", task)) if line.startswith("- ")]
        try:
            return tuple(self.memory.add([fact for fact in found if fact and NOTHING not in fact.lower()]))
        except OSError as fault:
            log.warning("facts_not_kept", path=str(self.memory.path), error=str(fault))
            return ()

    def ask(self, role: str, question: str) -> str:
        """Ask the model of a role; return the answer's text."""
        assignment = self.assignments[role]
        reply = self.client.ask(assignment.neuron, assignment.turns(question), assignment.max_tokens)
        self.note(Step(role, assignment.neuron, reply.text, reply.seconds, reply.tokens, reply.digest))
        return reply.text.strip()

    def note(self, step: Step) -> None:
        """Record a step and report it."""
        self.steps.append(step)
        self.on_step(step)

    def prefetch(self, *roles: str) -> None:
        """Announce the roles that come next."""
        self.client.prefetch(list(dict.fromkeys(self.assignments[role].neuron for role in roles)))
