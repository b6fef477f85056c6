"""The agent: think, plan, act with tools, debug what fails, answer, reflect, remember.

Every step is one question to one neuron, in the form that its domain taught it. A neuron of a small base often answers
in another form or wrongly, so nothing here trusts an answer: each is read leniently, and what cannot be read changes
nothing. The number of tool calls and thoughts is bounded, and so is every text that is carried on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from conch_dna.agent.faults import ToolFailed
from conch_dna.agent.model_client import writable
from conch_dna.util.text import fenced_code, lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conch_dna.agent.memory import Memory
    from conch_dna.agent.model_client import Call, ModelClient
    from conch_dna.agent.roles import RoleAssignment
    from conch_dna.agent.tools import Tool

MAX_STEPS = 6  # tool calls, and thoughts about steps of the plan
MOST_PLANNED = 8  # steps of a plan that are looked at
CARRIED = 400  # characters of a result that later questions hold
LOOKED_AT = 4000  # characters of a program or a draft that is to be made better
NUMBERED = re.compile(r"\d+[.)]\s*(.+)")
NOTHING = "nothing to remember"
log = structlog.get_logger()


@dataclass(frozen=True)
class Step:
    """What one neuron did.

    :param call: the tool call that it made, as its name and arguments.
    :param result: what the tool gave, or why it failed.
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
    """How a task ended.

    :param remembered: facts that were new.
    """

    task: str
    answer: str
    plan: tuple[str, ...]
    remembered: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass
class Agent:
    """One agent; it works on one task at a time.

    :param assignments: who plays each role.
    :param route: which role takes a step of the plan: ``thinking``, or any other for acting.
    :param on_step: called with every step as it ends.
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
        """Work on a task to its end.

        :raises ConchError: a model cannot be asked; what models answer and tools do raises nothing.
        """
        self.steps, self.left = [], self.max_steps
        self.prefetch("task", "action", "thinking", "reflection", "memory", "debug")
        plan = self.plan(task)
        notes = [f"Known: {fact}" for fact in self.memory.recall(task)]
        for step in plan:
            if self.left > 0:
                # The last line is what is asked for; the lines above it say what it is about.
                question = "\n".join([task, *notes, step] if step != task else [*notes, task])
                notes.append(f"{step} {self.work_on(step, question)}"[:CARRIED])
        draft = self.think("\n".join([task, *notes]))
        answer = self.reflect(task, draft)
        return Outcome(task, answer, plan, self.remember(task), tuple(self.steps))

    def plan(self, task: str) -> tuple[str, ...]:
        """Return the steps of a plan; the task itself where the answer is no list."""
        text = self.ask("task", task)
        found = [match[1] for line in lines(text) if (match := NUMBERED.fullmatch(line))]
        return tuple(step[:CARRIED] for step in found[:MOST_PLANNED]) or (task,)

    def work_on(self, step: str, question: str) -> str:
        """Think about a step or act on it; return what came of it."""
        if self.route(step) != "thinking":
            return self.act(question)
        self.left -= 1
        return self.think(question)

    def think(self, question: str) -> str:
        """Return the answer behind the reasoning, or all of it where none is marked."""
        text = self.ask("thinking", question)
        return text.rpartition("Answer:")[2].strip() or text

    def act(self, question: str) -> str:
        """Call a tool; if that fails, let ``debug`` look at it and try once more."""
        call, result, failed = self.call(question)
        if not failed or self.left < 1:
            return result
        written = "…" if call is None else call.text[:CARRIED]
        if call is not None and call.name == "run_python" and isinstance(call.arguments, dict):
            program = str(call.arguments.get("code", ""))[:LOOKED_AT]
            mended = fenced_code(self.ask("debug", f"{result[-CARRIED:]}\n{program}"))
            return result if mended is None else self.use_mended(mended.code)
        hint = self.ask("debug", f"{result[-CARRIED:]}\n{written}")
        return self.call(question, written, f"That failed: {result[:CARRIED]}\n{hint[:CARRIED]}")[1]

    def call(self, *texts: str) -> tuple[Call | None, str, bool]:
        """Let ``action`` call a tool; return the call, what came of it, and whether it failed."""
        self.left -= 1
        assignment = self.assignments["action"]
        reply = self.client.ask(assignment.neuron, assignment.turns(*texts), assignment.max_tokens, list(self.tools.values()))
        if reply.call is None:
            result, failed = f"not a whole call of a tool: {reply.text[:CARRIED]}", True
        else:
            result, failed = self.use(reply.call.name, reply.call.arguments)
        made = None if reply.call is None else {"tool": reply.call.name, "arguments": reply.call.arguments}
        self.note(Step("action", assignment.neuron, reply.text, reply.seconds, reply.tokens, reply.digest, made, result, failed))
        return reply.call, result, failed

    def use(self, name: str, arguments: object) -> tuple[str, bool]:
        """Run a tool; return what came of it, and whether it failed."""
        if name not in self.tools:
            return f"there is no tool {name[:100]!r}; there are {', '.join(self.tools)}", True
        try:
            return writable(self.tools[name].run(arguments)), False
        except ToolFailed as fault:
            return writable(str(fault)), True

    def use_mended(self, code: str) -> str:
        """Run the program that ``debug`` has mended; the step is the tool's, so it cost no tokens."""
        self.left -= 1
        call: dict[str, object] = {"tool": "run_python", "arguments": {"code": code}}
        result, failed = self.use("run_python", call["arguments"])
        self.note(Step("debug", self.assignments["debug"].neuron, "", 0.0, 0, None, call, result, failed))
        return result

    def reflect(self, task: str, draft: str) -> str:
        """Return the draft, or what is better where a flaw is found."""
        text = self.ask("reflection", f"Q: {task} Draft: {draft[:LOOKED_AT]}")
        flaw = text.partition("Flaw:")[2].strip().lower()
        better = text.partition("Better:")[2].strip()
        return draft if flaw.startswith("none") or not better else better

    def remember(self, task: str) -> tuple[str, ...]:
        """Keep the facts in what the user reply; return those that were new. A full disk does not cost the answer."""
        found = [line[2:].strip() for line in lines(self.ask("memory", task)) if line.startswith("- ")]
        try:
            return tuple(self.memory.add([fact for fact in found if fact and NOTHING not in fact.lower()]))
        except OSError as fault:
            log.warning("facts_not_kept", path=str(self.memory.path), error=str(fault))
            return ()

    def ask(self, role: str, question: str) -> str:
        """Ask who plays a role; return the answer's text."""
        assignment = self.assignments[role]
        reply = self.client.ask(assignment.neuron, assignment.turns(question), assignment.max_tokens)
        self.note(Step(role, assignment.neuron, reply.text, reply.seconds, reply.tokens, reply.digest))
        return reply.text.strip()

    def note(self, step: Step) -> None:
        """Keep a step, and tell of it."""
        self.steps.append(step)
        self.on_step(step)

    def prefetch(self, *roles: str) -> None:
        """Say which roles come next."""
        self.client.prefetch(list(dict.fromkeys(self.assignments[role].neuron for role in roles)))
